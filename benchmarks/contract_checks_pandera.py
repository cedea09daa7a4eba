"""The rules of benchmarks/contract_checks.py in pandera, run in its own environment: PYTHON this.py CSV OUT.json."""

import json
import sys

import pandas as pd
import pandera.pandas as pa

# Coercing a column with an unreadable date makes pandera try its values one by one, for minutes; a parser does not.
READ_TIMES = pa.Parser(lambda texts: pd.to_datetime(texts, errors="coerce"))
SCHEMA = pa.DataFrameSchema(
    {
        "ticket_id": pa.Column("Int64", unique=True, coerce=True),
        "code": pa.Column(str, pa.Check.str_matches(r"^T-[0-9]{7}$"), nullable=True),
        "opened_at": pa.Column("datetime64[us]", parsers=READ_TIMES),
        "body": pa.Column(str, pa.Check.str_length(max_value=500)),
        "product": pa.Column(str, pa.Check.isin(["camera", "lock", "thermostat", "lights", "hub"]), nullable=True),
        "stars": pa.Column("Int64", pa.Check.in_range(1, 5), nullable=True, coerce=True),
        "price": pa.Column(float, pa.Check.ge(0), nullable=True, coerce=True),
    }
)


def main(data: str, out: str) -> None:
    """Validate lazily, so that every failure is named, and write [line, column] pairs."""
    rows = pd.read_csv(data, dtype=str)
    found = []
    try:
        SCHEMA.validate(rows, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases.dropna(subset=["index"])
        found = [(int(index) + 2, column) for index, column in zip(cases["index"], cases["column"], strict=True)]
    with open(out, "w") as stream:
        json.dump(found, stream)


if __name__ == "__main__":
    main(*sys.argv[1:])
