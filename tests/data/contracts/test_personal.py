"""What a contract says of personal data is understood, or refused: what is passed over would protect nobody."""

import pytest

from pipelines.data.contracts.contract import read_contract
from pipelines.errors import TinsmithError

HEAD = """\
version: 1.0.0
apiVersion: v3.2.0
kind: DataContract
id: notes
status: active
schema:
- name: notes
  properties:
"""


def read(tmp_path, column):
    path = tmp_path / "notes.odcs.yaml"
    kind = "" if "logicalType:" in column else "logicalType: string, "
    path.write_text(HEAD + f"  - {{{kind}{column}}}\n")
    return read_contract(path).columns[0]


def custom(*pairs):
    items = ", ".join(f"{{property: {name}, value: {value}}}" for name, value in pairs)
    return f"name: a, customProperties: [{items}]"


@pytest.mark.parametrize(
    ("value", "kinds"),
    [
        ("[person, address]", ("name", "address")),
        ("[persons]", ("name",)),
        ("[name]", ("name",)),
        ("[Person, PERSON_NAME]", ("name",)),
        ("person", ("name",)),
        ("[EMAIL_ADDRESS, date]", ("email", "date")),
        ("[]", ()),
    ],
)
def test_what_stands_in_free_text_is_understood_however_it_is_written(tmp_path, value, kinds):
    assert read(tmp_path, custom(("containsPii", value))).contains == kinds


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        *((word, "name") for word in ("person", "Surname", "lastname", "full_name", "customer", "contact_person")),
        *((word, "name") for word in ("lastName", "customer_name", "PERSON")),
        ("EMAIL_ADDRESS", "email"),
        ("phone-number", "phone"),
        ("dateOfBirth", "birth_date"),
        ("other", "personal"),
    ],
)
def test_a_kind_has_many_names(tmp_path, word, kind):
    assert read(tmp_path, custom(("piiType", word))).personal == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [("last_name", "name"), ("contactPhone", "phone"), ("product_name", "personal"), ("owner", "personal")],
)
def test_a_columns_name_tells_the_kind_where_nothing_else_does(tmp_path, name, kind):
    assert read(tmp_path, f"name: {name}, classification: PII").personal == kind
    assert read(tmp_path, f"name: {name}, tags: [personal]").personal == kind
    assert read(tmp_path, f"name: {name}").personal is None


@pytest.mark.parametrize(
    ("column", "told"),
    [
        (custom(("containsPii", "[persn]")), "customProperties.0.value: persn is nothing to be found in free text"),
        (custom(("containsPii", "[adress]")), "(did you mean address? allowed: name, address, email,"),
        (custom(("containsPii", 5)), "5 is nothing to be found in free text (allowed: name,"),
        (custom(("containsPii", "true")), "True is nothing to be found in free text (allowed: name,"),
        (custom(("containsPii", "[birth_date]")), "birth_date is nothing to be found in free text"),
        (custom(("containsPII", "[person]")), "containsPII would be passed over (did you mean containsPii?)"),
        (custom(("contains_pii", "[person]")), "contains_pii would be passed over (did you mean containsPii?)"),
        (custom(("subjectID", "true")), "subjectID would be passed over (did you mean subjectId?)"),
        (custom(("pii", "true")), "pii would be passed over (did you mean piiType?)"),
        (custom(("subjectId", '"true"')), "value: must be true or false, without quotes"),
        (custom(("subjectId", 1)), "value: must be true or false, without quotes"),
        (
            f"{custom(('subjectId', 'true'))}, logicalType: number",
            "value: a number is written in several ways, and a person's id in one; make the column string or integer",
        ),
        (custom(("piiType", "emial")), "emial is not known (did you mean email? allowed: name, address, email,"),
        (custom(("piiType", "true")), "True is not known (allowed: name,"),
        (custom(("piiType", "name"), ("piiType", "email")), "customProperties.1: piiType is given twice; keep one"),
        ("name: a, classification: pi", "classification: pi is not known (did you mean pii?"),
    ],
)
def test_what_is_not_understood_is_told_in_one_line(tmp_path, column, told):
    with pytest.raises(TinsmithError) as caught:
        read(tmp_path, column)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{tmp_path}/notes.odcs.yaml:9: schema.notes.properties.a.")
    assert told in line


def test_a_companys_own_properties_stay_its_own(tmp_path):
    own = (("subject", "billing"), ("containsHtml", "true"), ("owner", "x"), ("personalisation", "none"))
    column = read(tmp_path, custom(*own, ("subjectId", "false")))
    assert (column.personal, column.contains, column.subject_id) == (None, (), False)


PROPERTY = "customProperties: [{property: containsPII, value: person}]"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"  - {{name: a, logicalType: string}}\n{PROPERTY}\n", ":10: customProperties.0.property"),
        (f"  - {{name: a, logicalType: string}}\n  {PROPERTY}\n", ":10: schema.notes.customProperties.0.property"),
        (
            f"  - {{name: o, logicalType: object, {PROPERTY}, properties: [{{name: a, logicalType: string}}]}}\n",
            ":9: schema.notes.properties.o.customProperties.0.property",
        ),
        (
            f"  - {{name: l, logicalType: array, items: {{logicalType: string, {PROPERTY}}}}}\n",
            ":9: schema.notes.properties.l.items.customProperties.0.property",
        ),
    ],
)
def test_what_belongs_to_a_column_is_refused_elsewhere(tmp_path, text, told):
    path = tmp_path / "notes.odcs.yaml"
    path.write_text(HEAD + text)
    with pytest.raises(TinsmithError) as caught:
        read_contract(path)
    assert str(caught.value) == f"{path}{told}: containsPii belongs to a column; move it there"


def test_an_object_is_tagged_by_its_fields(tmp_path):
    with pytest.raises(TinsmithError, match=r"notes.properties.o.tags: only a column or a field can be tagged"):
        read(tmp_path, "name: o, logicalType: object, tags: [PII], properties: [{name: a, logicalType: string}]")
