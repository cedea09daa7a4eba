"""At most so many training rows of a label or a group, chosen by their hash, so that the choice is stable and fair."""

import numpy as np
from numpy.typing import NDArray

from pipelines.data.curation.ledger import Mask


def over_cap(kinds: NDArray[np.uint64], ranks: NDArray[np.uint64], most: int) -> Mask:
    """The rows beyond the `most` of each kind with the smallest ranks; rows that are added replace as few as can be."""
    order = np.lexsort((ranks, kinds))
    starts = np.flatnonzero(np.append(True, np.diff(kinds[order]) != 0))
    lengths = np.diff(np.append(starts, len(kinds)))
    place_in_kind = np.arange(len(kinds)) - np.repeat(starts, lengths)
    over = np.zeros(len(kinds), bool)
    over[order[place_in_kind >= most]] = True
    return over
