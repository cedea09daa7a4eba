"""What a contract's author notices: good contracts are understood, and nothing in one is silently ignored."""

from pathlib import Path

import pytest

from pipelines import strict_yaml
from pipelines.data.contract import Rule, contract_mistakes, read_contract
from pipelines.errors import TinsmithError
from pipelines.recipe_reader import read_recipe

HEAD = """\
version: 1.2.0
apiVersion: v3.2.0
kind: DataContract
id: tickets
status: active
schema:
- name: tickets
  properties:
"""
GOOD = (
    HEAD
    + """\
  - name: ticket_id
    logicalType: integer
    primaryKey: true
  - name: body
    physicalName: Body Text
    logicalType: string
    description: what the customer wrote
    logicalTypeOptions: {minLength: 1, maxLength: 500}
  - name: product
    logicalType: string
    required: true
    quality:
    - metric: invalidValues
      mustBe: 0
      arguments: {validValues: [app, router]}
    - {type: text, description: as in the catalogue}
  - name: customer_email
    logicalType: string
    classification: restricted
    customProperties: [{property: piiType, value: email}]
  - name: customer_name
    logicalType: string
    tags: [PII]
"""
)
RECIPE = """\
name: triage
purpose: p
owner: o
data:
  sources:
    tickets: {contract: CONTRACT, type: files, path: data/*.csv}
  split: {group_by: [ticket]}
  example:
    user: "{body}"
    assistant: {json: [product, priority]}
model: {base: "embedded:x"}
register: {model: triage}
"""


def contract(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "tickets.odcs.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def mistakes_of(tmp_path: Path, text: str) -> str:
    with pytest.raises(TinsmithError) as caught:
        read_contract(contract(tmp_path, text))
    return str(caught.value).replace(f"{tmp_path}/", "")


def test_a_contract_says_its_columns_rules_and_personal_data(tmp_path):
    read = read_contract(contract(tmp_path, GOOD))
    assert (read.id, read.version, len(read.sha256)) == ("tickets", "1.2.0", 64)
    assert read.names == ("ticket_id", "body", "product", "customer_email", "customer_name")
    assert read.personal == {"customer_email": "email", "customer_name": "personal"}
    key, body, product, *_ = read.columns
    assert key.primary_key
    assert Rule("required") in key.rules
    assert (body.source_name, body.line) == ("Body Text", 12)
    assert body.rules == (Rule("minLength", 1), Rule("maxLength", 500))
    assert product.rules == (Rule("required"), Rule("enum", ("app", "router")))


def test_all_mistakes_come_at_once_in_the_order_of_the_lines(tmp_path):
    text = HEAD + "  - {name: a, logicalTyp: string}\n  - {name: b, logicalType: strin}\n  - {logicalType: string}\n"
    lines = mistakes_of(tmp_path, "colour: red\n" + text).splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        ["tickets.odcs.yaml:1", "colour"],
        ["tickets.odcs.yaml:10", "schema.tickets.properties.a.logicalTyp"],
        ["tickets.odcs.yaml:11", "schema.tickets.properties.b.logicalType"],
        ["tickets.odcs.yaml:12", "schema.tickets.properties.2.name"],
    ]
    assert "did you mean logicalType?" in lines[1]
    assert "did you mean string?" in lines[2]


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ("{name: a}", "properties.a.logicalType: is missing"),
        ("{name: a, logicalType: array}", "array is not supported here"),
        ("{name: a, logicalType: string, relationships: []}", "relationships: is not supported here"),
        ("{name: a, logicalType: string, logicalTypeOptions: {format: email}}", "format: is not supported here"),
        ("{name: a, logicalType: boolean, logicalTypeOptions: {minimum: 1}}", "minimum: is not supported here"),
        ("{name: a, logicalType: integer, logicalTypeOptions: {format: u64}}", "u64 is not supported here"),
        ("{name: a, logicalType: string, quality: [{type: sql, query: x, mustBe: 0}]}", "sql is not supported here"),
        ("{name: a, logicalType: string, quality: [{metric: rowCount, mustBe: 3}]}", "rowCount is not supported here"),
        ("{name: a, logicalType: string, quality: [{metric: nullValues, mustBe: 1}]}", "only mustBe: 0 is supported"),
        (
            "{name: a, logicalType: string, quality: [{metric: nullValues, mustBe: false}]}",
            "only mustBe: 0 is supported",
        ),
        (
            "{name: a, logicalType: string, quality: [{metric: nullValues, mustBe: 0, severity: warning}]}",
            "severity: only error is supported",
        ),
        (
            "{name: a, logicalType: string, quality: [{metric: invalidValues, mustBe: 0, arguments: {valid: [x]}}]}",
            "arguments.valid: is not supported here",
        ),
        ("{name: a, logicalType: string, quality: [{metric: invalidValues}]}", "needs exactly one of mustBe,"),
    ],
)
def test_a_promise_that_nothing_would_check_is_a_mistake(tmp_path, column, told):
    assert told in mistakes_of(tmp_path, HEAD + f"  - {column}\n")


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ("{name: a, logicalType: string, enum: [{value: NO}]}", "False is not of type string; put it in quotes"),
        ("{name: a, logicalType: integer, enum: [{value: 1.5}]}", "1.5 is not of type integer"),
        ("{name: a, logicalType: date, logicalTypeOptions: {minimum: 2024-01-01}}", "put it in quotes"),
        ("{name: a, logicalType: date, logicalTypeOptions: {minimum: '2024-02-30'}}", "is not of type date"),
        ("{name: a, logicalType: timestamp, logicalTypeOptions: {maximum: '2024-02-03'}}", "with its offset"),
        ("{name: a, logicalType: timestamp, logicalTypeOptions: {defaultTimezone: Mars}}", "Mars is not a time zone"),
        ("{name: a, logicalType: string, logicalTypeOptions: {pattern: '(?=x)'}}", "is not a regular expression"),
        ("{name: a, logicalType: string, logicalTypeOptions: {maxLength: '5'}}", "must be of type integer"),
        ("{name: _record, logicalType: string}", "choose another name"),
    ],
)
def test_a_rule_that_cannot_hold_is_told_before_any_row_is_read(tmp_path, column, told):
    mistake = mistakes_of(tmp_path, HEAD + f"  - {column}\n")
    assert mistake.startswith("tickets.odcs.yaml:9: ")
    assert told in mistake


