"""llama-server for as long as a block runs: started on loopback, awaited, and stopped whatever happens."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import requests

from pipelines.errors import TinsmithError
from pipelines.gguf.toolchain import Toolchain, has_gpu

_START_SECONDS = 900
_STOP_SECONDS = 5

# PR_SET_PDEATHSIG (1) outlives exec, so the server dies with its parent even when that is killed with -9. A child that
# sets it for itself needs no preexec_fn, which is unsafe beside threads. The parent may be gone before the call.
_TIE_TO_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, ctypes.c_ulong(signal.SIGKILL))
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


@contextmanager
def serving(
    gguf: Path,
    toolchain: Toolchain,
    *,
    parallel: int,
    context_per_slot: int,
    log: Path,
    port: int = 0,
    adapter: Path | None = None,
    grammar: str | None = None,
) -> Iterator[str]:
    """Run llama-server on `gguf` and give its base URL, such as http://127.0.0.1:41234, once it answers.

    `parallel` requests are answered at once, each with `context_per_slot` tokens for prompt and answer. Port 0 lets the
    system choose a free one. `adapter`, a LoRA as GGUF, is put onto the model; `grammar` is the GBNF that answers keep
    where a request brings none of its own. The server's messages go to `log`. On Linux the server ends with the thread
    that entered the block, however that ends.

    Raises:
        TinsmithError: the server ended at start, or was not ready in time; with the last line of its log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [str(toolchain.program("llama-server"))]
    command += _arguments(gguf, parallel, context_per_slot, port)
    command += ["--lora", str(adapter)] if adapter else []
    command += ["--grammar", grammar] if grammar else []
    with log.open("wb") as messages:
        server = subprocess.Popen(
            _tied_to_parent(command), stdin=subprocess.DEVNULL, stdout=messages, stderr=subprocess.STDOUT
        )
    try:
        yield _wait_until_ready(server, gguf, log)
    finally:
        _stop(server)


def usable_cores() -> int:
    """Cores that this process may use: its CPU affinity, cut by a container's quota (cgroup v2 `cpu.max`)."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    limit = Path("/sys/fs/cgroup/cpu.max")
    if limit.exists():
        quota, period = limit.read_text().split()
        if quota != "max":
            cores = min(cores, -(-int(quota) // int(period)))
    return max(1, cores)


def _arguments(gguf: Path, parallel: int, context_per_slot: int, port: int) -> list[str]:
    cores = str(usable_cores())
    return [
        *("--model", str(gguf), "--host", "127.0.0.1", "--port", str(port)),
        *("--threads", cores, "--threads-batch", cores),
        *("--parallel", str(parallel), "--ctx-size", str(parallel * context_per_slot), "--cont-batching"),
        # On a CPU llama.cpp's flash attention decodes at half the speed of plain products once the context is long.
        *("--flash-attn", "auto" if has_gpu() else "off"),
        # A slot keeps its last prompt, so a shared prefix is computed once a slot; the second cache, in main memory
        # and up to 8 GiB, would only hold prompts that never come again.
        *("--cache-prompt", "--cache-ram", "0"),
        # The text comes as the model wrote it: nothing is cut out as a thought or a tool call, and a template that
        # can think opens the answer as it was opened in training.
        *("--jinja", "--reasoning", "off", "--skip-chat-parsing"),
        # No page, no view of other people's prompts, no downloads.
        *("--no-ui", "--no-slots", "--offline"),
    ]


def _tied_to_parent(command: list[str]) -> list[str]:
    if sys.platform != "linux":
        return command
    return [sys.executable, "-I", "-S", "-c", _TIE_TO_PARENT, str(os.getpid()), *command]


def _wait_until_ready(server: subprocess.Popen[bytes], gguf: Path, log: Path) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise TinsmithError(
                f"llama-server {_how_it_ended(server.returncode)} while starting on {gguf}; "
                f"the last line of {log}: {_last_line(log)}"
            )
        port = _listening_port(server.pid)
        if port and _is_healthy(f"http://127.0.0.1:{port}"):
            return f"http://127.0.0.1:{port}"
        time.sleep(0.05)
    raise TinsmithError(
        f"llama-server was not ready on {gguf} after {_START_SECONDS} s; the last line of {log}: {_last_line(log)}"
    )


def _listening_port(pid: int) -> int | None:
    """The port that the process itself listens on: no other program can be taken for it."""
    try:
        connections = psutil.Process(pid).net_connections("tcp4")
    except psutil.NoSuchProcess:
        return None
    return next((found.laddr.port for found in connections if found.status == psutil.CONN_LISTEN), None)


def _is_healthy(url: str) -> bool:
    with requests.Session() as session:
        # Proxies from the environment are for the outside.
        session.trust_env = False
        try:
            return session.get(f"{url}/health", timeout=5).ok
        except requests.RequestException:
            return False


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _how_it_ended(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "(nothing)")
