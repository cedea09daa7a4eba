"""How far a sheet's cells reach, however their places are written."""

import zipfile

import pytest

from pipelines.data.sources.xlsx_extent import cells_spanned

CELL = "<c><v>1</v></c>"


@pytest.mark.parametrize(
    ("rows", "spanned"),
    [
        ("", 0),
        (f"<row>{CELL}{CELL}</row><row>{CELL}</row>", 4),
        (f'<row r="3">{CELL}</row>', 3),
        ('<row r="3"><c r="AB3"/></row>', 3 * 28),
        (f'<row><c r="B1"/>{CELL}</row>', 3),
        ('<row><c r="XFD1048576"/></row>', 16_384 * 1_048_576),
        ("<x:row xmlns:x='x'><x:c r='C2'/></x:row>", 6),
        (f'<row r="sesame">{CELL}<c r="?"/></row>', 2),
        (f"<row>{CELL}</row><row>{CELL}", 2),
    ],
)
def test_cells_are_counted_to_the_last_row_and_column(tmp_path, rows, spanned):
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("picture.png", b"\x89PNG")
        archive.writestr("sheet.xml", f"<worksheet><sheetData>{rows}</sheetData></worksheet>")
        archive.writestr("other.xml", "<worksheet/>")
    assert cells_spanned(path) == spanned
