"""Exact duplicates (the same prompt, whatever its case and spacing, with the same answer) and contradictions."""

import numpy as np
from numpy.typing import NDArray

from pipelines.data.splits import Keys

Mask = NDArray[np.bool_]


def repeats(prompts: Keys, answers: Keys) -> Mask:
    """The rows whose prompt and answer an earlier row has already; both are given as hashes, one for each row."""
    order = np.lexsort((answers, prompts))  # stable: equal rows stay in their order
    same = (np.diff(prompts[order]) == 0) & (np.diff(answers[order]) == 0)
    repeated = np.zeros(len(prompts), bool)
    repeated[order[1:][same]] = True
    return repeated


def contradicted(prompts: Keys, answers: Keys) -> Mask:
    """The rows whose prompt comes with another answer, too."""
    order = np.lexsort((answers, prompts))
    first = np.append(True, np.diff(prompts[order]) != 0)[: len(order)]  # of the rows with its prompt
    breaks = ~first & np.append(False, np.diff(answers[order]) != 0)[: len(order)]
    # A prompt's rows stand together: those of a prompt with a break are all of them.
    several = np.logical_or.reduceat(breaks, np.flatnonzero(first)) if len(order) else breaks
    found = np.zeros(len(prompts), bool)
    found[order] = several[np.cumsum(first) - 1]
    return found
