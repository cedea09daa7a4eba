import json
import os
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.data.contracts.contract import read_contract
from pipelines.data.privacy.detector import Detector
from pipelines.data.privacy.forgotten import add_tombstones, read_tombstones, tombstone
from pipelines.data.privacy.names import find_names
from pipelines.data.privacy.people import full_names
from pipelines.data.privacy.screen import mask
from pipelines.data.privacy.screening import (
    ScreenCounts,
    everybody_of,
    kept_rows,
    open_surrogates,
    screen_of,
    screened_rows,
    without_forgotten,
)
from pipelines.data.privacy.vault import company_key
from pipelines.errors import TinsmithError
from pipelines.paths import Paths
from pipelines.recipe import Privacy
from pipelines.recipe_reader import read_recipe

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: notes
version: 1.0.0
status: active
schema:
  - name: notes
    properties:
      - {name: customer, logicalType: string, customProperties: [{property: subjectId, value: true}]}
      - {name: person, logicalType: string, customProperties: [{property: piiType, value: person}]}
      - {name: body, logicalType: string, customProperties: [{property: containsPii, value: [person, address]}]}
"""
RECIPE = Path("recipes/notes.yaml")
LETTERS = """
name: letters
purpose: Sort letters.
owner: letters@example.com
data:
  sources:
    letters: {contract: letters.odcs.yaml, type: files, path: letters.csv}
  example: {user: "{body}", assistant: "{body}"}
