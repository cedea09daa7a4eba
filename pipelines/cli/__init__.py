"""The command `tinsmith`."""

import errno
import sys

from pipelines.cli.app import app
from pipelines.errors import TinsmithError
from pipelines.printable import printable


def main() -> None:
    """Run the command line; a user's mistake is told in its own lines on stderr, with exit code 2 and no traceback."""
    try:
        app()
    except TinsmithError as error:
        _fail(str(error))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _fail(f"{error.filename or 'the disk'}: no space left; free some and run again")


def _fail(message: str) -> None:
    for line in printable(message).splitlines():
        print(f"error: {line}", file=sys.stderr)
    sys.exit(2)
