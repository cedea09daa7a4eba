"""A contract compiled to DuckDB SQL: each column's text cast to its type, and every reason why a row breaks a promise.

The rows stand in a table with `source`, `line` and `seq` (their order), `kinds` (see sources.Row) and one text column
t0, t1, ... for each column of the contract; the keys that references ask for stand in tables named by `keys_table`.
What the contract's author wrote enters the SQL only as literals.
"""

import datetime
from collections.abc import Iterator

from pipelines.data.contracts.contract import Column, Contract, Rule
from pipelines.data.contracts.values import beyond_format, beyond_physical, literal, other_items, quoted, typed

_COMPARISONS = {"minimum": "<", "maximum": ">", "exclusiveMinimum": "<=", "exclusiveMaximum": ">="}
ORDER = "source, line, seq"
# A table keeps objects and lists as text.
_JSON_KINDS = {"integer": "n", "number": "n", "boolean": "b", "object": "os", "array": "os"}


def typed_values(contract: Contract) -> str:
    """SQL of the columns v0, v1, ...: each column's value, NULL where it is missing or not of the type."""
    return ", ".join(f"{_value(index, column)} AS v{index}" for index, column in enumerate(contract.columns))


def repeats(contract: Contract) -> str:
    """SQL of columns that say how often a value came until here.

    r0, r1, ... for unique columns, rk for the primary key, ru0, ru1, ... for columns that are unique together.
    """
    columns = [
        f"{_count([f'v{index}'])} AS r{index}"
        for index, column in enumerate(contract.columns)
        if Rule("unique") in column.rules
    ]
    if key := _primary_key(contract):
        columns.append(f"{_count(key)} AS rk")
    for number, names in enumerate(contract.unique_together):
        columns.append(f"{_count(_values(contract, names))} AS ru{number}")
    return "".join(f", {column}" for column in columns)


def keys_table(reference: int) -> str:
    """The name of the table that holds the keys, columns c0, c1, ..., of the contract's n-th reference, each once."""
    return f"keys{reference}"


def joined_keys(contract: Contract) -> str:
    """SQL that joins the keys which the references ask for; its columns are named in `lacking`."""
    joins = []
    for number, reference in enumerate(contract.references):
        values = _values(contract, reference.columns)
        equal = " AND ".join(f"{keys_table(number)}.c{place} = {value}" for place, value in enumerate(values))
        joins.append(f" LEFT JOIN {keys_table(number)} ON {equal}")
    return "".join(joins)


def lacking(contract: Contract) -> str:
    """SQL of columns f0, f1, ...: whether the contract's n-th reference has all its values and finds no key."""
    columns = []
    for number, reference in enumerate(contract.references):
        known = _known(_values(contract, reference.columns))
        columns.append(f", {known} AND {keys_table(number)}.c0 IS NULL AS f{number}")
    return "".join(columns)


def reasons(contract: Contract, as_of: datetime.date | None) -> str:
    """SQL of a list: every reason, each `column: rule`, why the row in v0, ..., r0, ..., f0, ... breaks the contract.

    Retention is counted back from the beginning of the day `as_of`, in UTC.
    """
    cases = []
    for index, column in enumerate(contract.columns):
        cases.append(
            (f"t{index} IS NOT NULL AND v{index} IS NULL", f"{column.name}: logicalType {column.logical_type}")
        )
        for rule in column.rules:
            cases += [(broken, f"{column.name}: {said}") for broken, said in _broken(index, column, rule, as_of)]
    if _primary_key(contract):
        names = ", ".join(column.name for column in contract.columns if column.primary_key)
        cases.append(("rk > 1", f"{names}: primaryKey"))
    for number, together in enumerate(contract.unique_together):
        cases.append((f"ru{number} > 1", f"{', '.join(together)}: unique"))
    for number, reference in enumerate(contract.references):
        cases.append((f"f{number}", reference.said))
    listed = ", ".join(f"CASE WHEN {broken} THEN {quoted(said)} END" for broken, said in cases)
    return f"list_filter([{listed}], lambda reason: reason IS NOT NULL)"


