"""A metric that the recipe brings as a Python function; it runs in this process, as trusted as the recipe itself."""

import importlib.util
import math
import sys
from collections.abc import Callable, Sequence
from copy import deepcopy
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.errors import TinsmithError
from pipelines.scoring.metrics.figures import Row, Scores, Texts

OwnFunction = Callable[[str, str, dict[str, Any]], float]

_SHOWN = 5


def load_function(name: str, place: str) -> OwnFunction:
    """The function at `place`, `path/to/file.py:function`, called with answer, expected answer and row.

    Raises:
        TinsmithError: the file is not there, cannot be imported, or has no such function.
    """
    where = f"evaluate.functions.{name}"
    file, _, function = place.rpartition(":")
    if not Path(file).is_file():
        raise TinsmithError(f"{where}: {file}: there is no such file; name it relative to the project's folder")
    spec = importlib.util.spec_from_file_location(f"metric_{name}", file)
    if spec is None or spec.loader is None:
        raise TinsmithError(f"{where}: {file}: is no Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by its name.
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # noqa: BLE001 - another's code may raise anything
        del sys.modules[spec.name]
        raise TinsmithError(f"{where}: {file}: {type(error).__name__} while it was imported; mend it") from None
    found = getattr(module, function, None)
    if not callable(found):
        raise TinsmithError(f"{where}: {file}: has no function {function}")
    return found  # type: ignore[no-any-return]


def own_scores(name: str, function: OwnFunction, rows: Sequence[Row], answers: Texts) -> Scores:
    """What the function gives for each row.

    A metric that fails on a row is no zero for the model: all rows are tried, then the failures end the evaluation.

    Raises:
        TinsmithError: it raised, or gave anything but a number from 0 to 1; with how often, and the first rows.
    """
    scores = np.full(len(rows), math.nan)
    failed: list[tuple[str, str]] = []
    for place, (row, answer) in enumerate(zip(rows, answers, strict=True)):
        try:
            score = function(answer, row["answer"], deepcopy(dict(row)))
        except Exception as error:  # noqa: BLE001 - another's code may raise anything
            failed.append((row["example_id"], f"raised {type(error).__name__}"))
            continue
        if isinstance(score, Real | np.bool_) and 0 <= score <= 1:
            scores[place] = float(score)
        else:
            failed.append((row["example_id"], "gave no number from 0 to 1"))
    if failed:
        ids = ", ".join(example_id for example_id, _ in failed[:_SHOWN])
        raise TinsmithError(
            f"evaluate.functions.{name}: {failed[0][1]} in {len(failed)} of {len(rows)} rows (first: {ids}); mend it "
            "and run the evaluate stage again, answers are kept"
        )
    return scores
