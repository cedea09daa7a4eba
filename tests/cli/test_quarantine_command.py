"""`tinsmith quarantine`: what was refused is counted without values, shown on a terminal alone, and comes back."""

import json
import os
import pty
import shutil
import subprocess
import sys

import pytest

from pipelines.check import check_recipe
from pipelines.files import write_text
from pipelines.paths import Paths
from tests.cli.conftest import REPOSITORY

ROWS = "ticket_id,body,intent\n1,It broke,fault\n2,private words,fridge\n3,,refund\n4,\x1b[31m,fridge,x\n"
ENTRIES = [
    {"source": "t/a.csv", "line": 3, "kind": "quarantined", "reasons": ["intent: enum"], "raw": "2,private,x"},
    {
        "source": "t/a.csv",
        "line": 9,
        "kind": "quarantined",
        "reasons": ["intent: enum", "body: required"],
        "raw": "3,,x",
    },
    {"source": "t/b.csv", "line": 2, "kind": "rejected_raw", "reasons": ["row: broken quote"], "raw": '\x1b[31m4,"'},
]


@pytest.fixture
def refused(project):
    """A project with a quarantine."""
    path = project / Paths("tickets").work / "quarantine.jsonl"
    write_text(path, "".join(json.dumps(entry) + "\n" for entry in ENTRIES))


def on_a_terminal(*words: str) -> str:
    """What a command prints when its output is a terminal."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", *words]
    ended = subprocess.run(command, stdout=theirs, check=True, env=environment)
    os.close(theirs)
    assert ended.returncode == 0
    said = b""
    try:
        while piece := os.read(ours, 65536):
            said += piece
    except OSError:
        pass  # how a terminal ends on Linux
    os.close(ours)
    return said.decode().replace("\r\n", "\n")


@pytest.mark.usefixtures("refused")
def test_summary_counts_by_source_and_reason_and_shows_no_values(tinsmith):
    code, out, _ = tinsmith("quarantine", "summary", "tickets")
    assert code == 0
    assert out.splitlines()[0] == "tickets: 2 rows quarantined, 1 could not be read"
    assert [line.strip().split(maxsplit=2) for line in out.splitlines()[2:]] == [
        ["2", "t/a.csv", "intent: enum"],
        ["1", "t/a.csv", "body: required"],
        ["1", "t/b.csv", "row: broken quote"],
    ]
    assert "private" not in out


@pytest.fixture
def refused_oddly(project):
    """A quarantine of a document named after a person, and of a file whose name would command the terminal."""
    entries = [
        {**ENTRIES[0], "source": "t/Anna Okafor - resignation.pdf", "alias": "0123456789abcdef/2"},
        {**ENTRIES[1], "source": "t/a.zip/\x1b[31mb.csv"},
    ]
    write_text(project / Paths("tickets").work / "quarantine.jsonl", "".join(json.dumps(one) + "\n" for one in entries))


@pytest.mark.usefixtures("refused_oddly")
def test_summary_tells_documents_by_their_alias_and_gives_the_terminal_no_commands(tinsmith):
    _, out, _ = tinsmith("quarantine", "summary", "tickets")
    assert [line.strip().split(maxsplit=2)[1] for line in out.splitlines()[2:]] == [
        "t/0123456789abcdef/2",
        "t/a.zip/\\x1b[31mb.csv",
        "t/a.zip/\\x1b[31mb.csv",
    ]
    assert "Anna" not in out


@pytest.mark.usefixtures("refused_oddly", "good_recipe")
def test_release_tells_documents_by_their_alias_and_gives_the_terminal_no_commands(tinsmith):
    """Where the line does not run, the rows are those of the quarantine that is there."""
    code, out, _ = tinsmith("quarantine", "release", "tickets")
    assert code == 2
    assert "  t/0123456789abcdef/2:3: intent: enum\n  t/a.zip/\\x1b[31mb.csv:9: " in out
    assert "Anna" not in out


@pytest.mark.usefixtures("refused_oddly")
def test_show_names_documents_and_gives_the_terminal_no_commands():
    shown = on_a_terminal("quarantine", "show", "tickets")
    assert "t/Anna Okafor - resignation.pdf:3: intent: enum\n" in shown
    assert "t/a.zip/\\x1b[31mb.csv:9: " in shown


@pytest.mark.usefixtures("refused")
def test_show_prints_rows_on_a_terminal_and_nowhere_else(tinsmith):
    code, out, err = tinsmith("quarantine", "show", "tickets")
    assert (code, out) == (2, "")
    assert "they are shown on a terminal only" in err
    shown = on_a_terminal("quarantine", "show", "tickets", "--reason", "intent", "--rows", "1")
    assert shown.startswith("These rows may hold personal data")
    assert "t/a.csv:3: intent: enum\n2,private,x\n" in shown
    assert shown.endswith("1 of 2 rows\n")
    assert '\\x1b[31m4,"' in on_a_terminal("quarantine", "show", "tickets", "--reason", "broken quote")


@pytest.mark.parametrize("command", ["summary", "release"])
def test_a_recipe_that_was_not_ingested_says_what_to_run(tinsmith, command):
    code, _, err = tinsmith("quarantine", command, "tickets")
    assert code == 2
    assert err == "error: work/tickets/quarantine.jsonl: not there yet; run `dvc repro ingest@tickets` first\n"


@pytest.mark.e2e
def test_release_brings_back_what_was_mended_in_the_file_or_in_the_contract(
    tinsmith, project, good_recipe, monkeypatch
):
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("PATH", f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}")
    for name in ("dvc.yaml", "prices.yaml"):
        shutil.copy(REPOSITORY / name, project)
    shutil.copytree(REPOSITORY / "pipelines", project / "pipelines", ignore=shutil.ignore_patterns("__pycache__"))
    contract, data = project / "data_contracts/tickets.odcs.yaml", project / "data/tickets.csv"
    enum = "name: intent, enum: [{value: fault}, {value: refund}]"
    contract.write_text(
        contract.read_text().replace("name: intent", enum).replace("name: body", "required: true, name: body")
    )
    data.write_text(ROWS)
    check_recipe(good_recipe)
    for words in (["init", "-q", "--no-scm"], ["repro", "ingest@tickets"]):
        subprocess.run([sys.executable, "-m", "dvc", *words], check=True)
    data.write_text(ROWS.replace("3,,refund", "3,Money back,refund"))
    code, out, _ = tinsmith("quarantine", "release", "tickets")
    assert code == 0
    assert "tickets: 3 rows were refused, 2 still are; accepted: 1 -> 2\n" in out
    assert ":3: intent: enum\n" in out
    assert "private" not in out
    contract.write_text(contract.read_text().replace("{value: refund}", "{value: refund}, {value: fridge}"))
    code, out, _ = tinsmith("quarantine", "release", "tickets")
    assert "tickets: 2 rows were refused, 1 still are; accepted: 2 -> 3\n" in out
    assert ":5: row: too many columns\n" in out
