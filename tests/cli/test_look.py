from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.model.base import folder_digest

RECIPE = """\
name: notes
purpose: Sort notes.
owner: notes@example.com
data:
  sources: {{notes: {{contract: notes.odcs.yaml, type: files, path: notes.csv}}}}
  example: {{user: "{{body}}", assistant: "{{label}}"}}
model: {{base: {base}, sha256: {digest}}}
register: {{model: notes}}
"""


@pytest.fixture
def resolved(project, chatml_base):  # noqa: ARG001 (the current folder)
    Path("resolved").mkdir()
    Path("resolved/notes.yaml").write_text(RECIPE.format(base=chatml_base, digest=folder_digest(chatml_base)))


@pytest.mark.usefixtures("resolved")
def test_examples_are_printed_and_a_page_of_them_is_written(tinsmith):
    work = Path("work/notes")
    work.mkdir(parents=True)
    for side in ("train", "validation", "test"):
        prompt = [{"role": "user", "content": f"a question of {side}"}]
        rows = [{"example_id": f"{side}:{n}", "prompt": prompt, "answer": "lamp"} for n in range(10)]
        pq.write_table(pa.Table.from_pylist(rows), work / f"{side}.parquet")
    code, out, _ = tinsmith("look", "notes", "--count", "2")
    assert code == 0
    assert out.count("lamp<|im_end|>") == 2
    assert out.count("tokens, 5 trained") == 2
    page = (work / "look.html").read_text()
    assert "notes" in page
    assert page.count("<mark>lamp&lt;|im_end|&gt;</mark>") == 20


@pytest.mark.usefixtures("resolved")
def test_no_example_commands_the_terminal(tinsmith):
    work = Path("work/notes")
    work.mkdir(parents=True)
    for side in ("train", "validation", "test"):
        rows = [{"example_id": side, "prompt": [{"role": "user", "content": "\x1b[2Jgone\u202e"}], "answer": "a\x07"}]
        pq.write_table(pa.Table.from_pylist(rows), work / f"{side}.parquet")
    _, out, _ = tinsmith("look", "notes", "--count", "1")
    assert "\\x1b[2Jgone\\u202e" in out
    assert "a\\x07" in out


@pytest.mark.usefixtures("resolved")
def test_without_examples_the_mend_is_told(tinsmith):
    code, _, err = tinsmith("look", "notes")
    assert code == 2
    assert err == "error: work/notes: no examples there yet; run `dvc repro prepare@notes` first\n"
