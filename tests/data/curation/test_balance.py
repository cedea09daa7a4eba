import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.data.curation.balance import over_cap

ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1000)), max_size=40)


@given(ROWS, st.integers(1, 5))
def test_each_kind_keeps_the_most_that_it_may(rows, most):
    kinds, ranks = (np.array([row[place] for row in rows], np.uint64) for place in (0, 1))
    over = over_cap(kinds, ranks, most)
    for kind in set(kinds.tolist()):
        mine = kinds == kind
        assert (mine & ~over).sum() == min(most, mine.sum())
        assert max(ranks[mine & ~over]) <= min(ranks[mine & over], default=10**6)
