import pytest

from pipelines.errors import TinsmithError
from pipelines.scoring.metrics.perplexity import AnswerLikelihood, read_likelihoods, write_likelihoods


def test_likelihoods_of_other_rows_are_refused(tmp_path):
    file = tmp_path / "base.json"
    found = [AnswerLikelihood(-1.25, 3), AnswerLikelihood(-0.1, 1)]
    write_likelihoods(file, ["a", "b"], found)
    assert read_likelihoods(file, ["a", "b"]) == found
    for path, ids in ((file, ["a", "c"]), (file, ["a"]), (tmp_path / "none.json", ["a"])):
        with pytest.raises(TinsmithError, match="is not of the rows that judge now; run the baseline"):
            read_likelihoods(path, ids)
