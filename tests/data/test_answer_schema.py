from jsonschema import Draft202012Validator

from pipelines.data.answer_schema import answer_schema
from pipelines.data.contracts.contract import read_contract
from pipelines.recipe import JsonAnswer

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: notes
version: 1.0.0
status: active
schema:
  - name: notes
    properties:
      - name: label
        logicalType: string
        required: true
        quality:
          - {type: library, metric: invalidValues, arguments: {validValues: [good, bad]}, mustBe: 0}
      - {name: count, logicalType: integer, required: true}
      - {name: written, logicalType: timestamp}
      - name: shop
        logicalType: object
        properties:
          - {name: name, logicalType: string, required: true}
          - {name: at, logicalType: object, properties: [{name: city, logicalType: string}]}
          - {name: tags, logicalType: array, required: true, items: {logicalType: string}}
"""


def test_an_answer_that_the_contract_allows_keeps_the_schema_and_others_do_not(tmp_path):
    path = tmp_path / "notes.odcs.yaml"
    path.write_text(CONTRACT)
    schema = answer_schema(JsonAnswer(json=("label", "count", "written")), read_contract(path))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    good = {"label": "good", "count": 3, "written": None}
    assert validator.is_valid(good)
    assert validator.is_valid({**good, "written": "2026-01-01T00:00:00"})
    for wrong in ({"label": "ugly"}, {"count": "3"}, {"count": None}, {"more": 1}):
        assert not validator.is_valid({**good, **wrong})
    assert not validator.is_valid({"label": "good"})


def test_an_object_is_answered_with_its_fields_and_a_field_under_its_own_name(tmp_path):
    path = tmp_path / "notes.odcs.yaml"
    path.write_text(CONTRACT)
    schema = answer_schema(JsonAnswer(json=("shop", "shop.at.city")), read_contract(path))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    good = {"shop": {"name": "M", "at": {"city": None}, "tags": ["a"]}, "city": "Oslo"}
    assert validator.is_valid(good)
    for wrong in ({"name": None}, {"tags": [1]}, {"at": {}}, {"more": 1}):
        assert not validator.is_valid({**good, "shop": {**good["shop"], **wrong}})
