"""What a metric gives: a score for every row, or one figure of any set of rows."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Row = Mapping[str, Any]
Texts = Sequence[str]

# One score a row, between 0 (wrong) and 1 (right), in the order of the rows.
Scores = NDArray[np.float64]
# The figure of the rows at these places, for metrics that no single row has, such as macro F1; a place may come more
# than once, as in a bootstrap's resample.
OfRows = Callable[[NDArray[np.intp]], float]
Measured = Scores | OfRows
