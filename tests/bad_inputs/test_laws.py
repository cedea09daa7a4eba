"""What holds of the stages whatever the data: balance, idempotence, no matter what order, and nothing planted stays."""

import json
import os
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipelines.recipe_reader import read_recipe
from pipelines.stages.collect import collect
from pipelines.stages.ingest import ingest
from tests.bad_inputs.examples import shown
from tests.bad_inputs.line import HEADER, PATHS, PRIVATE, files, project, resolved, told, walk, walked
from tests.data.privacy.test_evasions import DISGUISES, NO_DISGUISE, VALUES

lawful = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
CSV_PIECES = [
    *(b"%d,x,good", b'%d,"two\nlines",bad', b"%d,,good", b"%d,x,none", b"%d,x", b'%d,"open,good', b"%d,\xe9,good"),
    *(b"%d,\0,good", b"%d,x,good,more", b"1,x,good", b"", b'"%d","x"y,good', b"x%d,x,good"),
]
JSON_PIECES = [
    *(b'{"id": %d, "body": "x", "label": "good"}', b'{"id": %d, "body": 1, "label": "bad"}', b'{"id": %d}', b"{"),
    *(b'{"id": %d, "body": "\\ud800", "label": "bad"}', b'{"id": %d, "id": 1}', b"[%d]", b"\xff", b"", b"NaN"),
]


@st.composite
def folders(draw) -> dict[str, bytes]:
    """Files of good and bad rows; the first row of the first one is good."""
    number = iter(range(1000, 2000))

    def rows(pieces: list[bytes]) -> bytes:
        chosen = draw(st.lists(st.sampled_from(pieces), max_size=12))
        return b"".join((piece % next(number) if b"%d" in piece else piece) + b"\n" for piece in chosen)

    made = {"a_csv": HEADER + b"1,anchor,good\n" + rows(CSV_PIECES)}
    for name in draw(st.sets(st.sampled_from(["b_csv", "c_jsonl", "d_jsonl"]))):
        # A file of its own, since two that are alike are refused.
        head, pieces = (b"", JSON_PIECES) if "json" in name else (HEADER, CSV_PIECES)
        made[name] = head + name.encode() + b"\n" + rows(pieces)
    return made


def fresh(made: dict[str, bytes]) -> None:
    for path in Path("data").iterdir():
        path.unlink()
    files(**made)


def written() -> list[bytes]:
    return [
        (PATHS.work / "accepted.parquet").read_bytes(),
        (PATHS.work / "quarantine.jsonl").read_bytes(),
        (PATHS.reports / "ingest.json").read_bytes(),
    ]


@lawful
@given(made=folders())
def test_every_row_is_accepted_or_refused_once(made):
    fresh(made)
    result = walk()
    places = [row["_record"] for row in result.accepted]
    places += [f"{row['source']}:{row['line']}" for row in result.refused]
    assert len(places) == len(set(places)) == result.report["rows_in"]


@settings(lawful, max_examples=60)
@given(content=st.binary(max_size=80), ending=st.sampled_from(["csv", "jsonl", "json"]))
@example(content=b"\r", ending="csv")
def test_the_balance_holds_for_any_bytes(content, ending):
    fresh({"a_csv": HEADER + b"1,anchor,good\n", f"b_{ending}": (HEADER if ending == "csv" else b"") + content})
    walk()


@lawful
@given(made=folders())
def test_ingesting_twice_gives_the_same_bytes(made):
    fresh(made)
    walk()
    first = written()
    walk()
    assert written() == first


@lawful
@given(made=folders(), ending=st.sampled_from(["parquet", "jsonl"]))
def test_accepted_rows_are_accepted_again(made, ending):
    fresh(made)
    rows = walk().accepted
    columns = [{name: row[name] for name in ("id", "body", "label")} for row in rows]
    fresh({})
    if ending == "parquet":
        pq.write_table(pa.Table.from_pylist(columns), "data/a.parquet")
    else:
        files(a_jsonl="\n".join(map(json.dumps, columns)).encode())
    again = walk()
    assert again.refused == []
    assert [{name: row[name] for name in ("id", "body", "label")} for row in again.accepted] == columns


