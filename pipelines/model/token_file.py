"""Tokenised examples in an Arrow file that training maps: memory holds what is being read, however many there are."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
from datasets import Dataset

from pipelines.batches import batched
from pipelines.model.answer_loss import IGNORED
from pipelines.model.tokenized import Tokenized

_SCHEMA = pa.schema([("input_ids", pa.list_(pa.int32())), ("labels", pa.list_(pa.int32()))])
_BATCH = 1_000


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
