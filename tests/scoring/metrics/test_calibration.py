import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.scoring.metrics.calibration import calibration

told = st.lists(st.tuples(st.floats(-30, 1e-9), st.booleans()), min_size=1, max_size=50)


def calibrated(pairs):
    logprobs, right = zip(*pairs, strict=True)
    return calibration(np.array(logprobs), np.array(right))


def test_a_known_case():
    """Ten answers: four at 95% confidence of which three are right, six at 55% of which three are right."""
    found = calibrated([(np.log(0.95), n > 0) for n in range(4)] + [(np.log(0.55), n > 2) for n in range(6)])
    assert found["bins"] == [
        {"low": 0.5, "high": 0.6, "rows": 6, "confidence": 0.55, "accuracy": 0.5},
        {"low": 0.9, "high": 1.0, "rows": 4, "confidence": 0.95, "accuracy": 0.75},
    ]
    assert found["ece"] == pytest.approx(0.6 * 0.05 + 0.4 * 0.2)


def test_sure_and_right_is_calibrated_and_sure_and_wrong_is_not():
    assert calibrated([(0.0, True)] * 3)["ece"] == 0
    assert calibrated([(0.0, False)] * 3)["ece"] == 1


@settings(deadline=None)
@given(told)
def test_every_row_is_in_one_bin_and_the_error_is_a_share(pairs):
    found = calibrated(pairs)
    assert sum(each["rows"] for each in found["bins"]) == len(pairs)
    assert 0 <= found["ece"] <= 1
    assert all(each["low"] - 1e-6 <= each["confidence"] <= each["high"] + 1e-6 for each in found["bins"])
    right = sum(each["rows"] * each["accuracy"] for each in found["bins"])
    assert right == pytest.approx(sum(is_right for _, is_right in pairs), abs=1e-4)
