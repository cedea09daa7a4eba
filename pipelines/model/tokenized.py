"""What this room asks of an example that was tokenised elsewhere."""

from typing import Protocol


class Tokenized(Protocol):
    """One example as ids; `trained` is 1 where the loss is taken. Both have the length of the example in tokens."""

    @property
    def input_ids(self) -> list[int]:
        """The whole chat."""
        ...

    @property
    def trained(self) -> list[int]:
        """1 for each token of the answer and its end of turn, else 0."""
        ...
