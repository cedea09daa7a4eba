"""How far the cells of an XLSX reach. A reader keeps every cell up to the last one in memory, empty ones included."""

import re
import zipfile
from pathlib import Path
from typing import IO
from xml.parsers import expat

_BLOCK = 2**20
_PLACE = re.compile(r"([A-Z]{1,4})([0-9]{1,8})")


def cells_spanned(path: Path) -> int:
    """The cells of the rectangle from A1 to the last row and column of the largest sheet.

    A part of the file that is no XML spans none.

    Raises:
        zipfile.BadZipFile, OSError, ValueError, zlib.error: the file is damaged.
    """
    spanned = 0
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            sheet = _Sheet()
            with archive.open(name) as stream:
                sheet.read(stream)
            spanned = max(spanned, sheet.rows * sheet.columns)
    return spanned


class _Sheet:
    """The last row and column of a sheet, counted as ECMA-376 has it: what names no place follows the one before."""

    def __init__(self) -> None:
        self.rows = self.columns = 0
        self._row = self._column = 0

    def read(self, stream: IO[bytes]) -> None:
        """Look at a part of the file as far as it is XML."""
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        try:
            while block := stream.read(_BLOCK):
                parser.Parse(block, False)
        except expat.ExpatError:
            # Another parser may go on, but finds no more than what the readers' own errors tell.
            return

    def _start(self, element: str, attributes: dict[str, str]) -> None:
        name = element.rpartition(":")[2]
        if name == "row":
            given = attributes.get("r", "")
            self._row = int(given) if given.isdigit() and len(given) < 9 else self._row + 1
            self._column = 0
            self.rows = max(self.rows, self._row)
        elif name == "c":
            place = _PLACE.fullmatch(attributes.get("r", ""))
            self._column = _number(place[1]) if place else self._column + 1
            self.columns = max(self.columns, self._column)
            self.rows = max(self.rows, int(place[2]) if place else 1)


def _number(letters: str) -> int:
    """The 1-based number of a column: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - 64
    return number
