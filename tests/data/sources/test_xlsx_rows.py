"""XLSX: cells become the text of a CSV, and what is no sheet of rows is told."""

import json
import zipfile
from xml.sax.saxutils import escape

import pytest

from pipelines.errors import TinsmithError
from tests.data.sources.reads import collected, contract_of, read

_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATED = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
DATE, MOMENT = "date", "moment"
COLUMNS = {"id": "integer", "day": "date", "at": "timestamp", "price": "number", "paid": "boolean", "code": "string"}


def cell(value) -> str:
    """A cell of text, a number, a truth value, an error (#...), or a serial number shown as a date or a moment."""
    if isinstance(value, tuple):
        return f'<c s="{1 if value[1] == DATE else 2}"><v>{value[0]}</v></c>'
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f"<c><v>{value}</v></c>"
    if value is None:
        return "<c/>"
    if value.startswith("#"):
        return f'<c t="e"><v>{value}</v></c>'
    return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'


def relationships(listed: str) -> str:
    return f'<Relationships xmlns="{_RELATED}">{listed}</Relationships>'


def workbook(path, **sheets) -> str:
    names = list(sheets)
    listed = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in enumerate(names, 1))
    related = "".join(
        f'<Relationship Id="r{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(names) + 1)
    )
    formats = '<xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/><xf numFmtId="22" applyNumberFormat="1"/>'
    files = {
        "[Content_Types].xml": f'<Types xmlns="{_TYPES}"><Default Extension="xml" ContentType="text/xml"/></Types>',
        "_rels/.rels": relationships(
            f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        ),
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": relationships(
            f'{related}<Relationship Id="s" Type="{_OFFICE}/styles" Target="styles.xml"/>'
        ),
        "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><cellXfs count="3">{formats}</cellXfs></styleSheet>',
    }
    for n, rows in enumerate(sheets.values(), 1):
        data = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
        files[f"xl/worksheets/sheet{n}.xml"] = f'<worksheet xmlns="{_MAIN}"><sheetData>{data}</sheetData></worksheet>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return str(path)


def test_cells_become_the_text_that_the_contract_reads(tmp_path):
    rows = [
        [*COLUMNS, "more"],
        [1, (46053, DATE), (46053.5, MOMENT), 2.5, True, "a,b", "x"],
        [None] * 7,
        [9007199254740991, (46054, MOMENT), (46053, DATE), 3, False, 7, None],
    ]
    found = collected(contract_of(**COLUMNS), path=workbook(tmp_path / "a.xlsx", one=rows))
    assert read(found) == [
        ("1", "2026-01-31", "2026-01-31T12:00:00", "2.5", "true", "a,b"),
        ("9007199254740991", "2026-02-01", "2026-01-31T00:00:00", "3", "false", "7"),
    ]
    assert [(row.line, row.kinds) for row in found] == [(2, None), (4, None)]


def test_the_empty_cells_that_excel_leaves_behind_a_header_are_told_by_their_place(tmp_path):
    rows = [["id", "body", None, None], [1, "a", None, 2]]
    (row,) = collected(path=workbook(tmp_path / "a.xlsx", one=rows))
    assert row.texts == ["1", "a"]
    assert json.loads(row.raw) == {"id": "1", "body": "a", "column 3": None, "column 4": "2"}


def test_a_table_that_does_not_begin_in_the_first_cell_keeps_its_places(tmp_path):
    rows = [[None] * 3, [None, "id", "body"], [None] * 3, [None, 1, "a"]]
    (row,) = collected(path=workbook(tmp_path / "a.xlsx", one=rows))
    assert (row.texts, row.line) == (["1", "a"], 4)
    assert json.loads(row.raw) == {"column 1": None, "id": "1", "body": "a"}


def test_a_cell_of_a_wrong_type_or_an_error_is_left_to_the_contract(tmp_path):
    rows = [["id", "body"], ["many", "a"], ["#REF!", "b"], [3, "c"]]
    found = collected(contract_of(id="integer", body="string"), path=workbook(tmp_path / "a.xlsx", one=rows))
    assert [row.texts[1] for row in found] == ["a", "b", "c"]
    assert found[2].texts[0] == "3"
    assert not found[1].texts[0] or not found[1].texts[0].isdecimal()


def test_the_sheet_that_the_recipe_names_is_read(tmp_path):
    path = workbook(tmp_path / "a.xlsx", cover=[["nothing"]], rows=[["id", "body"], ["1", "a"]])
    assert read(collected(path=path, sheet="rows")) == [("1", "a")]
    with pytest.raises(TinsmithError, match=r"there is no sheet 'row'; name one of its 2 sheets"):
        collected(path=path, sheet="row")
    with pytest.raises(TinsmithError, match=r"a\.xlsx:1: the first row lacks the column id"):
        collected(path=path)


def test_an_empty_sheet_is_told(tmp_path):
    with pytest.raises(TinsmithError, match="the sheet is empty"):
        collected(path=workbook(tmp_path / "a.xlsx", one=[]))


@pytest.mark.parametrize(
    "content", [b"", b"id,body\n1,a\n", b"PK\3\4", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)]
)
def test_what_only_poses_as_xlsx_is_told(tmp_path, content):
    (tmp_path / "a.xlsx").write_bytes(content)
    with pytest.raises(TinsmithError, match=r"a\.xlsx: (broken file|no readable XLSX)"):
        collected(path=str(tmp_path / "a.xlsx"))


def test_a_zip_that_is_no_workbook_and_a_bomb_are_told(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", "id,body\n")
    with pytest.raises(TinsmithError, match="no readable XLSX"):
        collected(path=str(tmp_path / "a.xlsx"))
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * 80 * 2**20)
    with pytest.raises(TinsmithError, match="expands to more than"):
        collected(path=str(tmp_path / "b.xlsx"))
