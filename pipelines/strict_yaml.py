"""YAML as people expect it: duplicate keys, anchors and aliases are refused, and every value knows its line."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipelines.errors import TinsmithError

Field = tuple[str | int, ...]
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses anchors and aliases (alias bombs), tags, and keys given twice (the last would win)."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """PyYAML's, but raising on an anchor, an alias or a tag."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "tag", None) is not None:
            raise yaml.MarkedYAMLError(
                problem="tags such as !!str are not allowed; write the value plainly", problem_mark=event.start_mark
            )
        if getattr(event, "anchor", None) is not None:
            raise yaml.MarkedYAMLError(
                problem="anchors and aliases are not allowed; write the value out", problem_mark=event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """PyYAML's, but naming the line of what is no number, no date (2026-02-30), or no text that can be written."""
        try:
            value = super().construct_object(node, deep)
        except ValueError:
            raise yaml.MarkedYAMLError(
                problem="looks like a number or a date and is none; mend it, or put it in quotes",
                problem_mark=node.start_mark,
            ) from None
        if isinstance(value, str) and _UNWRITABLE.search(value):
            raise yaml.MarkedYAMLError(
                problem="holds a NUL character or half of a surrogate pair; take it out", problem_mark=node.start_mark
            )
        return value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """PyYAML's, but raising on a key that is given twice or is no text."""
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.MarkedYAMLError(
                    problem=f"the key `{key_node.value}` is read as {type(key).__name__}; put it in quotes",
                    problem_mark=key_node.start_mark,
                )
            if key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"`{key}` is given twice; keep one", problem_mark=key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


@dataclass(frozen=True)
class Document:
    """A parsed mapping and the 1-based line of each of its fields; `()` is the document itself."""

    path: Path
    value: dict[str, Any]
    lines: dict[Field, int]

    def line(self, field: Field) -> int:
        """The line of a field or, where it is missing, of its nearest parent that is there."""
        while field and field not in self.lines:
            field = field[:-1]
        return self.lines.get(field, 1)


def load(path: Path) -> Document:
    """Read a YAML mapping.

    Raises:
        TinsmithError: the file is missing, is not UTF-8, is not YAML, or is not one mapping; with file and line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise TinsmithError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise TinsmithError(f"{path}: this is a folder, not a YAML file") from None
    except UnicodeDecodeError:
        raise TinsmithError(f"{path}: not UTF-8 text; save the file as UTF-8") from None
    try:
        loader = _StrictLoader(text)
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise TinsmithError(f"{path}:1: expected `field: value` lines, found {_kind(node)}")
        value = loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise TinsmithError(f"{where}: {error.problem or 'not valid YAML'}") from None
    except yaml.YAMLError as error:
        raise TinsmithError(f"{path}: not valid YAML ({str(error).splitlines()[0]})") from None
    except RecursionError:
        raise TinsmithError(f"{path}: nested too deeply to be read") from None
    lines: dict[Field, int] = {}
    _collect_lines(node, (), lines)
    return Document(path, value, lines)


def dump(value: dict[str, Any]) -> str:
    """Write a mapping as YAML in the order given, one field a line, long text in one piece."""
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=10_000)


def _kind(node: yaml.Node | None) -> str:
    return "an empty file" if node is None else "a list" if isinstance(node, yaml.SequenceNode) else "a single value"


def _collect_lines(node: yaml.Node, field: Field, lines: dict[Field, int]) -> None:
    lines.setdefault(field, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            lines[(*field, key_node.value)] = key_node.start_mark.line + 1
            _collect_lines(value_node, (*field, key_node.value), lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _collect_lines(item, (*field, index), lines)
