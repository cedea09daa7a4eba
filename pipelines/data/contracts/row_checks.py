"""A contract compiled to DuckDB SQL: each column's text cast to its type, and every reason why a row breaks a promise.

The rows stand in a table with `kinds` and `faults` (see sources.rows.Row), one text column t0, t1, ... for each column
of the contract, and their number POSITION, in whose order they are judged. The keys that references ask for stand in
tables named by `keys_table`, values that come again in tables named by `firsts_table`. What the contract's author wrote
enters the SQL only as literals.
"""

import datetime
from collections.abc import Iterator, Sequence

from pipelines.data.contracts.contract import Column, Contract, Rule
from pipelines.data.contracts.values import beyond_format, beyond_physical, literal, other_items, quoted, typed

_COMPARISONS = {"minimum": "<", "maximum": ">", "exclusiveMinimum": "<=", "exclusiveMaximum": ">="}
POSITION = "file_row_number"
# A table keeps objects and lists as text.
_JSON_KINDS = {"integer": "n", "number": "n", "boolean": "b", "object": "os", "array": "os"}


def typed_values(contract: Contract) -> str:
    """SQL of the columns v0, v1, ...: each column's value, NULL where it is missing or not of the type."""
    return ", ".join(f"{_value(index, column)} AS v{index}" for index, column in enumerate(contract.columns))


def keys_table(reference: int) -> str:
    """The name of the table that holds the keys, columns c0, c1, ..., of the contract's n-th reference, each once."""
    return f"keys{reference}"


def firsts_table(group: int) -> str:
    """The name of the table that `firsts` makes for the n-th group of columns whose values may come but once."""
    return f"firsts{group}"


def firsts(contract: Contract) -> Iterator[str]:
    """For each group of columns whose values may come but once, SQL of those values, as c0, c1, ..., that come again.

    `first` is the position of the row with which they come first; `id` counts the values from 0. Only these columns
    are looked at.
    """
    for names, _ in _once(contract):
        places = [contract.names.index(name) for name in names]
        typed_ones = ", ".join(f"{_value(place, contract.columns[place])} AS v{place}" for place in places)
        values = _values(contract, names)
        named = ", ".join(f"{value} AS c{place}" for place, value in enumerate(values))
        yield (
            f"SELECT {named}, min({POSITION}) AS first, row_number() OVER () - 1 AS id"  # noqa: S608 - v0, ...
            f" FROM (SELECT {POSITION}, {typed_ones} FROM rows WHERE faults IS NULL)"
            f" WHERE {_known(values)} GROUP BY {', '.join(values)} HAVING count(*) > 1"
        )


def repeating_rows(contract: Contract, as_of: datetime.date | None) -> str | None:
    """SQL of the rows with values that come again which break no other promise, in order, as `position` and `ids`.

    `ids` has a place for each of `firsts`: the id of the row's value there, NULL where it comes but once. None where
    the contract lets every value come again.
    """
    if not (groups := range(len(_once(contract)))):
        return None
    again = {_comes_again(group) for group in groups}
    others = " OR ".join(f"({broken})" for broken, _ in _cases(contract, as_of) if broken not in again) or "false"
    ids = ", ".join(f"{firsts_table(group)}.id" for group in groups)
    return (
        f"SELECT {POSITION} AS position, [{ids}] AS ids FROM typed{_joins(contract)}"  # noqa: S608 - as refused_rows
        f" WHERE faults IS NULL AND ({others}) IS NOT TRUE AND coalesce({ids}) IS NOT NULL ORDER BY position"
    )


