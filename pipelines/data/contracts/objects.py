"""Objects within rows: each field that a contract describes becomes a column of its own, as `label.total`."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pipelines.strict_yaml import Document, Field

_PROPERTIES: Field = ("schema", 0, "properties")


def with_fields_as_columns(document: Document) -> Document:
    """The contract with the fields of its objects as columns, in place of the objects; every line stays known.

    Whatever can be promised of a column can so be promised of a field: its rules, its kind of personal data, its use.
    An object that describes no fields is a column itself.
    """
    flat = list(_flat(document.value["schema"][0]["properties"], _PROPERTIES, (), ()))
    lines = {spot: line for spot, line in document.lines.items() if spot[:3] != _PROPERTIES or len(spot) == 3}
    for number, (place, _) in enumerate(flat):
        inside = {spot: line for spot, line in document.lines.items() if spot[: len(place)] == place}
        lines |= {(*_PROPERTIES, number, *spot[len(place) :]): line for spot, line in inside.items()}
    table = {**document.value["schema"][0], "properties": [given for _, given in flat]}
    return replace(document, value={**document.value, "schema": [table]}, lines=lines)


def field_of(row: dict[str, Any], source_name: str) -> Any:
    """A row's value by the name that a column has in its source, `label.total` for a field of an object."""
    if source_name in row:
        return row[source_name]
    outer, _, inner = source_name.partition(".")
    below = row.get(outer)
    return field_of(below, inner) if inner and isinstance(below, dict) else None


def _flat(
    properties: list[dict[str, Any]], field: Field, names: tuple[str, ...], sources: tuple[str, ...]
) -> Iterator[tuple[Field, dict[str, Any]]]:
    for index, given in enumerate(properties):
        place = (*field, index)
        name, source = (*names, given["name"]), (*sources, given.get("physicalName", given["name"]))
        if given["logicalType"] == "object" and "properties" in given:
            yield from _flat(given["properties"], (*place, "properties"), name, source)
        else:
            named = {"name": ".".join(name), "physicalName": ".".join(source)}
            yield place, {**given, **named} if names else given
