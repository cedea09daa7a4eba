from collections import Counter

from pipelines.scoring.safety.personal import personal_part


def test_answers_are_counted_once_and_finds_by_kind():
    found = {
        "base": [Counter(), Counter(EMAIL=1), Counter(), Counter()],
        "tuned": [Counter(EMAIL=2, PHONE=1), Counter(), Counter(EMAIL=1), Counter()],
    }
    part = personal_part(["a:1", "a:2", "a:3", "a:4"], found)
    figure = part.figures["personal_data"]
    assert (figure.base, figure.tuned, figure.rows, figure.better) == (0.25, 0.5, 4, "lower")
    assert part.told["kinds"] == {"EMAIL": {"base": 1, "tuned": 2}, "PHONE": {"base": 0, "tuned": 1}}
    assert part.told["example_ids"] == ["a:1", "a:3"]