model: {base: "embedded:smollm2-135m-instruct"}
register: {model: letters}
"""


@pytest.fixture
def contract(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TINSMITH_KEY", "k" * 40)
    Path("notes.odcs.yaml").write_text(CONTRACT)
    return read_contract(Path("notes.odcs.yaml"))


def screened(rows, contract, workers=1, **privacy):
    asked = Privacy.model_validate_json(json.dumps({"names": "builtin", **privacy}))
    everybody = full_names(row["person"] for row in rows)
    screen = screen_of(asked, contract, ["body"], everybody, RECIPE)
    counts = ScreenCounts()
    surrogates = open_surrogates(asked, everybody, Path("vault.enc"))
    kept = list(kept_rows(screened_rows(rows, screen, workers=workers), screen.policy, counts, surrogates))
    return [shown["body"] for _, shown in kept], counts


def row(body, person="Ada Okafor", customer="c1"):
    return {"_record": "notes/notes.csv:2", "customer": customer, "person": person, "body": body}


def test_one_person_gets_one_surrogate_in_all_rows(contract):
    rows = [row("Ada Okafor here."), row("thanks, OKAFOR"), row("I met Ada Okafor", person="Bo Brandt")]
    bodies, counts = screened(rows, contract, personal="pseudonymise")
    name = bodies[0].removesuffix(" here.")
    assert bodies == [f"{name} here.", f"thanks, {name.split()[1].upper()}", f"I met {name}"]
    assert not {"ada", "okafor"} & set(name.lower().split())
    assert counts.pseudonymised == {"NAME": 3}
    assert not counts.masked


def test_each_kind_has_its_own_action(contract):
    entities = {"email": "drop_row", "phone": "keep", "ip": "pseudonymise", "date": "mask"}
    rows = [row("mail a.b@example.com"), row("call 555-0147 on 2024-05-01 from 8.8.8.8, key AKIAIOSFODNN7EXAMPLE")]
    bodies, counts = screened(rows, contract, secrets="mask", entities=entities)
    assert len(bodies) == 1
    assert bodies[0].startswith("call 555-0147 on [DATE] from 10.")
    assert bodies[0].endswith(", key [SECRET]")
    assert counts.dropped == {"personal": 1}
    assert (counts.masked, counts.pseudonymised) == ({"DATE": 1}, {"IP": 1})


def test_kinds_without_surrogates_are_masked_where_all_is_pseudonymised(contract):
    bodies, _ = screened([row("born 1980-01-02")], contract, personal="pseudonymise", entities={"date": "pseudonymise"})
    assert bodies == ["born [DATE]"]


def test_values_without_the_form_of_their_kind_are_masked_and_counted_so(contract):
    asked = {"personal": "pseudonymise", "entities": {"name": "keep", "address": "keep"}}
    bodies, counts = screened([row("ответ нет сегодня", "нет")], with_kinds(contract, "phone"), **asked)
    assert bodies == ["ответ [PHONE] сегодня"]
    assert (counts.masked, counts.pseudonymised) == ({"PHONE": 1}, {})
    bodies, counts = screened(
        [row("it is n/a.", "n/a"), row("4111111111111111")], with_kinds(contract, "card"), **asked
    )
    assert bodies[0] == "it is [CARD]."
    assert "CARD" not in bodies[1]
    assert (counts.masked, counts.pseudonymised) == ({"CARD": 1}, {"CARD": 1})


def with_kinds(contract, kind):
    """The contract, whose column `person` holds another kind."""
    Path("notes.odcs.yaml").write_text(CONTRACT.replace("value: person}", f"value: {kind}}}"))
    return read_contract(contract.path)


def test_the_number_of_processes_changes_nothing(contract):
    rows = [row(f"{n} Grace Will wrote to x{n}@example.com, 10.0.0.{n % 250}", f"Ada {n}") for n in range(1500)]
    assert screened(rows, contract, 1, personal="pseudonymise") == screened(rows, contract, 3, personal="pseudonymise")


def test_a_contract_with_persons_in_free_text_needs_something_that_finds_them(contract):
    with pytest.raises(TinsmithError) as caught:
        screened([row("x")], contract, names=None)
    assert str(caught.value).startswith(
        "recipes/notes.yaml: data.privacy.names: notes.odcs.yaml:12: body contains name and address, and nothing"
    )
    assert "\n" not in str(caught.value)
    assert screened([row("x")], contract, names=None, entities={"name": "keep", "address": "keep"})[0] == ["x"]


MINIMAL_RECIPE = """
name: notes
purpose: p
owner: o
data:
  sources:
    notes: {contract: notes.odcs.yaml, type: files, path: data/*.csv}
  example: {user: "{first_name}", assistant: "{last_name}"}
model: {base: "embedded:x"}
register: {model: notes}
"""


def test_the_datas_people_are_known_from_columns_that_are_only_called_personal(contract):
    columns = ("first_name", "last_name", "owner", "product")
    marked = "".join(f"      - {{name: {name}, logicalType: string, classification: pii}}\n" for name in columns[:3])
    contract.path.write_text(CONTRACT[: CONTRACT.index("      - {name: customer")] + marked)
    Path("notes.yaml").write_text(MINIMAL_RECIPE)
    recipe, paths = read_recipe(Path("notes.yaml")), Paths("notes")
    paths.work.mkdir(parents=True)
    people = [("Ada", "Okafor", "Zoë Brandt", "Grace Will"), ("Bo", None, "Billing", "x")]
    rows = [dict(zip(columns, values, strict=True)) for values in people]
    pq.write_table(pa.Table.from_pylist(rows), paths.work / "accepted.parquet")
    assert set(chain.from_iterable(everybody_of(recipe, paths).values())) == {
        *(("ada", "okafor"), ("okafor", "ada"), ("zoe", "brandt")),
        *(("ada", "zoe", "brandt"), ("zoe", "brandt", "ada"), ("okafor", "zoe", "brandt"), ("zoe", "brandt", "okafor")),
    }


@pytest.mark.parametrize("held", ["[persons]", "[name]", "[Person]", "person"])
def test_persons_in_free_text_need_a_detector_however_they_are_called(contract, held):
    contract.path.write_text(CONTRACT.replace("[person, address]", held))
    with pytest.raises(TinsmithError, match=r"data.privacy.names: notes.odcs.yaml:12: body contains name, and nothing"):
        screened([row("x")], read_contract(contract.path), names=None)


def test_dates_in_free_text_are_masked_or_knowingly_kept(contract):
    contract.path.write_text(CONTRACT.replace("[person, address]", "[date, email]"))
    contract = read_contract(contract.path)
    with pytest.raises(TinsmithError, match=r"data.privacy.entities: .*12: body contains date, .*; write date: mask, "):
        screened([row("x")], contract, names=None)
    assert screened([row("x")], contract, names=None, entities={"date": "keep"})[0] == ["x"]
    assert screened([row("on 2024-05-01")], contract, names=None, entities={"date": "mask"})[0] == ["on [DATE]"]


def test_a_products_name_is_no_persons_name(contract):
    body = "My friend Grace Latchly came and Latchly broke. Ask Latchly Support."
    assert "Latchly" in screened([row(body)], contract, not_names=["Latchly"])[0][0]


def test_a_folder_without_a_model_is_told(contract):
    with pytest.raises(TinsmithError, match=r"data.privacy.names: nowhere needs config.json"):
        screened([row("x")], contract, names="nowhere")


def test_surrogates_without_a_key_are_refused(contract, monkeypatch):
    monkeypatch.delenv("TINSMITH_KEY")
    with pytest.raises(TinsmithError, match="TINSMITH_KEY is not set"):
        screened([row("x")], contract, personal="pseudonymise")


def forget(contract, subject):
    key = company_key("forget")
    add_tombstones(key, {tombstone(key, contract.id, subject): contract.id})


def left(contract):
    rows, counts = [row("a"), row("b", customer="c2"), row("c", customer=None)], ScreenCounts()
    return [one["body"] for one in without_forgotten(rows, {"notes": contract}, counts)], counts


def test_the_forgotten_are_left_out_and_the_list_names_nobody(contract):
    forget(contract, "c2")
    bodies, counts = left(contract)
    assert bodies == ["a", "c"]
    assert counts.dropped == {"forgotten": 1}
    assert len(read_tombstones()) == 1
    assert "c2" not in Path("data_contracts/forgotten.txt").read_text()


def test_somebody_forgotten_and_no_key_stops_the_build(contract, monkeypatch):
    forget(contract, "c2")
    monkeypatch.delenv("TINSMITH_KEY")
    with pytest.raises(TinsmithError, match="TINSMITH_KEY is not set"):
        left(contract)


def test_another_key_or_another_id_of_the_contract_brings_nobody_back(contract, monkeypatch):
    forget(contract, "c2")
    with monkeypatch.context() as other:
        other.setenv("TINSMITH_KEY", "x" * 40)
        with pytest.raises(TinsmithError, match="written under another TINSMITH_KEY"):
            left(contract)
    Path("notes.odcs.yaml").write_text(CONTRACT.replace("id: notes", "id: letters"))
    with pytest.raises(TinsmithError, match="nobody of notes is left out"):
        left(read_contract(contract.path))
    Path("notes.odcs.yaml").write_text(CONTRACT.replace("property: subjectId", "property: other"))
    with pytest.raises(TinsmithError, match="no column is marked subjectId"):
        left(read_contract(contract.path))


def test_a_list_may_hold_persons_of_another_recipes_contract(contract, monkeypatch):
    Path("letters.odcs.yaml").write_text(CONTRACT.replace("id: notes", "id: letters"))
    forget(read_contract(Path("letters.odcs.yaml")), "c2")
    Path("recipes").mkdir()
    Path("recipes/letters.yaml").write_text(LETTERS)
    monkeypatch.delenv("TINSMITH_KEY")  # these rows need none: nobody on the list is of their contract
    assert left(contract)[0] == ["a", "b", "c"]
    Path("recipes/letters.yaml").unlink()
    with pytest.raises(TinsmithError, match="nobody of letters is left out"):
        left(contract)


PEOPLE = ("Ada Okafor", "Jean-Luc Marchand", "Zoë Brandt", "Grace Will")
WRITTEN = {
    "as it is": str,
    "small": str.lower,
    "capitals": str.upper,
    "two spaces": lambda name: name.replace(" ", "  "),
    "no-break": lambda name: name.replace(" ", "\u00a0"),
    "zero-width": "\u200b".join,
    "surname alone": lambda name: name.split()[-1],
    "given name alone": lambda name: name.split()[0],
    "percent": lambda name: name.replace(" ", "%20"),
}
TEMPLATES = (
    "{} here",
    "> Dear {},\n> bye",
    "ask {}!",
    "({})",
    "regards\n{}",
    "it is{}\u200b".replace("is", "is "),
    "«{}»'s",
)


@settings(deadline=None)
@given(st.sampled_from(PEOPLE), st.sampled_from(sorted(WRITTEN)), st.sampled_from(TEMPLATES), st.booleans())
def test_no_known_person_survives(person, way, template, pseudonymised):
    os.environ["TINSMITH_KEY"] = "k" * 40
    Path("notes.odcs.yaml").write_text(CONTRACT)
    contract = read_contract(Path("notes.odcs.yaml"))
    action = "pseudonymise" if pseudonymised else "mask"
    bodies, _ = screened([row(template.format(WRITTEN[way](person)), person)], contract, personal=action, vault=False)
    words = bodies[0].replace("\u200b", "").lower()
    assert not any(part.lower() in words.split() or f"{part.lower()}," in words for part in person.split())


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TINSMITH_KEY", "k" * 40)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["Grace", "Will", "[NAME]", "[ADDRESS]", "12", "High Street", "[CARD]", "from", ","])))
def test_masks_among_names_are_no_names(pieces):
    detector = Detector(kinds=frozenset({"NAME", "ADDRESS", "EMAIL"}), names=find_names)
    masked, _ = mask(" ".join(pieces), detector)
    assert detector.find(masked) == []
