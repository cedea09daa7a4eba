import csv
import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import strict_yaml
from pipelines.cli.new import new_recipe
from pipelines.data.contracts.contract import read_contract
from pipelines.files import read_json
from pipelines.paths import Paths
from pipelines.recipe_reader import read_recipe
from pipelines.stages.collect import collect
from pipelines.stages.ingest import ingest
from tests.data.sources.test_xlsx_rows import workbook

SAMPLES = Path(__file__).parents[2] / "data/raw/support_tickets"


def write_csv(name, header, rows, **how):
    path = Path(name)
    encoding = how.pop("encoding", "utf-8")
    with path.open("w", newline="", encoding=encoding) as stream:
        csv.writer(stream, **how).writerows([header, *rows])
    return path


def walk_to_ingest():
    recipe, paths = read_recipe(Path("recipes/x.yaml")), Paths("x")
    collect(recipe, paths)
    ingest(recipe, paths)


def write_jsonl(name, rows):
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Path(name)


def tickets(count=200):
    """Rows of an ordinary export: id, sender, when, a text with commas, quotes and new lines, and two labels."""
    chance = random.Random(7)
    for number in range(count):
        text = f'I said "no, {chance.randint(1, 10**6)}",\nand then\r\nit {chance.choice(["broke", "bent"])} again.'
        product = chance.choice(["lamp", "door", "chair"])
        yield [number, f"p{number}@example.com", f"2026-01-{1 + number % 28:02}", text, product, number % 4]


HEADER = ["ticket_id", "sender", "day", "text", "product", "priority"]


def column(name, recipe="x"):
    contract = strict_yaml.load(Path(f"data_contracts/{recipe}.odcs.yaml")).value
    return next(found for found in contract["schema"][0]["properties"] if found["name"] == name)


def test_the_draft_of_an_ordinary_csv(tinsmith):
    write_csv("tickets.csv", HEADER, tickets())
    code, out, err = tinsmith("new", "x", "--from", "tickets.csv")
    assert (code, err) == (0, "")
    assert "dvc repro register@x" in out
    assert "params.yaml: added x" in out
    assert column("ticket_id") == {
        "name": "ticket_id", "logicalType": "integer", "primaryKey": True, "unique": True, "required": True
    }  # fmt: skip
    assert column("sender")["classification"] == "pii"
    assert column("sender")["customProperties"] == [{"property": "piiType", "value": "email"}]
    assert column("day")["logicalType"] == "date"
    assert column("product")["quality"][0]["arguments"] == {"validValues": ["chair", "door", "lamp"]}
    assert column("priority")["quality"][0]["arguments"] == {"validValues": [0, 1, 2, 3]}
    recipe = read_recipe(Path("recipes/x.yaml"))
    assert recipe.data.example.user == "{text}"
    assert recipe.data.example.assistant.json_ == ("product", "priority")
    assert tinsmith("check")[0] == 0


def test_a_reply_that_a_label_stands_beside_is_not_asked(tinsmith):
    texts = [f"Where is parcel {number} of mine" for number in range(60)]
    rows = [{"message": text, "reply": f"Dear customer, {text} " * 5, "label": "late"} for text in texts]
    rows[::2] = [{**row, "label": "lost"} for row in rows[::2]]
    assert tinsmith("new", "x", "--from", str(write_jsonl("mails.jsonl", rows)))[0] == 0
    assert read_recipe(Path("recipes/x.yaml")).data.example.user == "{message}"


