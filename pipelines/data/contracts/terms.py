"""What a contract says beside its columns: terms of use, what to do with bad rows, and how old rows may be.

The standard has no fields for the first two, so they are `customProperties` of the contract; ages are `slaProperties`.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipelines.data.contracts.rules import DataSetRule, Rule
from pipelines.recipe_reader import did_you_mean
from pipelines.strict_yaml import Document, Field

ON_VIOLATION = ("quarantine", "stop")
TRAINING = "training"
TERMS = ("license", "permittedPurposes", "onViolation", "maxBadShare")
AGES = ("latency", "freshness", "retention")
_UNITS = {
    "minute": ("min", "minute", "minutes"),
    "hour": ("h", "hr", "hour", "hours"),
    "day": ("d", "day", "days"),
    "week": ("w", "wk", "week", "weeks"),
    "month": ("mo", "month", "months"),
    "year": ("y", "yr", "year", "years"),
}
# A month's length depends on which one it is, so that an age cannot be said in months.
SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}
_LONGEST = 1_000_000


@dataclass(frozen=True)
class Terms:
    """`license` and `purposes` (None: not said) bind whoever uses the data; above `max_bad_share` ingest stops.

    `line` is the 1-based line in the contract that says the purposes.
    """

    license: str | None = None
    purposes: tuple[str, ...] | None = None
    stop_on_violation: bool = False
    max_bad_share: float | None = None
    line: int = field(default=1, compare=False)

    @property
    def permits_training(self) -> bool:
        """Whether the contract lets its data train a model; one that names no purposes does."""
        return self.purposes is None or TRAINING in self.purposes


@dataclass(frozen=True)
class Age:
    """A length of time, as 3 year."""

    value: int
    unit: str

    def __str__(self) -> str:
        return f"{self.value} {self.unit}{'s' if self.value != 1 else ''}"


def terms_of(document: Document) -> Terms:
    """The terms of a contract in which `terms_mistakes` found nothing."""
    items = document.value.get("customProperties", [])
    custom = {item["property"]: item["value"] for item in items}
    purposes = custom.get("permittedPurposes")
    places = [index for index, item in enumerate(items) if item["property"] == "permittedPurposes"]
    return Terms(
        license=custom.get("license"),
        purposes=None if purposes is None else tuple(purposes),
        stop_on_violation=custom.get("onViolation") == "stop",
        max_bad_share=custom.get("maxBadShare"),
        line=document.line(("customProperties", *places)),
    )


def terms_mistakes(contract: dict[str, Any]) -> Iterator[tuple[Field, str]]:
    """What is wrong with the contract's terms, among them words that are near to a term and would be passed over."""
    seen = set()
    for index, item in enumerate(contract.get("customProperties", [])):
        spot: Field = ("customProperties", index)
        name, value = item["property"], item["value"]
        if name in seen:
            yield spot, f"{name} is given twice; keep one"
        seen.add(name)
        if mistake := _term_mistake(name, value):
            yield (*spot, "property" if name not in TERMS else "value"), mistake
    for place, element in _elements(contract):
        for index, item in enumerate(element.get("customProperties", [])):
            if item["property"] in TERMS:
                yield (*place, "customProperties", index), f"{item['property']} belongs to the contract, at its top"


def ages_of(document: Document) -> tuple[dict[str, Rule], list[DataSetRule]]:
    """The retention rule of each column that has one, and the rules on the newest row's age."""
    retention: dict[str, Rule] = {}
    newest = []
    for index, sla in enumerate(document.value.get("slaProperties", [])):
        if sla["property"] not in AGES:
            continue
        line = document.line(("slaProperties", index))
        table = document.value["schema"][0]["name"]
        column = sla["element"].removeprefix(f"{table}.")
        unit = _unit(sla)
        assert unit is not None
        if sla["property"] == "retention":
            retention[column] = Rule("retention", Age(int(sla["value"]), unit), line)
        else:
            newest.append(
                DataSetRule(
                    sla["property"], (column,), "mustBeLessOrEqualTo", sla["value"], unit, None, "error", None, line
                )
            )
    return retention, newest


def ages_mistakes(contract: dict[str, Any]) -> Iterator[tuple[Field, str]]:
    """What is wrong with the service levels that are checked: latency, freshness and retention."""
    seen = set()
    for index, sla in enumerate(contract.get("slaProperties", [])):
        name = sla["property"]
        spot: Field = ("slaProperties", index)
        if name not in AGES:
            if name.lower() in AGES:
                yield (*spot, "property"), f"{name} would not be checked {did_you_mean(name.lower(), AGES)}"
            continue
        if (name, sla.get("element")) in seen:
            yield spot, f"{name} is given twice for one column; keep one"
        seen.add((name, sla.get("element")))
        for part, said in _age_mistakes(sla, contract):
            yield (*spot, part), said


def _age_mistakes(sla: dict[str, Any], contract: dict[str, Any]) -> Iterator[tuple[str, str]]:
    unit, value = _unit(sla), sla["value"]
    allowed = _UNITS if sla["property"] == "retention" else SECONDS
    if unit not in allowed:
        yield "unit", f"{sla.get('unit')} is not known {did_you_mean(str(sla.get('unit')), allowed)}"
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not 0 < value < _LONGEST:
        yield "value", "must be a whole number above 0, such as 30"
    if "element" not in sla:
        yield "element", "is missing; name the column of time that is looked at"
        return
    table = contract["schema"][0]
    times = [column["name"] for column in table["properties"] if column["logicalType"] in ("date", "timestamp")]
    named = sla["element"].removeprefix(f"{table['name']}.")
    if named not in times:
        said = f"allowed: {', '.join(times)}" if times else "the contract has none"
        yield "element", f"{sla['element']} is no column of type date or timestamp ({said})"


def _unit(sla: dict[str, Any]) -> str | None:
    given = str(sla.get("unit", "d")).lower()
    return next((unit for unit, spellings in _UNITS.items() if given in spellings), None)


def _term_mistake(name: str, value: Any) -> str | None:
    if name not in TERMS:
        near = did_you_mean(name, TERMS)
        return f"{name} would be passed over {near}" if near.startswith("(did you mean") else None
    if name == "onViolation" and value not in ON_VIOLATION:
        return f"{value} is not known {did_you_mean(str(value), ON_VIOLATION)}"
    if name == "maxBadShare":
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        return None if number and 0 <= value <= 1 else "must be a number from 0 to 1, such as 0.05 for 5 of 100 rows"
    if name == "license" and not isinstance(value, str):
        return "must be a text, such as CC-BY-4.0"
    if name == "permittedPurposes":
        texts = isinstance(value, list) and all(isinstance(purpose, str) for purpose in value)
        return None if texts else "must be a list of texts, such as [training, evaluation]"
    return None


def _elements(contract: dict[str, Any]) -> Iterator[tuple[Field, dict[str, Any]]]:
    for number, table in enumerate(contract.get("schema", [])):
        yield ("schema", number), table
        for index, column in enumerate(table.get("properties", [])):
            yield ("schema", number, "properties", index), column
