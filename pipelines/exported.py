"""What export.json says of the file that is judged, served and registered."""

from collections.abc import Mapping
from typing import Any

from pipelines.errors import TinsmithError


def judged_quant(export: Mapping[str, Any]) -> str:
    """The quant that is judged, served and registered, from what export.json holds.

    Never taken from the recipe, which may have left the choice to the export stage (`export.quants: auto`).

    Raises:
        TinsmithError: the export is of an older version, which did not say.
    """
    if export.get("judged") not in export["quants"]:
        raise TinsmithError("export.json does not name a judged quant; run the export stage again")
    return str(export["judged"])
