"""Tokenised examples in an Arrow file that training maps: memory holds what is being read, however many there are."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
from datasets import Dataset

from pipelines.batches import batched
from pipelines.model.answer_loss import IGNORED

_SCHEMA = pa.schema([("input_ids", pa.list_(pa.int32())), ("labels", pa.list_(pa.int32()))])
_BATCH = 1_000


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


def token_dataset(examples: Iterable[Tokenized], folder: Path) -> Dataset:
    """Write examples to a file in `folder`, in place of what is there, and map it; trl keeps its packed rows beside it.

    The columns are `input_ids` and `labels`, the same with IGNORED where no loss is taken.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    path = folder / "examples.arrow"
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, _SCHEMA) as stream:
        for batch in batched(examples, _BATCH):
            ids = [np.array(example.input_ids, np.int32) for example in batch]
            labels = [
                np.where(np.array(example.trained, bool), tokens, IGNORED)
                for example, tokens in zip(batch, ids, strict=True)
            ]
            columns = [pa.array(column, field.type) for column, field in zip((ids, labels), _SCHEMA, strict=True)]
            stream.write_batch(pa.record_batch(columns, schema=_SCHEMA))
    return Dataset.from_file(str(path))
