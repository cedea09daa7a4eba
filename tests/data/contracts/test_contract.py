"""What a contract's author notices: good contracts are understood, and nothing in one is silently ignored."""

from pathlib import Path

import pytest

from pipelines import strict_yaml
from pipelines.data.contracts.contract import Rule, read_contract
from pipelines.data.contracts.recipe_contracts import contract_mistakes
from pipelines.data.contracts.references import Reference
from pipelines.data.contracts.terms import Age, Terms
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
BESIDE = """\
  - name: a
    logicalType: string
    relationships: [{to: customers.id}]
    quality: [{metric: nullValues, mustBeLessThan: 5, unit: percent, dimension: completeness}]
  - {name: b, logicalType: string}
  - {name: at, logicalType: date}
  relationships: [{from: [tickets.a, tickets.b], to: [shops.x, schema/shops/properties/y]}]
  quality:
  - {metric: rowCount, mustBeGreaterThan: 9}
  - {metric: duplicateValues, mustBe: 0, arguments: {properties: [a, b]}}
  - {type: sql, query: 'SELECT count(*) FROM ${table} WHERE a = b', mustBe: 0}
customProperties:
- {property: license, value: CC-BY-4.0}
- {property: permittedPurposes, value: [evaluation]}
- {property: onViolation, value: stop}
- {property: maxBadShare, value: 0.1}
slaProperties:
- {property: latency, value: 2, element: at}
- {property: retention, value: 3, unit: y, element: tickets.at}
- {property: availability, value: 99}
"""
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
    assert read.personal == {"customer_email": "email", "customer_name": "name"}
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
        ("{name: a, logicalType: vector}", "vector is not supported here"),
        ("{name: a, logicalType: array, logicalTypeOptions: {minItems: 1}}", "minItems: is not supported here"),
        ("{name: a, logicalType: array, items: {logicalType: date}}", "items.logicalType: date is not supported here"),
        (
            "{name: a, logicalType: object, required: true, properties: [{name: b, logicalType: string}]}",
            "properties.a.required: is not supported here",
        ),
        (
            "{name: a, logicalType: object, properties: [{name: b, logicalType: date, encrypted: x}]}",
            "properties.a.properties.b.encrypted: there is no such field",
        ),
        ("{name: a, logicalType: object, properties: []}", "names no fields"),
        ("{name: a, logicalType: string, logicalTypeOptions: {format: ipv6}}", "ipv6 is not supported here"),
        ("{name: a, logicalType: boolean, logicalTypeOptions: {minimum: 1}}", "minimum: is not supported here"),
        ("{name: a, logicalType: integer, logicalTypeOptions: {format: u64}}", "u64 is not supported here"),
        ("{name: a, logicalType: string, quality: [{metric: rowCount, mustBe: 3}]}", "rowCount is not supported here"),
        (
            "{name: a, logicalType: string, quality: [{metric: nullValues, mustBe: false}]}",
            "mustBe: must be a number here",
        ),
        ("{name: a, logicalType: string, quality: [{metric: nullValues, mustBe: []}]}", "must be a number here"),
        (
            "{name: a, logicalType: string, quality: [{metric: nullValues, mustBe: 0, severity: wrning}]}",
            "wrning is not known (did you mean warning?",
        ),
        (
            "{name: a, logicalType: string, quality: [{metric: nullValues, mustBeLessThan: 5, unit: percents}]}",
            "percents is not known (did you mean percent?",
        ),
        (
            "{name: a, logicalType: string, quality: [{metric: nullValues, mustBeBetween: [5, 2]}]}",
            "begins above its end",
        ),
        (
            "{name: a, logicalType: string, quality: [{type: custom, engine: x, implementation: y}]}",
            "custom is not supported here",
        ),
        ("{name: a, logicalType: string, customProperties: [{property: onViolation, value: stop}]}", "at its top"),
        ("{name: a, logicalType: string, physicalType: 'DECIMAL(2, 3)'}", "no more behind the point than in all"),
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
        ("{name: '', logicalType: string}", "is empty; give the column a name"),
    ],
)
def test_a_rule_that_cannot_hold_is_told_before_any_row_is_read(tmp_path, column, told):
    mistake = mistakes_of(tmp_path, HEAD + f"  - {column}\n")
    assert mistake.startswith("tickets.odcs.yaml:9: ")
    assert told in mistake


