import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import TinsmithError
from pipelines.scoring.metrics.perplexity import AnswerLikelihood, perplexity, read_likelihoods, write_likelihoods

likelihoods = st.lists(st.builds(AnswerLikelihood, st.floats(-200, 0), st.integers(1, 50)), min_size=1, max_size=20)


def test_a_known_case():
    """Two tokens at 1/2 and 1/8, one at 1/4: the geometric mean of their inverses is 4."""
    found = [AnswerLikelihood(math.log(1 / 16), 2), AnswerLikelihood(math.log(1 / 4), 1)]
    assert perplexity(found)(np.array([0, 1])) == pytest.approx(4)
    assert perplexity(found)(np.array([1, 1, 1])) == pytest.approx(4)


@given(likelihoods)
def test_it_is_at_least_one_and_does_not_depend_on_the_order(found):
    places = np.arange(len(found))
    figure = perplexity(found)
    assert figure(places) >= 1
    assert figure(places) == pytest.approx(figure(places[::-1]))


def test_likelihoods_of_other_rows_are_refused(tmp_path):
    file = tmp_path / "base.json"
    found = [AnswerLikelihood(-1.25, 3), AnswerLikelihood(-0.1, 1)]
    write_likelihoods(file, ["a", "b"], found)
    assert read_likelihoods(file, ["a", "b"]) == found
    for path, ids in ((file, ["a", "c"]), (file, ["a"]), (tmp_path / "none.json", ["a"])):
        with pytest.raises(TinsmithError, match="is not of the rows that judge now; run the baseline"):
            read_likelihoods(path, ids)
