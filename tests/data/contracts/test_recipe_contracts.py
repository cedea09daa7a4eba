"""What is told of a recipe whose contracts do not fit it, or each other, before a row is read."""

from pathlib import Path

import pytest

from pipelines import strict_yaml
from pipelines.data.contracts.contract import read_contract
from pipelines.data.contracts.recipe_contracts import contract_mistakes, in_reference_order
from pipelines.recipe_reader import read_recipe

CONTRACT = """\
version: 1.0.0
apiVersion: v3.2.0
kind: DataContract
id: TABLE
status: active
schema:
- name: TABLE
  properties:
  - {name: id, logicalType: integer}
  - {name: body, logicalType: string}
  - {name: customer, logicalType: integerRELATIONSHIP}
"""
RECIPE = """\
name: triage
purpose: p
owner: o
data:AS_OF
  sources:
    tickets: {contract: tickets.odcs.yaml, type: files, path: "data/*"}
    customers: {contract: customers.odcs.yaml, type: files, path: "data/*", use: reference}
  example: {user: "{body}", assistant: "{id}"}
model: {base: "embedded:x"}
register: {model: triage}
"""


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def text_of(table: str, to: str = "") -> str:
    relationship = f", relationships: [{{to: {to}}}]" if to else ""
    return CONTRACT.replace("TABLE", table).replace("RELATIONSHIP", relationship)


def mistakes_of(tickets: str, customers: str, as_of: str = "") -> list[str]:
    Path("tickets.odcs.yaml").write_text(tickets)
    Path("customers.odcs.yaml").write_text(customers)
    recipe = Path("triage.yaml")
    recipe.write_text(RECIPE.replace("AS_OF", as_of and f"\n  as_of: {as_of}"))
    return contract_mistakes(read_recipe(recipe), strict_yaml.load(recipe))


@pytest.mark.parametrize(
    ("to", "told"),
    [
        ("customers.id", None),
        ("custmers.id", "no source of the recipe has the table custmers (did you mean customers?"),
        ("customers.idd", "customers.odcs.yaml has no column idd (did you mean id?"),
        ("customers.body", "customer is of logicalType integer, and customers.body of string; make them the same"),
    ],
)
def test_a_relationship_needs_a_table_a_column_and_a_type(to, told):
    mistakes = mistakes_of(text_of("tickets", to), text_of("customers"))
    assert [mistake.startswith("tickets.odcs.yaml:11: relationships: ") for mistake in mistakes] == [True] * bool(told)
    assert told is None or told in mistakes[0]


def test_tables_that_refer_to_each_other_or_share_a_name_are_told():
    (circle,) = mistakes_of(text_of("tickets", "customers.id"), text_of("customers", "tickets.id"))
    assert circle.endswith("the tables customers, tickets refer to each other in a circle")
    Path("people.odcs.yaml").write_text(text_of("customers"))
    three = RECIPE.replace("  example:", "    people: {contract: people.odcs.yaml, type: files, path: x}\n  example:")
    Path("triage.yaml").write_text(three.replace("AS_OF", ""))
    Path("customers.odcs.yaml").write_text(text_of("customers"))
    (twice,) = contract_mistakes(read_recipe(Path("triage.yaml")), strict_yaml.load(Path("triage.yaml")))
    assert twice.startswith("people.odcs.yaml: the table customers is referred to, and two sources have it")


def test_data_that_must_not_train_is_told_in_one_line():
    terms = "customProperties: [{property: permittedPurposes, value: [reporting]}]\n"
    assert mistakes_of(text_of("tickets"), text_of("customers") + terms) == [
        "customers.odcs.yaml:12: permittedPurposes: does not hold training, and data.sources.customers would train a "
        "model; ask the data's owner, or take the source out"
    ]
    assert mistakes_of(text_of("tickets"), text_of("customers") + terms.replace("reporting", "training")) == []


def test_votes_need_their_column():
    recipe = Path("triage.yaml")
    Path("tickets.odcs.yaml").write_text(text_of("tickets"))
    Path("customers.odcs.yaml").write_text(text_of("customers"))
    recipe.write_text(RECIPE.replace("AS_OF", "").replace('path: "data/*"}', 'path: "data/*", shape: thumbs}', 1))
    (told,) = contract_mistakes(read_recipe(recipe), strict_yaml.load(recipe))
    assert told.startswith("triage.yaml:6: data.sources.tickets.shape: votes stand in the column desirable, which ")
    Path("tickets.odcs.yaml").write_text(text_of("tickets") + "  - {name: desirable, logicalType: boolean}\n")
    assert contract_mistakes(read_recipe(recipe), strict_yaml.load(recipe)) == []


def test_ages_need_a_day_from_which_they_count():
    aged = text_of("tickets") + "  - {name: at, logicalType: date}\n"
    aged += "slaProperties: [{property: retention, value: 3, unit: y, element: at}]\n"
    assert mistakes_of(aged, text_of("customers")) == [
        "triage.yaml:4: data.as_of: is missing; tickets.odcs.yaml promises how old rows are, so say on which day, "
        "as in as_of: 2026-01-31"
    ]
    assert mistakes_of(aged, text_of("customers"), as_of="2026-01-31") == []


def test_contracts_are_judged_after_those_that_they_refer_to():
    contracts = {}
    for name, to in {"a": "c.id", "b": "", "c": "d.id", "d": ""}.items():
        Path(f"{name}.odcs.yaml").write_text(text_of(name, to))
        contracts[name] = read_contract(Path(f"{name}.odcs.yaml"))
    assert in_reference_order(contracts) == ["d", "c", "a", "b"]


@pytest.mark.parametrize(
    ("column", "why"),
    [
        ("logicalType: string, customProperties: [{property: containsPii, value: [person]}]", "may hold personal data "
         "(containsPii: name)"),
        ("logicalType: string, classification: pii", "is personal"),
        ("logicalType: string, customProperties: [{property: subjectId, value: true}]", "is personal"),
        ("logicalType: string, logicalTypeOptions: {maxLength: 4000}", "is free text (maxLength over 100, no closed "
         "list)"),
        ("logicalType: string, logicalTypeOptions: {maxLength: 4000}, enum: [{value: low}, {value: high}]", None),
        ("logicalType: string, logicalTypeOptions: {maxLength: 20}", None),
        ("logicalType: integer", None),
    ],
)  # fmt: skip
def test_slices_by_what_a_report_must_not_show_are_told_at_their_line(column, why):
    Path("tickets.odcs.yaml").write_text(text_of("tickets") + f"  - {{name: part, {column}}}\n")
    Path("customers.odcs.yaml").write_text(text_of("customers"))
    recipe = Path("triage.yaml")
    recipe.write_text(RECIPE.replace("AS_OF", "") + "evaluate:\n  slices:\n  - id\n  - part\n")
    reason = f"part {why}, and the values of slices stand in committed reports; leave it out"
    told = [f"triage.yaml:14: evaluate.slices: {reason}"]
    assert contract_mistakes(read_recipe(recipe), strict_yaml.load(recipe)) == (told if why else [])