@pytest.mark.parametrize(
    ("addition", "told"),
    [
        (
            "customProperties: [{property: onViolation, value: halt}]",
            ":11: customProperties.0.value: halt is not known",
        ),
        ("customProperties: [{property: onViolations, value: stop}]", "(did you mean onViolation?"),
        ("customProperties: [{property: maxBadShare, value: 5}]", "must be a number from 0 to 1"),
        ("customProperties: [{property: permittedPurposes, value: training}]", "must be a list of texts"),
        ("customProperties: [{property: license, value: a}, {property: license, value: b}]", "license is given twice"),
        ("slaProperties: [{property: Retention, value: 3, element: at}]", "(did you mean retention?"),
        ("slaProperties: [{property: retention, value: 3}]", "element: is missing"),
        ("slaProperties: [{property: retention, value: 3, element: a}]", "no column of type date or timestamp"),
        ("slaProperties: [{property: retention, value: -3, element: at}]", "whole number above 0"),
        ("slaProperties: [{property: retention, value: 3, unit: m, element: at}]", "unit: m is not known"),
        ("slaProperties: [{property: latency, value: 3, unit: months, element: at}]", "unit: months is not known"),
    ],
)
def test_a_term_or_an_age_that_nothing_would_check_is_a_mistake(tmp_path, addition, told):
    columns = "  - {name: a, logicalType: string}\n  - {name: at, logicalType: date}\n"
    assert told in mistakes_of(tmp_path, f"{HEAD}{columns}{addition}\n")


@pytest.mark.parametrize(
    ("relationship", "told"),
    [
        ("{to: customers}", "customers"),
        ("{to: [customers.id, shops.id]}", "must name columns of one table"),
        ("{to: [customers.id, customers.name]}", "names 2 columns for 1"),
        ("{to: tickets.a}", "a table that refers to itself is not supported here"),
    ],
)
def test_a_relationship_that_nothing_would_check_is_a_mistake(tmp_path, relationship, told):
    column = f"  - {{name: a, logicalType: string, relationships: [{relationship}]}}\n"
    assert told in mistakes_of(tmp_path, HEAD + column)


def test_what_a_contract_promises_beside_its_columns_is_understood(tmp_path):
    read = read_contract(contract(tmp_path, HEAD + BESIDE))
    assert read.table == "tickets"
    assert read.unique_together == (("a", "b"),)
    assert (
        read.references
        == (
            Reference(("a",), "customers", ("id",)),
            Reference(("a", "b"), "shops", ("x", "y")),
        )[::-1]
    )
    assert [rule.said for rule in read.data_set_rules] == [
        "rowCount mustBeGreaterThan 9",
        "sql mustBe 0",
        "a: nullValues mustBeLessThan 5 percent",
        "at: latency mustBeLessOrEqualTo 2 day",
    ]
    assert read.data_set_rules[2].dimension == "completeness"
    assert read.terms == Terms("CC-BY-4.0", ("evaluation",), True, 0.1)
    assert (read.terms.permits_training, read.ages) == (False, True)
    assert read.columns[2].rules == (Rule("retention", Age(3, "year")),)


def test_an_unknown_field_of_a_server_is_told_like_any_other(tmp_path):
    servers = "servers: [{server: a, type: local, path: x, format: csv, delimter: ','}]\n"
    assert "servers.0.delimter: there is no such field" in mistakes_of(tmp_path, servers + GOOD)


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
