"""Objects and lists in a contract: an object's fields are columns, and their promises are kept as any column's."""

import json

import pytest

from pipelines.data.contracts.contract import read_contract
from pipelines.data.contracts.objects import field_of
from pipelines.errors import TinsmithError
from tests.data.test_quarantine import judge

CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: receipts
version: 1.0.0
status: active
schema:
  - name: receipts
    properties:
      - {name: id, logicalType: string, primaryKey: true}
      - name: label
        logicalType: object
        properties:
          - {name: total, logicalType: number, required: true}
          - name: shop
            physicalName: Shop
            logicalType: object
            properties:
              - {name: owner, logicalType: string, customProperties: [{property: piiType, value: person}]}
      - {name: tags, logicalType: array, items: {logicalType: string}}
"""


def test_the_fields_of_an_object_are_columns_with_their_lines_and_their_promises(tmp_path):
    path = tmp_path / "receipts.odcs.yaml"
    path.write_text(CONTRACT)
    contract = read_contract(path)
    assert contract.names == ("id", "label.total", "label.shop.owner", "tags")
    assert [column.source_name for column in contract.columns] == ["id", "label.total", "label.Shop.owner", "tags"]
    assert [column.line for column in contract.columns] == [9, 13, 18, 19]
    assert contract.personal == {"label.shop.owner": "name"}
    assert [column.name for column in contract.columns_of("label")] == ["label.total", "label.shop.owner"]
    assert [column.name for column in contract.columns_of("label.shop")] == ["label.shop.owner"]
    assert contract.columns_of("lab") == ()


def test_a_mistake_in_a_field_is_told_with_its_line(tmp_path):
    path = tmp_path / "receipts.odcs.yaml"
    path.write_text(CONTRACT.replace("{name: total, logicalType: number,", "{name: total, logicalType: numbr,"))
    with pytest.raises(TinsmithError, match=r"receipts\.odcs\.yaml:13: .*label\.properties\.total"):
        read_contract(path)


def test_fields_are_held_against_their_rules(tmp_path):
    fields = "{name: n, logicalType: integer, required: true, logicalTypeOptions: {maximum: 5}}"
    column = f"{{name: a, logicalType: object, properties: [{fields}]}}"
    values, reasons = judge(tmp_path, column, ("5",), ("6",), (None,), ("x",))
    assert values == [(5,)]
    assert reasons == {1: ["a.n: maximum 5"], 2: ["a.n: required"], 3: ["a.n: logicalType integer"]}


@pytest.mark.parametrize(
    ("logical_type", "accepted", "refused"),
    [
        ("array", ["[]", '[1, "x", null]'], ["{}", "1", "[", "x", '"[]"', "null"]),
        ("object", ["{}", '{"a": [1]}'], ["[]", "1", "{", "true"]),
        ("array, items: {logicalType: string}", ["[]", '["a", "b"]'], ['["a", 1]', "[null]", "[[]]"]),
        ("array, items: {logicalType: integer}", ["[0, -1, 99]"], ["[1.5]", '["1"]']),
        ("array, items: {logicalType: number}", ["[0, 1.5]"], ["[true]"]),
        ("array, items: {logicalType: object}", ['[{"a": 1}]'], ["[1]"]),
    ],
)
def test_lists_and_plain_objects_are_json(tmp_path, logical_type, accepted, refused):
    texts = [*accepted, *refused]
    values, reasons = judge(tmp_path, f"{{name: a, logicalType: {logical_type}}}", *((text,) for text in texts))
    assert [json.loads(value) for (value,) in values] == [json.loads(text) for text in accepted]
    assert {texts[line] for line in reasons} == set(refused)


def test_json_knows_a_list_from_a_text_and_a_table_may_keep_it_as_text(tmp_path):
    column = "{name: a, logicalType: array}"
    assert judge(tmp_path, column, ("[1]",), kinds="o")[0] == judge(tmp_path, column, ("[1]",), kinds="s")[0]
    assert judge(tmp_path, "{name: a, logicalType: string}", ("[1]",), kinds="o")[1] == {0: ["a: logicalType string"]}


def test_a_field_is_found_by_its_path_or_by_a_name_with_dots():
    row = {"label": {"total": 5, "shop": None}, "a.b": 1}
    assert field_of(row, "label.total") == 5
    assert field_of(row, "a.b") == 1
    for name in ("label.more", "label.shop.owner", "label.total.cents", "other", "other.x"):
        assert field_of(row, name) is None
