"""The rows of a sheet of an XLSX."""

import datetime
from collections.abc import Iterator
from typing import Any

import python_calamine

from pipelines.data.contracts.contract import Contract
from pipelines.data.sources.files import PlainFile, refuse_bomb
from pipelines.data.sources.rows import Row, column_names, places_of, typed_row
from pipelines.data.sources.xlsx_extent import cells_spanned
from pipelines.errors import TinsmithError

# Measured: a number takes 80 bytes, a text 100 and its own, so that texts of 200 characters fill a gigabyte and a half.
_MOST_CELLS = 5_000_000


def xlsx_rows(file: PlainFile, sheet: str | None, contract: Contract) -> Iterator[Row]:
    """Every row of a sheet whose first row names the columns, empty rows left out; `line` is the sheet's own number.

    A spreadsheet knows only numbers, so that cells are read as the text of a CSV would be: whole numbers without a
    point, and a day at midnight as a date where the contract asks for one.

    Raises:
        TinsmithError: the file is no XLSX, is encrypted, lacks the sheet or a column of the contract, or spans more
            cells than the memory should hold.
    """
    number, header, rows = _sheet(file, sheet)
    names = column_names(header)
    places = places_of(contract, names, f"{file.told}:{number}", "first row")
    types = {place: column.logical_type for place, column in zip(places, contract.columns, strict=True)}
    for number, row in rows:
        cells = [(_cell_text(cell, types.get(place)), "") for place, cell in enumerate(row)]
        yield typed_row(file.label, number, names, cells, places, contract)._replace(kinds=None)


def xlsx_names(file: PlainFile) -> list[str]:
    """The columns' names in the first sheet's first row; raises TinsmithError as xlsx_rows does."""
    return _sheet(file, None)[1]


def _sheet(file: PlainFile, sheet: str | None) -> tuple[int, list[str], Iterator[tuple[int, list[Any]]]]:
    """The number of a sheet's first row, the names in it, and the rows behind it with their numbers."""
    refuse_bomb(file)
    try:
        book = python_calamine.CalamineWorkbook.from_path(str(file.path))
        sheets = book.sheet_names
        if sheet and sheet not in sheets:
            raise TinsmithError(f"{file.told}: there is no sheet {sheet!r}; name one of its {len(sheets)} sheets")
        if cells_spanned(file.path) > _MOST_CELLS:
            raise TinsmithError(
                f"{file.told}: a sheet spans more than {_MOST_CELLS} cells; delete what stands far out, or save "
                "it as CSV"
            )
        cells = book.get_sheet_by_name(sheet or sheets[0])
    except (python_calamine.CalamineError, OSError):
        raise TinsmithError(
            f"{file.told}: no readable XLSX (damaged or encrypted); save it anew without a password"
        ) from None
    # Its to_python would hold every cell a second time. Rows begin with the first column that is not empty.
    before = [""] * (cells.start[1] if cells.start else 0)
    rows = ((number, before + row) for number, row in enumerate(cells.iter_rows(), 1) if any(c != "" for c in row))
    header = next(rows, None)
    if header is None:
        raise TinsmithError(f"{file.told}: the sheet is empty; it needs a first row with the contract's columns")
    return header[0], [str(cell) for cell in header[1]], rows


def _cell_text(cell: Any, logical_type: str | None) -> str | None:
    if cell == "":
        return None
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
    if isinstance(cell, datetime.datetime) and logical_type == "date" and cell.time() == datetime.time():
        return cell.date().isoformat()
    if isinstance(cell, datetime.date) and not isinstance(cell, datetime.datetime) and logical_type == "timestamp":
        return datetime.datetime.combine(cell, datetime.time()).isoformat()
    return cell.isoformat() if isinstance(cell, datetime.date | datetime.time) else str(cell)
