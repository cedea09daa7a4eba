"""Checkpoints that only the same training may take up again.

DVC removes a stage's outputs before it runs, and outputs kept with `persist` are taken up after the settings changed.
So checkpoints lie outside DVC, in a folder named by a digest of everything that shapes the training.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from pipelines.files import sha256_of_json


def checkpoint_folder(scratch: Path, shaped_by: dict[str, Any]) -> Path:
    """The folder for a training that is wholly described by `shaped_by`; those of other trainings are removed."""
    folder = scratch / "train" / sha256_of_json(shaped_by)[:16]
    if folder.parent.is_dir():
        for other in folder.parent.iterdir():
            if other != folder:
                shutil.rmtree(other)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def last_whole_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint that was written to its end, or None; a half-written one (kill -9) is removed."""
    by_step = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]), reverse=True)
    for checkpoint in by_step:
        if _is_whole(checkpoint):
            return checkpoint
        shutil.rmtree(checkpoint)
    return None


def _is_whole(checkpoint: Path) -> bool:
    # The trainer writes its state last, after weights, optimiser, scheduler and random state.
    try:
        state = json.loads((checkpoint / "trainer_state.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return False
    return bool(state["global_step"] == int(checkpoint.name.rpartition("-")[2]))
