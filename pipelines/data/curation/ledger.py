"""Which rows are kept, and why the others are not, so that rows in = kept + dropped by reason, exactly."""

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


class Ledger:
    """Each row is kept or has one reason, the first that it was dropped for."""

    def __init__(self, rows: int) -> None:
        self._reasons: list[str] = []
        self._reason = np.zeros(rows, np.uint8)  # 0 for kept, else the reason's position, from 1

    @property
    def kept(self) -> Mask:
        """True for each row that is kept."""
        kept: Mask = self._reason == 0
        return kept

    def drop(self, reason: str, rows: Mask) -> None:
        """Drop those of `rows`, a mask over all rows, that are still kept."""
        self._reasons.append(reason)
        self._reason[rows & self.kept] = len(self._reasons)

    def dropped(self) -> dict[str, int]:
        """Rows by reason, in the order in which they were dropped, those without rows included."""
        return {reason: int((self._reason == number).sum()) for number, reason in enumerate(self._reasons, start=1)}
