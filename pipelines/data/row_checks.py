"""A contract compiled to DuckDB SQL: each column's text cast to its type, and every reason why a row breaks a promise.

The rows stand in a table with `seq` (their order), `kinds` (see sources.Row) and one text column t0, t1, ... for each
column of the contract; what the contract's author wrote enters the SQL only as literals.
"""

from collections.abc import Iterator

from pipelines.data.contract import Column, Contract, Rule
from pipelines.data.contract_values import integer_range, literal, quoted, typed

_COMPARISONS = {"minimum": "<", "maximum": ">", "exclusiveMinimum": "<=", "exclusiveMaximum": ">="}
_JSON_KINDS = {"integer": "n", "number": "n", "boolean": "b"}


def typed_values(contract: Contract) -> str:
    """SQL of the columns v0, v1, ...: each column's value, NULL where it is missing or not of the type."""
    return ", ".join(f"{_value(index, column)} AS v{index}" for index, column in enumerate(contract.columns))


def repeats(contract: Contract) -> str:
    """SQL of the columns r0, r1, ... and rk: how often a unique column's value, or the primary key, came until here."""
    columns = [
        f"{_count([f'v{index}'])} AS r{index}"
        for index, column in enumerate(contract.columns)
        if Rule("unique") in column.rules
    ]
    if key := _primary_key(contract):
        columns.append(f"{_count(key)} AS rk")
    return "".join(f", {column}" for column in columns)


def reasons(contract: Contract) -> str:
    """SQL of a list: every reason, each `column: rule`, why the row in v0, ..., r0, ... breaks the contract."""
    cases = []
    for index, column in enumerate(contract.columns):
        cases.append(
            (f"t{index} IS NOT NULL AND v{index} IS NULL", f"{column.name}: logicalType {column.logical_type}")
        )
        for rule in column.rules:
            cases += [(broken, f"{column.name}: {said}") for broken, said in _broken(index, column, rule)]
    if _primary_key(contract):
        names = ", ".join(column.name for column in contract.columns if column.primary_key)
        cases.append(("rk > 1", f"{names}: primaryKey"))
    listed = ", ".join(f"CASE WHEN {broken} THEN {quoted(said)} END" for broken, said in cases)
    return f"list_filter([{listed}], lambda reason: reason IS NOT NULL)"


def _value(index: int, column: Column) -> str:
    options = {rule.name: rule.argument for rule in column.rules}
    value = typed(column.logical_type, f"t{index}", options)
    kind = _JSON_KINDS.get(column.logical_type, "s")
    return f"CASE WHEN kinds IS NULL OR substr(kinds, {index + 1}, 1) = '{kind}' THEN {value} END"


def _primary_key(contract: Contract) -> list[str]:
    return [f"v{index}" for index, column in enumerate(contract.columns) if column.primary_key]


def _count(values: list[str]) -> str:
    known = " AND ".join(f"{value} IS NOT NULL" for value in values)
    return f"CASE WHEN {known} THEN row_number() OVER (PARTITION BY {', '.join(values)} ORDER BY seq) END"


def _broken(index: int, column: Column, rule: Rule) -> Iterator[tuple[str, str]]:
    """The SQL that is true where the rule is broken, and how the reason names the rule; nothing for an option."""
    value, text, argument = f"v{index}", f"t{index}", rule.argument
    if rule.name == "required":
        yield f"{text} IS NULL", "required"
    elif rule.name == "unique":
        yield f"r{index} > 1", "unique"
    elif rule.name == "enum":
        allowed = ", ".join(literal(column.logical_type, item) for item in argument)
        yield f"{value} NOT IN ({allowed})", "enum"
    elif rule.name == "missingValues":
        yield _missing(text, argument), "missingValues"
    elif rule.name == "pattern":
        yield f"NOT regexp_matches({value}, {quoted(argument)})", "pattern"
    elif bound := _out_of_bounds(value, column.logical_type, rule):
        yield bound, f"{rule.name} {argument}"


def _missing(text: str, words: tuple[str | None, ...]) -> str:
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
    if rule.name == "format" and logical_type == "integer":
        low, high = integer_range(rule.argument)
        return f"{value} NOT BETWEEN {low} AND {high}"
    return None
