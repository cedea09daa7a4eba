"""A real PostgreSQL server for tests, on a socket of its own, by the binaries that this machine has."""

import getpass
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def binaries() -> Path | None:
    """The folder of initdb and postgres: of PATH, or where Debian keeps them."""
    found = shutil.which("postgres")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


@contextmanager
def server() -> Iterator[str]:
    """Start a server and give the URL of its database; it is stopped and removed at the end."""
    folder = binaries()
    assert folder is not None
    # PostgreSQL refuses to run as root, so that root's tests run it as nobody.
    user = "nobody" if os.getuid() == 0 else getpass.getuser()
    with tempfile.TemporaryDirectory(prefix="tinsmith-postgres-") as made:
        home = Path(made)
        os.chown(home, pwd.getpwnam(user).pw_uid, -1)

        def run(program: str, *words: str) -> None:
            subprocess.run(
                [folder / program, *words], user=user, cwd=home, check=True, stdout=subprocess.DEVNULL, timeout=120
            )

        run("initdb", "-D", "data", "-U", "tests", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        options = f"-c listen_addresses='' -c unix_socket_directories='{home}' -c fsync=off"
        run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")
        try:
            yield f"postgresql://tests@/postgres?host={home}"
        finally:
            run("pg_ctl", "-D", "data", "-w", "-m", "immediate", "stop")
