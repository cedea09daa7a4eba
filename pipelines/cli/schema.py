"""`tinsmith schema`: the recipe's classes as JSON Schema for editors and as a table for people."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.errors import TinsmithError
from pipelines.files import write_json, write_text
from pipelines.recipe import json_schema

SCHEMA = Path("recipes.schema.json")
REFERENCE = Path("docs/recipes.md")
BEGIN = "<!-- fields: written by `tinsmith schema`, do not edit -->"
END = "<!-- end of fields -->"


def write_schema() -> None:
    """Write the JSON Schema and the field table.

    Raises:
        TinsmithError: docs/recipes.md is missing or has lost the markers between which the table stands.
    """
    schema = json_schema()
    page = with_field_table(REFERENCE, field_table(schema))
    write_json(SCHEMA, schema)
    write_text(REFERENCE, page)
    print(f"wrote {SCHEMA} and the field table in {REFERENCE}")


def with_field_table(page: Path, table: str) -> str:
    """The page's text with `table` between its markers."""
    if not page.exists():
        raise TinsmithError(f"{page}: there is no such file; run this in the project's folder")
    text = page.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise TinsmithError(f"{page}: needs the line {BEGIN!r} once and the line {END!r} once below it")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{table}\n{END}{rest.split(END)[1]}"


def field_table(schema: dict[str, Any]) -> str:
    """A Markdown table of every field of the recipe: what is allowed, its default and its meaning."""
    rows = ["| field | allowed | default | meaning |", "| --- | --- | --- | --- |"]
    for field, spec, required in _fields(schema, schema, ""):
        whole = _section(schema, spec) and "anyOf" not in spec
        default = "required" if required else "its fields'" if whole else _code(spec.get("default"))
        cells = (f"`{field}`", _allowed(schema, spec), default, spec.get("description", _docstring(schema, spec)))
        rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(rows) + "\n"


def _fields(schema: dict[str, Any], section: dict[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Every field below a section with its dotted name and whether it must be given; sections before their fields."""
    for name, spec in section.get("properties", {}).items():
        yield f"{prefix}{name}", spec, name in section.get("required", [])
        if inner := _section(schema, spec):
            yield from _fields(schema, inner, f"{prefix}{name}.")
        elif values := _values(spec):
            key = "NAME" if "patternProperties" in spec else "METRIC"
            if inner := _section(schema, values):
                yield from _fields(schema, inner, f"{prefix}{name}.{key}.")
            elif kinds := values.get("oneOf"):
                yield from _fields_by_type(schema, kinds, f"{prefix}{name}.{key}.")


def _fields_by_type(
    schema: dict[str, Any], kinds: list[dict[str, Any]], prefix: str
) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """The fields of sections of several types: those that all have first, then each type with its own."""
    sections = [section for kind in kinds if (section := _section(schema, kind))]
    common = [name for name in sections[0]["properties"] if all(name in section["properties"] for section in sections)]
    common.remove("type")
    yield from _fields(schema, {**sections[0], "properties": _only(sections[0], common)}, prefix)
    for section in sections:
        kind = section["properties"]["type"]["const"]
        yield f"{prefix}type", {"const": kind, "description": section["description"]}, True
        rest = [name for name in section["properties"] if name not in (*common, "type")]
        for name, spec, required in _fields(schema, {**section, "properties": _only(section, rest)}, prefix):
            yield f"{name} ({kind})", spec, required


def _only(section: dict[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: section["properties"][name] for name in names}


def _values(spec: dict[str, Any]) -> dict[str, Any]:
    """What a mapping's values are, whether its keys follow a pattern or are words of a list."""
    found = next(iter(spec.get("patternProperties", {}).values()), spec.get("additionalProperties", {}))
    return found if isinstance(found, dict) else {}


def _section(schema: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any] | None:
    # A section that may be left out is one of two: itself or null.
    alone = [choice for choice in spec.get("anyOf", [spec]) if choice.get("type") != "null"]
    reference = alone[0].get("$ref") if len(alone) == 1 else None
    return schema["$defs"][reference.rpartition("/")[2]] if reference else None


def _docstring(schema: dict[str, Any], spec: dict[str, Any]) -> str:
    section = _section(schema, spec)
    return str(section["description"]) if section and "description" in section else ""


def _allowed(schema: dict[str, Any], spec: dict[str, Any]) -> str:
    """What a field's value may be, in words."""
    if choices := spec.get("anyOf", spec.get("oneOf")):
        return " or ".join(_allowed(schema, choice) for choice in choices if choice.get("type") != "null")
    if _section(schema, spec):
        return "section"
    if "enum" in spec:
        return ", ".join(f"`{value}`" for value in spec["enum"])
    if "const" in spec:
        return f"`{spec['const']}`"
    if spec["type"] == "array":
        return f"list of: {_allowed(schema, spec['items'])}"
    if spec["type"] == "object":
        return "sections by name" if "patternProperties" in spec else f"by {_allowed(schema, spec['propertyNames'])}"
    return _plain(spec)


def _plain(spec: dict[str, Any]) -> str:
    kinds = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    bounds = {
        "minimum": "at least {}",
        "exclusiveMinimum": "above {}",
        "maximum": "at most {}",
        "exclusiveMaximum": "below {}",
        "pattern": "like `{}`",
    }
    said = [words.format(spec[bound]) for bound, words in bounds.items() if bound in spec]
    if spec.get("maxLength") == 1:
        return "one character"
    return ", ".join([kinds[spec["type"]], *said])


def _code(value: Any) -> str:
    return "none" if value is None else f"`{json.dumps(value, ensure_ascii=False)}`"
