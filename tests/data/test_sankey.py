import re

import pytest

from pipelines.data.sankey import sankey

COLUMNS = [
    [("rows in", 100)],
    [("accepted", 80), ("refused <b>", 20), ("lost", 0)],
    [("train", 60), ("test", 20)],
]


def test_every_step_is_told_and_empty_ones_are_not():
    picture = sankey(COLUMNS)
    assert re.findall(r">([^<>]+)</text>", picture) == [
        "rows in 100",
        "accepted 80",
        "refused &lt;b&gt; 20",
        "train 60",
        "test 20",
    ]
    assert "<script" not in picture


def test_heights_are_in_proportion_to_rows():
    heights = [float(height) for height in re.findall(r'<rect [^>]*height="([\d.]+)"', sankey(COLUMNS))]
    assert [round(height / heights[0], 2) for height in heights] == [1, 0.8, 0.2, 0.6, 0.2]


def test_rows_that_do_not_add_up_are_no_picture():
    with pytest.raises(ValueError, match="80 rows go on from 'accepted'"):
        sankey([*COLUMNS[:2], [("train", 60), ("test", 19)]])
