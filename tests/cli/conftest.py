"""A project folder and a command line to type at."""

import sys
from pathlib import Path

import pytest

from pipelines.cli import main

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """An empty project folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    Path("dvc.yaml").touch()
    return tmp_path


@pytest.fixture
def tinsmith(project, monkeypatch, capsys):
    """Type a command; gives exit code, stdout and stderr."""

    def typed(*words):
        monkeypatch.chdir(project)
        monkeypatch.setattr(sys, "argv", ["tinsmith", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return typed


@pytest.fixture
def good_recipe(project) -> Path:
    """A small recipe that is good, with its contract, its source and params.yaml."""
    files = {
        "data/tickets.csv": "ticket_id,body,intent\n1,It broke,fault\n2,Money back,refund\n",
        "data_contracts/tickets.odcs.yaml": CONTRACT,
        "recipes/tickets.yaml": RECIPE,
        "params.yaml": PARAMS,
    }
    for name, text in files.items():
        path = project / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return Path("recipes/tickets.yaml")


CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: tickets
version: 1.0.0
status: active
schema:
  - name: tickets
    properties:
      - {name: ticket_id, logicalType: string}
      - {name: body, logicalType: string}
      - {name: intent, logicalType: string}
"""
RECIPE = """\
name: tickets
purpose: Tell the intent of a ticket.
owner: support@example.com
data:
  sources:
    tickets: {contract: data_contracts/tickets.odcs.yaml, type: files, path: data/*.csv}
  example:
    user: "{body}"
    assistant: "{intent}"
model: {base: embedded:smollm2-135m-instruct}
train: {epochs: 1}
register: {model: tickets}
"""
PARAMS = """\
# Written by `tinsmith sync` from the recipes folder; do not edit.
recipes:
- tickets
sources:
  tickets-tickets:
    recipe: tickets
    source: tickets
    contract: data_contracts/tickets.odcs.yaml
    path: data
"""