def start_of(as_of: datetime.date | None, logical_type: str) -> str:
    """SQL of the day from which ages are counted, as a value of a column's type; it must be given."""
    assert as_of is not None
    return f"{'DATE' if logical_type == 'date' else 'TIMESTAMPTZ'} '{as_of.isoformat()}'"


def _value(index: int, column: Column) -> str:
    options = {rule.name: rule.argument for rule in column.rules}
    value = typed(column.logical_type, f"t{index}", options)
    kinds = _JSON_KINDS.get(column.logical_type, "s")
    return f"CASE WHEN kinds IS NULL OR contains('{kinds}', substr(kinds, {index + 1}, 1)) THEN {value} END"


def _primary_key(contract: Contract) -> list[str]:
    return [f"v{index}" for index, column in enumerate(contract.columns) if column.primary_key]


def _values(contract: Contract, names: tuple[str, ...]) -> list[str]:
    return [f"v{contract.names.index(name)}" for name in names]


def _known(values: list[str]) -> str:
    return "(" + " AND ".join(f"{value} IS NOT NULL" for value in values) + ")"


def _count(values: list[str]) -> str:
    counted = f"row_number() OVER (PARTITION BY {', '.join(values)} ORDER BY {ORDER})"
    return f"CASE WHEN {_known(values)} THEN {counted} END"


def _broken(index: int, column: Column, rule: Rule, as_of: datetime.date | None) -> Iterator[tuple[str, str]]:
    """The SQL that is true where the rule is broken, and how the reason names the rule; nothing for an option."""
    value, text, argument = f"v{index}", f"t{index}", rule.argument
    if rule.name == "required":
        yield f"{text} IS NULL", "required"
    elif rule.name == "unique":
        yield f"r{index} > 1", "unique"
    elif rule.name == "enum":
        yield unlisted(value, column.logical_type, argument), "enum"
    elif rule.name == "missingValues":
        yield missing(text, argument), "missingValues"
    elif rule.name == "pattern":
        yield f"NOT regexp_matches({value}, {quoted(argument)})", "pattern"
    elif rule.name == "items":
        yield other_items(value, argument), f"items {argument}"
    elif rule.name == "physicalType":
        yield beyond_physical(argument, text), f"physicalType {argument}"
    elif rule.name == "retention":
        oldest = f"{start_of(as_of, column.logical_type)} - INTERVAL {argument.value} {argument.unit}"
        yield f"{value} < {oldest}", f"retention {argument}"
    elif bound := _out_of_bounds(value, column.logical_type, rule):
        yield bound, f"{rule.name} {argument}"


def unlisted(value: str, logical_type: str, allowed: tuple[object, ...]) -> str:
    """SQL that is true where a value is none of those allowed."""
    return f"{value} NOT IN ({', '.join(literal(logical_type, item) for item in allowed)})"


def missing(text: str, words: tuple[str | None, ...]) -> str:
    """SQL that is true where a text is one of the words that a contract takes for a missing value."""
    listed = ", ".join(quoted(word) for word in words if word is not None)
    # An empty field of a CSV is read as a missing value.
    nothing = [f"{text} IS NULL"] if None in words or "" in words else []
    return " OR ".join([*([f"{text} IN ({listed})"] if listed else []), *nothing]) or "false"


def _out_of_bounds(value: str, logical_type: str, rule: Rule) -> str | None:
    if rule.name == "minLength":
        return f"length({value}) < {rule.argument}"
    if rule.name == "maxLength":
        return f"length({value}) > {rule.argument}"
    if rule.name in _COMPARISONS:
        return f"{value} {_COMPARISONS[rule.name]} {literal(logical_type, rule.argument)}"
    if rule.name == "multipleOf":
        return f"{value} % {int(rule.argument)} <> 0"
    return beyond_format(rule.argument, logical_type, value) if rule.name == "format" else None
