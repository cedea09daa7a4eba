import ast
import re
from pathlib import Path

import pytest

ROWS = [line for line in Path("docs/pains.md").read_text().splitlines() if re.match(r"\| \d+ \|", line)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_every_pain_is_held_by_a_test_that_says_so(row):
    number = row.split("|")[1].strip()
    held = re.findall(r"`(tests/\S+\.py)::(\w+)`", row)
    assert held
    said = []
    for file, name in held:
        module = ast.parse(Path(file).read_text())
        test = next(node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == name)
        said.append(
            " ".join([name.replace("pain_", "PAINS "), ast.get_docstring(module) or "", ast.get_docstring(test) or ""])
        )
    assert any(re.search(rf"PAINS {number}\b", words) for words in said)
