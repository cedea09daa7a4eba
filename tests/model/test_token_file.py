import numpy as np
from datasets import Dataset
from trl import pack_dataset

from pipelines.data.tokenizing import TokenizedExample
from pipelines.model.answer_loss import IGNORED
from pipelines.model.token_file import token_dataset


def examples(count):
    chance = np.random.default_rng(5)
    for length in chance.integers(2, 60, count).tolist():
        ids = chance.integers(0, 50_000, length).tolist()
        yield TokenizedExample(ids, [0] * (length // 2) + [1] * (length - length // 2))


def test_the_mapped_file_holds_and_packs_what_a_list_in_memory_does(tmp_path):
    given = list(examples(2500))
    labels = [
        [token if trained else IGNORED for token, trained in zip(one.input_ids, one.trained, strict=True)]
        for one in given
    ]
    held = Dataset.from_dict({"input_ids": [one.input_ids for one in given], "labels": labels})
    mapped = token_dataset(iter(given), tmp_path / "tokens")
    assert mapped[:] == held[:]
    assert pack_dataset(mapped, 128)[:] == pack_dataset(held, 128)[:]


def test_a_second_start_replaces_what_the_first_left(tmp_path):
    folder = tmp_path / "tokens"
    pack_dataset(token_dataset(examples(3), folder), 128)
    mapped = token_dataset(examples(2), folder)
    assert len(mapped) == 2
    assert [path.name for path in folder.iterdir()] == ["examples.arrow"]
    assert mapped.cache_files == [{"filename": str(folder / "examples.arrow")}]