@lawful
@given(made=folders(), seed=st.integers(0, 2**20), cores=st.integers(1, 2))
def test_no_order_of_files_or_rows_and_no_number_of_cores_changes_a_byte(made, seed, cores):
    fresh(made)
    walk()
    first = written()
    chance = random.Random(seed)
    fresh(dict(chance.sample(list(made.items()), len(made))))
    everything = os.sched_getaffinity(0)
    os.sched_setaffinity(0, chance.sample(sorted(everything), min(cores, len(everything))))
    try:
        recipe = read_recipe(PATHS.recipe)
        collect(recipe, PATHS)
        # As if many had read at once.
        rows = PATHS.collected("notes") / "rows.parquet"
        table = pq.read_table(rows)
        pq.write_table(table.take(chance.sample(range(len(table)), len(table))), rows)
        ingest(recipe, PATHS)
    finally:
        os.sched_setaffinity(0, everything)
    walked()
    assert written() == first


def test_the_order_of_sources_in_the_recipe_changes_no_refusal():
    files(a_csv=HEADER + b"1,x,good\n2,x,none\n", b_csv=HEADER + b"3,y,good\n4,y\n")
    project()
    one = {"contract": "notes.odcs.yaml", "type": "files"}
    sources = {"notes": {**one, "path": "data/a.csv"}, "others": {**one, "path": "data/b.csv"}}
    text = PATHS.recipe.read_text()
    line = next(line for line in text.splitlines() if "sources:" in line)
    results = []
    for order in (sources, dict(reversed(sources.items()))):
        PATHS.recipe.write_text(text.replace(line, f"  sources: {json.dumps(order)}"))
        resolved()
        recipe = read_recipe(PATHS.recipe)
        collect(recipe, PATHS)
        ingest(recipe, PATHS)
        accepted = pq.read_table(PATHS.work / "accepted.parquet").to_pylist()
        refused = (PATHS.work / "quarantine.jsonl").read_text().splitlines()
        results.append((sorted(accepted, key=str), sorted(refused)))
    assert results[0] == results[1]


PEOPLE = ["Ada Okafor", "Ngozi Tamsin", "Bo Lindqvist", "Éloïse Marchetti", "Juan Prado", "Mei Huang"]
PLACES = ["{}", "call {} today", "{}\nwrote:", "> {}:", "({})", "re: {}.", "«{}»", "it was {}, again"]
ABOUT = ["the lamp", "a door that stuck", "our market stall", "paper and glass", "the river bridge"]


@pytest.mark.timeout(900)
@settings(lawful, max_examples=3)
@given(data=st.data())
def test_no_planted_secret_and_no_known_person_survives(chatml_base, data):
    chance = random.Random(data.draw(st.integers(0, 2**32)))
    bodies, planted = [], []
    for number in range(60):
        kind, value = chance.choice([*VALUES.items(), *[("NAME", name) for name in PEOPLE]])
        disguise = chance.choice([name for name in DISGUISES if (name, kind) not in NO_DISGUISE])
        hidden = DISGUISES[disguise](value)
        planted.append((kind, disguise, hidden))
        place = chance.choice(PLACES).format(hidden)
        bodies.append(f"{chance.choice(ABOUT)} {number} {place} {chance.choice(ABOUT)}")
    texts = shown(chatml_base, bodies, [chance.choice(PEOPLE) for _ in bodies]).texts
    for number, (kind, disguise, hidden) in enumerate(planted, 1):
        assert hidden not in texts.get(number, ""), f"{kind} survived, as {disguise}"


@lawful
@given(content=st.binary(max_size=200))
def test_an_error_repeats_nothing_of_the_data(content):
    fresh({"a_csv": b"id,%s\n1,sesame%s" % (content, content)})
    assert PRIVATE not in told()
