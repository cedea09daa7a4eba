"""The datasheet for people, after Gebru et al. 2021 (arXiv:1803.09010): where rows came from and what became of them.

It is committed, so it shows counts, digests and closed lists of labels, never text of rows.
"""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from pipelines.data.sankey import Column, sankey
from pipelines.data.splits import SIDES

_SCREEN = ("undesirable", "forgotten", "secret", "personal")
_SPLIT = ("linked_to_train", "contaminated", "in_benchmark", "over_label_cap", "over_group_cap")


def balance(sheet: dict[str, Any], ingest: dict[str, Any]) -> list[Column]:
    """The steps from rows in to the three sides; each step's rows add up to those kept by the step before.

    Sources that are only looked up are left out: none of their rows becomes an example."""
    rows = sheet["rows"]
    sources = [source for source in ingest["sources"].values() if source["use"] == "examples"]
    dropped = {key.removeprefix("dropped_"): count for key, count in rows.items() if key.startswith("dropped_")}
    screened_out = {reason: dropped[reason] for reason in _SCREEN}
    split = {reason: dropped[reason] for reason in _SPLIT}
    curated = {reason: count for reason, count in dropped.items() if reason not in {*screened_out, *split}}
    # Canaries come from no source.
    sides = {side: rows[side] - (rows["planted"] if side == "train" else 0) for side in SIDES}
    examples = sum(sides.values())
    usable = examples + sum(split.values())
    screened = usable + sum(curated.values())
    return [
        [("rows in", sum(source["rows_in"] for source in sources))],
        [
            (words, sum(source[key] for source in sources))
            for words, key in (
                ("accepted", "accepted"),
                ("quarantined", "quarantined"),
                ("not readable", "rejected_raw"),
            )
        ],
        [("screened", screened), *_told(screened_out)],
        [("curated", usable), *_told(curated)],
        [("split", examples), *_told(split)],
        list(sides.items()),
    ]


def datasheet_html(name: str, purpose: str, sheet: dict[str, Any], ingest: dict[str, Any]) -> str:
    """One page, without scripts and network."""
    picture = Markup(sankey(balance(sheet, ingest)))  # noqa: S704 (sankey escapes its words)
    return _rendered("datasheet.html.j2", name, purpose, sheet, ingest, picture)


def datasheet_markdown(name: str, purpose: str, sheet: dict[str, Any], ingest: dict[str, Any]) -> str:
    """The same as Markdown, without the picture."""
    return _rendered("datasheet.md.j2", name, purpose, sheet, ingest, "")


def _rendered(
    template: str, name: str, purpose: str, sheet: dict[str, Any], ingest: dict[str, Any], picture: str
) -> str:
    steps = balance(sheet, ingest)
    counts = list(sheet["tokens"]["histogram"].values())
    longer = [sum(counts[place:]) / sum(counts) for place in range(1, len(counts) + 1)]
    page = _environment().get_template(template)
    return page.render(
        name=name, purpose=purpose, sheet=sheet, ingest=ingest, steps=steps, picture=picture, longer=longer
    )


def _told(reasons: dict[str, int]) -> list[tuple[str, int]]:
    return [(reason.replace("_", " "), count) for reason, count in reasons.items()]


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("pipelines.data", "."),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