def test_the_recipe_is_short_and_each_section_says_what_to_change(tinsmith):
    write_csv("tickets.csv", HEADER, tickets())
    tinsmith("new", "x", "--from", "tickets.csv")
    lines = Path("recipes/x.yaml").read_text().splitlines()
    assert len(lines) < 35
    assert max(map(len, lines)) <= 120
    assert sum("#" in line for line in lines) >= 12


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.csv")), ids=lambda sample: sample.stem)
def test_ingest_accepts_nearly_all_of_the_sample_exports(sample):
    new_recipe("x", sample)
    walk_to_ingest()
    counts = read_json(Path("reports/x/ingest.json"))
    assert counts["accepted"] >= 0.95 * counts["rows_in"]
    contract = read_contract(Path("data_contracts/x.odcs.yaml"))
    assert contract.personal == {"customer_name": "name", "customer_email": "email", "customer_phone": "phone"}
    assert read_recipe(Path("recipes/x.yaml")).data.split.group_by == ("thread_id", "customer_id")


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("excel.csv", {"delimiter": ";", "encoding": "cp1252"}),
        ("excel.tsv", {"delimiter": "\t", "encoding": "utf-16"}),
        ("quoted.csv", {"quoting": csv.QUOTE_ALL, "encoding": "utf-8-sig"}),
    ],
)
def test_delimiter_and_encoding_are_found_out(name, how):
    rows = [[f"Größe {number} fällt nicht aus", "groß" if number % 2 else "klein"] for number in range(60)]
    new_recipe("x", write_csv(name, ["Frage", "Größe"], rows, **how))
    walk_to_ingest()
    assert read_json(Path("reports/x/ingest.json"))["accepted"] == 60
    assert "groß" in Path("data_contracts/x.odcs.yaml").read_text()


def test_json_lines_with_nested_and_mixed_values(tinsmith):
    rows = [
        {"id": f"r{number}", "text": f"words {number} of a text", "label": "yes" if number % 3 else "no",
         "meta": {"a": 1}, "mixed": number if number % 2 else "none", "score": number / 8, "open": number > 9}
        for number in range(60)
    ]  # fmt: skip
    write_jsonl("rows.jsonl", rows)
    code, out, _ = tinsmith("new", "x", "--from", "rows.jsonl")
    assert code == 0
    assert "left out, because their values are nested or of two types: meta, mixed" in out
    assert column("score")["logicalType"] == "number"
    assert column("open")["logicalType"] == "boolean"
    assert column("label")["quality"][0]["arguments"] == {"validValues": ["no", "yes"]}
    walk_to_ingest()
    assert read_json(Path("reports/x/ingest.json"))["accepted"] == 60


def test_odd_column_names_get_names_that_templates_can_hold(tinsmith):
    header = ["Ticket No.", "2nd text {body}", "2nd text (body)", "_record", "no", "", "Catégorie: type"]
    rows = [[f"T-{n}", f"a longer text, {n}", "b", str(n), "on", "x", ["off", "null"][n % 2]] for n in range(60)]
    write_csv("odd.csv", header, rows)
    code, _, err = tinsmith("new", "x", "--from", "odd.csv")
    assert (code, err) == (0, "")
    contract = read_contract(Path("data_contracts/x.odcs.yaml"))
    assert [column.source_name for column in contract.columns] == [name for name in header if name]
    assert len(set(contract.names)) == 6
    assert all(name.isidentifier() for name in contract.names)
    walk_to_ingest()
    assert read_json(Path("reports/x/ingest.json"))["accepted"] == 60


@pytest.mark.usefixtures("project")
def test_the_last_column_is_answered_where_no_name_tells():
    new_recipe("x", write_csv("pairs.csv", ["first", "second"], [[f"ask {n} and more", f"say {n}"] for n in range(30)]))
    example = read_recipe(Path("recipes/x.yaml")).data.example
    assert (example.user, example.assistant) == ("{first}", "{second}")


@pytest.mark.usefixtures("project")
def test_long_texts_get_room():
    rows = [["word " * 800 + str(number), "ab"[number % 2]] for number in range(40)]
    new_recipe("x", write_csv("long.csv", ["text", "label"], rows))
    assert 800 < read_recipe(Path("recipes/x.yaml")).train.max_length <= 4096