def test_other_versions_several_tables_and_a_name_given_twice_are_mistakes(tmp_path):
    assert "v2.2.2 is not supported here" in mistakes_of(tmp_path, GOOD.replace("v3.2.0", "v2.2.2"))
    assert "holds 2 tables" in mistakes_of(tmp_path, GOOD + "- name: second\n")
    assert "given to two columns" in mistakes_of(tmp_path, GOOD.replace("name: product", "name: body"))


def test_a_recipe_that_names_other_columns_is_told_the_line_and_the_near_word(tmp_path):
    recipe = tmp_path / "triage.yaml"
    recipe.write_text(RECIPE.replace("CONTRACT", str(contract(tmp_path, GOOD))))
    priority, ticket = contract_mistakes(read_recipe(recipe), strict_yaml.load(recipe))
    assert ticket.startswith(f"{recipe}:7: data.split.group_by: ")
    assert "has no column ticket (did you mean ticket_id? allowed: " in ticket
    assert priority.startswith(f"{recipe}:10: data.example.assistant.json: ")
    assert "has no column priority (allowed: " in priority


def test_a_missing_contract_is_told_at_the_recipes_line_with_the_near_file(tmp_path):
    recipe = tmp_path / "triage.yaml"
    recipe.write_text(RECIPE.replace("CONTRACT", str(contract(tmp_path, GOOD)).replace("tickets.odcs", "tikets.odcs")))
    (mistake,) = contract_mistakes(read_recipe(recipe), strict_yaml.load(recipe))
    assert mistake.startswith(f"{recipe}:6: data.sources.tickets.contract: there is no file")
    assert f"did you mean {tmp_path}/tickets.odcs.yaml?" in mistake


def test_a_contracts_own_mistakes_are_told_with_the_recipe_too(tmp_path):
    recipe = tmp_path / "triage.yaml"
    recipe.write_text(RECIPE.replace("CONTRACT", str(contract(tmp_path, GOOD.replace("primaryKey", "primarKey")))))
    (mistake,) = contract_mistakes(read_recipe(recipe), strict_yaml.load(recipe))
    assert "did you mean primaryKey?" in mistake
