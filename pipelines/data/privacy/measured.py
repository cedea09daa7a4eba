"""How well each kind is found, as `python -m benchmarks.privacy.recall --record` measured it last."""

from pathlib import Path
from typing import Any

from pipelines.data.privacy.names import KINDS
from pipelines.files import read_json
from pipelines.recipe import Privacy

MEASURED = Path(__file__).parent / "measured.json"


def measured_recall(privacy: Privacy) -> dict[str, Any]:
    """The record: command, data, date, and recall and precision by kind; without those that this recipe does not use.

    The precision of a kind that is not looked for, such as organisations, is None: its recall is what lies within finds
    of other kinds, mostly names and addresses. A model from the user's own folder was not measured here, and neither
    was anything where no name finder is set.
    """
    record = read_json(MEASURED)
    if privacy.names == "builtin":
        return dict(record)
    looked_for = {kind: figures for kind, figures in record["kinds"].items() if figures["precision"] is not None}
    return {**record, "kinds": {kind: figures for kind, figures in looked_for.items() if kind not in KINDS}}