def refused_rows(contract: Contract, as_of: datetime.date | None) -> str:
    """SQL of the rows that are refused: their `position`, whether they are `rejected` unread, and all `reasons`.

    Retention is counted back from the beginning of the day `as_of`, in UTC.
    """
    cases = list(_cases(contract, as_of))
    broken = " OR ".join(f"({condition})" for condition, _ in cases) or "false"
    listed = ", ".join(f"CASE WHEN {condition} THEN {quoted(said)} END" for condition, said in cases)
    reasons = f"list_filter([{listed}]::VARCHAR[], lambda reason: reason IS NOT NULL)"
    return f"""
        SELECT {POSITION} AS position, faults IS NOT NULL AS rejected, coalesce(faults, {reasons}) AS reasons
        FROM typed{_joins(contract)}
        WHERE faults IS NOT NULL OR {broken}
    """  # noqa: S608 - the contract's words enter as quoted literals


def _cases(contract: Contract, as_of: datetime.date | None) -> Iterator[tuple[str, str]]:
    """For each promise the SQL that is true where a row breaks it, and the reason, `column: rule`."""
    for index, column in enumerate(contract.columns):
        yield f"t{index} IS NOT NULL AND v{index} IS NULL", f"{column.name}: logicalType {column.logical_type}"
        for rule in column.rules:
            if rule.name == "unique":
                group = [names for names, _ in _once(contract)].index((column.name,))
                yield _comes_again(group), f"{column.name}: unique"
            for broken, said in _broken(index, column, rule, as_of):
                yield broken, f"{column.name}: {said}"
    for group, (_, reason) in enumerate(_once(contract)):
        if reason:
            yield _comes_again(group), reason
    for number, reference in enumerate(contract.references):
        known = _known(_values(contract, reference.columns))
        yield f"{known} AND {keys_table(number)}.c0 IS NULL", reference.said


def _once(contract: Contract) -> list[tuple[tuple[str, ...], str | None]]:
    """The groups of columns whose values may come but once, and the reason; for a single column its rule says it."""
    groups: list[tuple[tuple[str, ...], str | None]] = [
        ((column.name,), None) for column in contract.columns if Rule("unique") in column.rules
    ]
    if key := tuple(column.name for column in contract.columns if column.primary_key):
        groups.append((key, f"{', '.join(key)}: primaryKey"))
    return groups + [(names, f"{', '.join(names)}: unique") for names in contract.unique_together]


def _comes_again(group: int) -> str:
    return f"{POSITION} > {firsts_table(group)}.first"


def _joins(contract: Contract) -> str:
    """SQL that joins what rows are compared with; of each table one row at most has a row's values."""
    tables = [(keys_table(number), reference.columns) for number, reference in enumerate(contract.references)]
    tables += [(firsts_table(group), names) for group, (names, _) in enumerate(_once(contract))]
    joins = []
    for table, names in tables:
        equal = " AND ".join(f"{table}.c{place} = {value}" for place, value in enumerate(_values(contract, names)))
        joins.append(f" LEFT JOIN {table} ON {equal}")
    return "".join(joins)


def start_of(as_of: datetime.date | None, logical_type: str) -> str:
    """SQL of the day from which ages are counted, as a value of a column's type; it must be given."""
    assert as_of is not None
    return f"{'DATE' if logical_type == 'date' else 'TIMESTAMPTZ'} '{as_of.isoformat()}'"


def _value(index: int, column: Column) -> str:
    options = {rule.name: rule.argument for rule in column.rules}
    value = typed(column.logical_type, f"t{index}", options)
    kinds = _JSON_KINDS.get(column.logical_type, "s")
    return f"CASE WHEN kinds IS NULL OR contains('{kinds}', substr(kinds, {index + 1}, 1)) THEN {value} END"


def _values(contract: Contract, names: Sequence[str]) -> list[str]:
    return [f"v{contract.names.index(name)}" for name in names]


def _known(values: list[str]) -> str:
    return "(" + " AND ".join(f"{value} IS NOT NULL" for value in values) + ")"


def _broken(index: int, column: Column, rule: Rule, as_of: datetime.date | None) -> Iterator[tuple[str, str]]:
    """The SQL that is true where the rule is broken, and how the reason names the rule; nothing for an option."""
    value, text, argument = f"v{index}", f"t{index}", rule.argument
    if rule.name == "required":
        yield f"{text} IS NULL", "required"
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
