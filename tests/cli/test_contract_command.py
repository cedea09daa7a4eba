"""`tinsmith contract`: a drafted contract is good as it stands, and a breaking change fails."""

import bz2
import gzip
import json

import pytest

from pipelines.data.contracts.contract import read_contract

ROWS = "ticket_id,Customer Mail,opened_at,topic\n" + "".join(
    f"T-{number},a{number}@example.com,2026-01-0{number % 9 + 1},{'bill' if number % 2 else 'fault'}\n"
    for number in range(40)
)


def test_infer_drafts_a_contract_that_can_be_read(tinsmith, project):
    (project / "Tickets 2026.csv").write_text(ROWS)
    code, out, _ = tinsmith("contract", "infer", "Tickets 2026.csv")
    assert (code, out) == (
        0,
        "wrote data_contracts/tickets_2026.odcs.yaml: 4 columns; personal: customer_mail\n",
    )
    contract = read_contract(project / "data_contracts/tickets_2026.odcs.yaml")
    assert [(column.name, column.logical_type) for column in contract.columns] == [
        ("ticket_id", "string"),
        ("customer_mail", "string"),
        ("opened_at", "date"),
        ("topic", "string"),
    ]
    assert contract.columns[0].primary_key
    assert contract.columns[3].rules[-1].argument == ("bill", "fault")


OBJECTS = json.dumps([{"id": number, "topic": "bill", "done": number % 2 == 0} for number in range(40)], indent=1)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("sold.json", OBJECTS.encode()),
        ("sold.json.gz", gzip.compress(OBJECTS.encode())),
        ("sold.csv.bz2", bz2.compress(b"id;topic;done\n" + b"".join(b"%d;bill;true\n" % row for row in range(40)))),
    ],
)
def test_infer_reads_arrays_and_compressed_files(tinsmith, project, name, content):
    (project / name).write_bytes(content)
    code, out, _ = tinsmith("contract", "infer", name)
    assert (code, out) == (0, "wrote data_contracts/sold.odcs.yaml: 3 columns; personal: none\n")
    contract = read_contract(project / "data_contracts/sold.odcs.yaml")
    assert [(column.name, column.logical_type) for column in contract.columns] == [
        ("id", "integer"),
        ("topic", "string"),
        ("done", "boolean"),
    ]


def test_infer_tells_of_a_broken_compressed_file_by_its_own_name(tinsmith, project):
    (project / "sold.csv.gz").write_bytes(gzip.compress(b"\n"))
    code, _, err = tinsmith("contract", "infer", "sold.csv.gz")
    assert code == 2
    assert err.startswith("error: sold.csv.gz: ")


def test_infer_overwrites_nothing(tinsmith, project):
    (project / "tickets.csv").write_text(ROWS)
    tinsmith("contract", "infer", "tickets.csv")
    code, _, err = tinsmith("contract", "infer", "tickets.csv")
    assert code == 2
    assert err.startswith("error: data_contracts/tickets.odcs.yaml: is already there")


def test_diff_exits_1_when_a_change_breaks_and_0_when_none_does(tinsmith, project):
    (project / "tickets.csv").write_text(ROWS)
    tinsmith("contract", "infer", "tickets.csv")
    old = project / "data_contracts/tickets.odcs.yaml"
    new = project / "new.odcs.yaml"
    new.write_text(old.read_text().replace("- bill\n", "- bill\n        - other\n"))
    place = "topic: enum bill, fault"
    code, out, _ = tinsmith("contract", "diff", old.relative_to(project), "new.odcs.yaml")
    assert code == 0
    assert f"compatible: {place} -> bill, other, fault\n1 changes, 0 of them breaking\n" in out
    code, out, _ = tinsmith("contract", "diff", "new.odcs.yaml", old.relative_to(project))
    assert code == 1
    assert out.startswith("data_contracts/tickets.odcs.yaml:")
    assert "breaking: topic: enum bill, other, fault -> bill, fault\n1 changes, 1 of them breaking\n" in out
