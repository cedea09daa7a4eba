"""PAINS 22: a llama.cpp that does not do what the line asks of it is told before training."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.errors import TinsmithError
from pipelines.gguf.toolchain import PROGRAMS, Toolchain
from pipelines.gguf.toolchain_check import check_toolchain

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

# A server that reads no token ids in grammars, as llama-server before it had them.
OLD_SERVER = """\
from http.server import BaseHTTPRequestHandler, HTTPServer

class Old(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(400)
        self.end_headers()
        self.wfile.write(b'{"error": {"message": "failed to parse grammar"}}')

HTTPServer(("127.0.0.1", 0), Old).serve_forever()
"""


def with_other(program: str, script: str, toolchain: Toolchain, folder: Path) -> Toolchain:
    """The toolchain with a script in place of one of its programs."""
    for name in PROGRAMS:
        (folder / name).symlink_to(toolchain.program(name))
    (folder / program).unlink()
    (folder / program).write_text(script)
    (folder / program).chmod(0o755)
    return replace(toolchain, origin="PATH", programs=folder)


def test_the_pinned_one_passes_and_leaves_nothing(toolchain, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    check_toolchain(toolchain)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("program", "argument"),
    [
        ("llama-server", "--skip-chat-parsing"),
        ("llama-quantize", "--override-kv"),
        ("llama-imatrix", "--parse-special"),
    ],
)
def test_one_that_lacks_an_argument_is_told_in_a_line(toolchain, tmp_path, program, argument):
    script = (
        f'#!/bin/sh\ncase "$*" in *{argument}*) echo "error: invalid argument: {argument}"; exit 1;; esac\n'
        f'exec {toolchain.program(program)} "$@"\n'
    )
    with pytest.raises(TinsmithError, match=rf"^llama\.cpp .+invalid argument: {argument}.*; choose") as told:
        check_toolchain(with_other(program, script, toolchain, tmp_path))
    assert "\n" not in str(told.value)


def test_one_without_grammars_of_token_ids_is_told_in_a_line(toolchain, tmp_path):
    lacking = with_other("llama-server", f"#!{sys.executable}\n{OLD_SERVER}", toolchain, tmp_path)
    with pytest.raises(TinsmithError, match=r"^llama\.cpp .+refused /completion with HTTP 400.*; choose") as told:
        check_toolchain(lacking)
    assert "\n" not in str(told.value)
