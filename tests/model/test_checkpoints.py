import json

import pytest

from pipelines.model.base import BaseModel
from pipelines.model.checkpoints import checkpoint_folder, last_whole_checkpoint
from pipelines.paths import Paths
from pipelines.recipe_reader import read_recipe
from pipelines.stages.train import _shaped_by

RECIPE = """name: tickets
purpose: Route a ticket.
owner: team@example.com
data:
  sources:
    tickets: {contract: data_contracts/tickets.odcs.yaml, type: files, path: data/tickets.csv}
  example: {user: "{subject}", assistant: "{product}"}
model: {base: embedded:smollm2-135m-instruct}
train: {learning_rate: 1.0e-3}
register: {model: tickets}
"""


def checkpoint(folder, step, state=None):
    """A checkpoint as the trainer leaves it; `state` is what its last file holds, None where it was not written."""
    made = folder / f"checkpoint-{step}"
    made.mkdir(parents=True)
    (made / "adapter_model.safetensors").write_bytes(b"weights")
    if state is not None:
        (made / "trainer_state.json").write_text(state)
    return made


def whole(step):
    return json.dumps({"global_step": step})


def test_the_same_training_finds_its_checkpoints_again(tmp_path):
    folder = checkpoint_folder(tmp_path, {"learning_rate": 1e-3, "data": "a"})
    kept = checkpoint(folder, 20, whole(20))
    again = checkpoint_folder(tmp_path, {"data": "a", "learning_rate": 1e-3})
    assert last_whole_checkpoint(again) == kept


def test_another_training_starts_anew_and_leaves_nothing_behind(tmp_path):
    """PAINS 19: what was made under other settings is never taken up."""
    old = checkpoint_folder(tmp_path, {"learning_rate": 1e-3})
    checkpoint(old, 20, whole(20))
    new = checkpoint_folder(tmp_path, {"learning_rate": 2e-3})
    assert last_whole_checkpoint(new) is None
    assert not old.exists()


def test_nothing_to_take_up_at_first(tmp_path):
    assert last_whole_checkpoint(checkpoint_folder(tmp_path, {})) is None


def test_steps_are_ordered_as_numbers(tmp_path):
    checkpoint(tmp_path, 9, whole(9))
    newest = checkpoint(tmp_path, 10, whole(10))
    assert last_whole_checkpoint(tmp_path) == newest


@pytest.mark.parametrize("state", [None, "", whole(40)[:-4], whole(20)], ids=["none", "empty", "cut off", "another's"])
def test_a_half_written_checkpoint_is_skipped_and_removed(tmp_path, state):
    """A kill -9 while the newest is written: training goes on from the one before."""
    before = checkpoint(tmp_path, 20, whole(20))
    half = checkpoint(tmp_path, 40, state)
    assert last_whole_checkpoint(tmp_path) == before
    assert not half.exists()


@pytest.fixture
def training(tmp_path, monkeypatch):
    """The folder name for a training described by a recipe, its train split's bytes, and its base."""
    monkeypatch.chdir(tmp_path)
    paths = Paths("tickets")
    paths.work.mkdir(parents=True)

    def name(recipe=RECIPE, train=b"rows", validation=b"rows", weights="00", revision="1"):
        (tmp_path / "tickets.yaml").write_text(recipe)
        (paths.work / "train.parquet").write_bytes(train)
        (paths.work / "validation.parquet").write_bytes(validation)
        base = BaseModel("embedded:smollm2-135m-instruct", revision, "apache-2.0", weights, tmp_path)
        shaped_by = _shaped_by(read_recipe(tmp_path / "tickets.yaml"), paths, base)
        return checkpoint_folder(paths.scratch, shaped_by).name

    return name


def test_the_same_inputs_share_a_folder(training):
    assert training() == training()


@pytest.mark.parametrize(
    "change",
    [
        {"recipe": RECIPE.replace("1.0e-3", "2.0e-3")},
        {"train": b"other rows"},
        {"validation": b"other rows"},
        {"weights": "11"},
        {"revision": "2"},
    ],
    ids=["learning rate", "train split", "validation split", "base weights", "base revision"],
)
def test_whatever_shapes_the_weights_has_a_folder_of_its_own(training, change):
    """PAINS 19: a changed setting, split or base never takes up the checkpoints of another."""
    assert training(**change) != training()


def test_what_does_not_shape_the_weights_keeps_the_folder(training):
    assert training(RECIPE.replace("Route a ticket", "Send a ticket on")) == training()
