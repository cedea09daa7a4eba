import ast
import re
from pathlib import Path

import pytest

LINES = Path("docs/pains.md").read_text().splitlines()
ROWS = [line for line in LINES if re.match(r"\| \d+ \|", line)]
BAD_INPUTS = [line for line in LINES[LINES.index("## Bad input") :] if "`tests/bad_inputs/" in line and "|" in line]


def held_by(row: str) -> list[tuple[str, str]]:
    """The tests that a row names, each by file and name."""
    return re.findall(r"`(tests/\S+\.py)::(\w+)`", row)


def names_of_tests(file: Path) -> list[str]:
    functions = [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)]
    return [function.name for function in functions if function.name.startswith("test_")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_every_pain_is_held_by_a_test_that_says_so(row):
    number = row.split("|")[1].strip()
    held = held_by(row)
    assert held
    said = []
    for file, name in held:
        module = ast.parse(Path(file).read_text())
        test = next(node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == name)
        said.append(
            " ".join([name.replace("pain_", "PAINS "), ast.get_docstring(module) or "", ast.get_docstring(test) or ""])
        )
    assert any(re.search(rf"PAINS {number}\b", words) for words in said)


@pytest.mark.parametrize("row", BAD_INPUTS, ids=lambda row: row.split("|")[1].strip())
def test_every_bad_input_is_held_by_a_test_there_is(row):
    assert held_by(row)
    for file, name in held_by(row):
        assert name in names_of_tests(Path(file))


def test_every_bad_input_of_the_list_has_a_row():
    assert len(BAD_INPUTS) >= 31
    named = {name for row in BAD_INPUTS for _, name in held_by(row)}
    # Each kind's tests are told, but for what is only a variation of another.
    for file in Path("tests/bad_inputs").glob("test_*.py"):
        if file.name not in ("test_laws.py", "test_yaml.py", "test_archives.py"):
            assert set(names_of_tests(file)) <= named, file.name
