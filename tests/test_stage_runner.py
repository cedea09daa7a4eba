"""How a stage ends for a user's mistake."""

import sys

import pytest

from pipelines.errors import TinsmithError
from pipelines.stage_runner import run


def test_a_file_named_to_command_the_terminal_is_told_and_does_not(monkeypatch, capsys):
    def read(name):
        raise TinsmithError(f"data/{name}\x1b[2J.csv: is damaged; export it anew")

    monkeypatch.setattr(sys, "argv", ["pipelines/stages/collect.py", "tickets"])
    with pytest.raises(SystemExit) as ended:
        run(lambda recipe, paths: None, read)  # noqa: ARG005 - is never reached
    assert ended.value.code == 2
    assert capsys.readouterr().err == "error: data/tickets\\x1b[2J.csv: is damaged; export it anew\n"
