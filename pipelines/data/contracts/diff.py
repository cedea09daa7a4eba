"""What changed between two versions of a contract, and which changes break those who keep or use the older one.

A change breaks where data that kept the old contract may be refused under the new one, or where a column, its type, a
right to use the data or what protects the people in it is lost.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pipelines.data.contracts.contract import Column, Contract, Rule
from pipelines.data.contracts.rules import DataSetRule
from pipelines.data.contracts.values import integer_range

_LOWER_BOUNDS = {"minLength", "minimum", "exclusiveMinimum"}
_UPPER_BOUNDS = {"maxLength", "maximum", "exclusiveMaximum"}
# Operators whose rule is looser with a greater, or with a smaller, bound.
_LOOSER_ABOVE = {"mustBeLessThan", "mustBeLessOrEqualTo"}
_LOOSER_BELOW = {"mustBeGreaterThan", "mustBeGreaterOrEqualTo"}


class Change(NamedTuple):
    """One change; `path` and `line` are of the new contract, or of the old one for what was taken away."""

    path: Path
    line: int
    said: str
    breaks: bool

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {'breaking' if self.breaks else 'compatible'}: {self.said}"


def changes(old: Contract, new: Contract) -> list[Change]:
    """Every change from `old` to `new`, in the order of the columns, then of what stands beside them."""
    before = {column.name: column for column in old.columns}
    after = {column.name: column for column in new.columns}
    found = [
        Change(old.path, column.line, f"{name}: column removed", True)
        for name, column in before.items()
        if name not in after
    ]
    for name, column in after.items():
        if name in before:
            found += _column_changes(old, new, before[name], column)
        else:
            needed = Rule("required") in column.rules
            said = f"{name}: {'required' if needed else 'optional'} column added"
            found.append(Change(new.path, column.line, said, needed))
    beside = (_name_changes, _key_changes, _beside_changes, _terms_changes)
    return [*found, *(change for told_by in beside for change in told_by(old, new))]


def _column_changes(old: Contract, new: Contract, before: Column, after: Column) -> Iterator[Change]:
    def changed(what: str, breaks: bool) -> Change:
        return Change(new.path, after.line, f"{after.name}: {what}", breaks)

    for what, breaks in _protection_changes(before, after):
        yield changed(what, breaks)
    if before.logical_type != after.logical_type:
        yield changed(f"logicalType {before.logical_type} -> {after.logical_type}", True)
        return
    if before.source_name != after.source_name:
        yield changed(f"physicalName {before.source_name} -> {after.source_name}", True)
    for name in dict.fromkeys(rule.name for rule in (*before.rules, *after.rules)):
        yield from _rule_changes(old, new, after, _of_name(before, name), _of_name(after, name))


def _protection_changes(before: Column, after: Column) -> Iterator[tuple[str, bool]]:
    """Changes of what a column tells of people, each with whether it breaks, which a loss does."""
    if before.personal != after.personal:
        yield f"personal data {_shown(before.personal)} -> {_shown(after.personal)}", after.personal is None
    if set(before.contains) != set(after.contains):
        lost = not set(before.contains) <= set(after.contains)
        why = " (nothing need look any longer for what is not named)" if lost else ""
        yield f"containsPii {_shown(before.contains)} -> {_shown(after.contains)}{why}", lost
    if before.subject_id and not after.subject_id:
        yield "subjectId taken away (its persons can no longer be forgotten)", True
    if after.subject_id and not before.subject_id:
        yield "subjectId added", False


def _of_name(column: Column, name: str) -> list[Rule]:
    return [rule for rule in column.rules if rule.name == name]


def _rule_changes(
    old: Contract, new: Contract, column: Column, before: list[Rule], after: list[Rule]
) -> Iterator[Change]:
    """Changes of one kind of rule. A column may have several, such as two patterns; a value must keep them all."""
    gone = [rule for rule in before if rule not in after]
    come = [rule for rule in after if rule not in before]
    if len(gone) == len(come) == 1:
        said = f"{column.name}: {come[0].name} {_shown(gone[0].argument)} -> {_shown(come[0].argument)}"
        yield Change(new.path, come[0].line, said, not _is_looser(gone[0], come[0]))
        return
    for rule in gone:
        yield Change(old.path, rule.line, f"{column.name}: {_rule_said(rule)} removed", False)
    for rule in come:
        yield Change(new.path, rule.line, f"{column.name}: {_rule_said(rule)} added", True)


def _is_looser(before: Rule, after: Rule) -> bool:
    """Whether every value that keeps `before` keeps `after`; what cannot be told counts as no."""
    name, old, new = after.name, before.argument, after.argument
    if name in _LOWER_BOUNDS:
        return bool(new <= old)
    if name in _UPPER_BOUNDS:
        return bool(new >= old)
    if name == "enum":
        return set(old) <= set(new)
    if name == "missingValues":
        return set(new) <= set(old)
    if name == "multipleOf":
        return bool(old % new == 0)
    if name == "format" and new[0] in "iu" and old[1:].isdigit() and new[1:].isdigit():
        (old_low, old_high), (new_low, new_high) = integer_range(old), integer_range(new)
        return new_low <= old_low and old_high <= new_high
    if name == "retention" and old.unit == new.unit:
        return bool(new.value >= old.value)
    return (name, old, new) == ("format", "f32", "f64")


def _name_changes(old: Contract, new: Contract) -> Iterator[Change]:
    if old.id != new.id:
        yield Change(new.path, 1, f"id {old.id} -> {new.id} (who was forgotten under the old one comes back)", True)
    if old.table != new.table:
        said = f"table {old.table} -> {new.table} (relationships and queries name it)"
        yield Change(new.path, 1, said, True)


def _key_changes(old: Contract, new: Contract) -> Iterator[Change]:
    before = [column.name for column in old.columns if column.primary_key]
    key = [column for column in new.columns if column.primary_key]
    after = [column.name for column in key]
    if before != after:
        line = key[0].line if key else 1
        said = f"primaryKey {', '.join(before) or 'none'} -> {', '.join(after) or 'none'}"
        yield Change(new.path, line, said, bool(after))
    for columns in new.unique_together:
        if columns not in old.unique_together:
            yield Change(new.path, 1, f"{', '.join(columns)}: unique together added", True)
    for columns in old.unique_together:
        if columns not in new.unique_together:
            yield Change(old.path, 1, f"{', '.join(columns)}: unique together removed", False)


def _beside_changes(old: Contract, new: Contract) -> Iterator[Change]:
    for reference in new.references:
        if reference not in old.references:
            yield Change(new.path, reference.line, f"relationship added ({reference.said})", True)
    for reference in old.references:
        if reference not in new.references:
            yield Change(old.path, reference.line, f"relationship removed ({reference.said})", False)
    before = {_about(rule): rule for rule in old.data_set_rules}
    after = {_about(rule): rule for rule in new.data_set_rules}
    for about, rule in after.items():
        known = before.get(about)
        if known is None:
            yield Change(new.path, rule.line, f"{rule.said} added", rule.severity == "error")
        elif known != rule:
            yield Change(new.path, rule.line, f"{known.said} -> {rule.said}", not _is_looser_bound(known, rule))
    for about, rule in before.items():
        if about not in after:
            yield Change(old.path, rule.line, f"{rule.said} removed", False)


def _about(rule: DataSetRule) -> tuple[Any, ...]:
    return rule.metric, rule.columns, repr(rule.argument), rule.operator, rule.unit


def _is_looser_bound(before: DataSetRule, after: DataSetRule) -> bool:
    if after.severity != "error":
        return True
    if before.severity != "error" or isinstance(before.bound, tuple) or isinstance(after.bound, tuple):
        return False
    if after.operator in _LOOSER_ABOVE:
        return after.bound >= before.bound
    return after.operator in _LOOSER_BELOW and after.bound <= before.bound


def _terms_changes(old: Contract, new: Contract) -> Iterator[Change]:
    before, after = old.terms, new.terms

    def changed(what: str, was: object, now: object, breaks: bool) -> Change:
        return Change(new.path, after.line, f"{what} {_shown(was)} -> {_shown(now)}", breaks)

    if before.license != after.license:
        yield changed("license", before.license, after.license, True)
    if before.purposes != after.purposes:
        lost = after.purposes is not None and not set(before.purposes or after.purposes) <= set(after.purposes)
        narrowed = after.purposes is not None and (before.purposes is None or lost)
        yield changed("permittedPurposes", before.purposes, after.purposes, narrowed)
    if before.stop_on_violation != after.stop_on_violation:
        words = ("quarantine", "stop")
        stops = after.stop_on_violation
        yield changed("onViolation", words[before.stop_on_violation], words[stops], stops)
    if before.max_bad_share != after.max_bad_share:
        was, now = before.max_bad_share, after.max_bad_share
        yield changed("maxBadShare", was, now, now is not None and (was is None or now < was))


def _rule_said(rule: Rule) -> str:
    return rule.name if rule.argument is None else f"{rule.name} {_shown(rule.argument)}"


def _shown(value: object) -> str:
    if value is None or value == ():
        return "none"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
