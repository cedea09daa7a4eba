import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.data.curation.ledger import Ledger


@given(st.lists(st.lists(st.booleans(), min_size=9, max_size=9), max_size=5))
def test_every_row_is_kept_or_has_one_reason(masks):
    ledger = Ledger(9)
    for number, mask in enumerate(masks):
        ledger.drop(f"reason {number}", np.array(mask))
    assert int(ledger.kept.sum()) + sum(ledger.dropped().values()) == 9
    assert list(ledger.dropped()) == [f"reason {number}" for number in range(len(masks))]


def test_the_first_reason_counts():
    ledger = Ledger(3)
    ledger.drop("duplicate", np.array([True, False, False]))
    ledger.drop("too_long", np.array([True, True, False]))
    assert ledger.dropped() == {"duplicate": 1, "too_long": 1}
    assert ledger.kept.tolist() == [False, False, True]