@pytest.mark.usefixtures("project")
def test_rare_values_are_left_out_of_a_closed_list():
    rows = [[f"text number {number}", "refund" if number % 2 else "fault"] for number in range(200)]
    new_recipe("x", write_csv("rows.csv", ["text", "label"], [*rows, ["the one typo", "refnud"]]))
    assert column("label")["quality"][0]["arguments"] == {"validValues": ["fault", "refund"]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "rows.csv: the file is empty"),
        ("text,label\n", "rows.csv: holds no rows that can be read"),
        ("text\none\ntwo\n", "rows.csv: has one column only"),
        ("text,text\na,b\n", "rows.csv:1: column 2 has the name of an earlier one"),
        ('"text,label\na,b\n', "rows.csv:1: the header cannot be read"),
        ("id,body,label\r1,x,good\r", "rows.csv: its lines cannot be told apart"),
        ("email,phone\na@example.com,1\n", "rows.csv: needs a text and an answer beside personal and id columns"),
    ],
)
def test_samples_from_which_nothing_can_be_drafted(tinsmith, project, text, told):
    Path("rows.csv").write_text(text)
    code, _, err = tinsmith("new", "x", "--from", "rows.csv")
    assert code == 2
    assert err.startswith(f"error: {told}")
    assert err.count("\n") == 1
    assert {path.name for path in project.iterdir()} == {"dvc.yaml", "rows.csv"}


@pytest.mark.parametrize("ending", ["parquet", "xlsx"])
def test_the_draft_of_a_table_is_what_the_line_reads(tinsmith, ending):
    rows = list(tickets())
    if ending == "parquet":
        columns = zip(*rows, strict=True)
        pq.write_table(pa.table(dict(zip(HEADER, columns, strict=True))), "tickets.parquet")
    else:
        workbook("tickets.xlsx", rows=[HEADER, *rows])
    code, _, err = tinsmith("new", "x", "--from", f"tickets.{ending}")
    assert (code, err) == (0, "")
    assert column("ticket_id")["logicalType"] == "integer"
    assert column("day")["logicalType"] == "date"
    walk_to_ingest()
    report = read_json(Path("reports/x/ingest.json"))
    assert (report["rows_in"], report["accepted"]) == (200, 200)


@pytest.mark.parametrize(
    ("name", "sample", "told"),
    [
        ("team/x", "rows.csv", "recipe name 'team/x'"),
        ("Triage", "rows.csv", "recipe name 'Triage'"),
        ("x", "nowhere.csv", "nowhere.csv: there is no such file"),
        ("x", "rows.ods", "rows.ods: is not one of .csv, .tsv, .jsonl, .ndjson, .json, .parquet, .xlsx"),
        ("x", "rows.xlsx", "rows.xlsx: broken file"),
        ("x", "rows.parquet", "rows.parquet: no readable Parquet"),
        ("x", "rows[1].csv", "rows[1].csv: `[` has a meaning in a source's path"),
    ],
)
def test_wrong_names_and_files(tinsmith, name, sample, told):
    for file in ("rows.csv", "rows.ods", "rows.xlsx", "rows.parquet", "rows[1].csv"):
        Path(file).write_text("text,label\na,b\n")
    code, _, err = tinsmith("new", name, "--from", sample)
    assert code == 2
    assert err.startswith(f"error: {told}")
    assert not Path("recipes").exists()


def test_nothing_is_overwritten(tinsmith):
    write_csv("tickets.csv", HEADER, tickets())
    tinsmith("new", "x", "--from", "tickets.csv")
    Path("recipes/x.yaml").unlink()
    before = Path("data_contracts/x.odcs.yaml").read_text()
    code, _, err = tinsmith("new", "x", "--from", "tickets.csv")
    assert (code, err) == (
        2, "error: data_contracts/x.odcs.yaml: is already there; choose another name, or delete it first\n"
    )  # fmt: skip
    assert Path("data_contracts/x.odcs.yaml").read_text() == before
    assert not Path("recipes/x.yaml").exists()
