"""`tinsmith serve`: the exported model behind an OpenAI-compatible server on this machine."""

import json
import shlex
import signal
import socket
from pathlib import Path

import psutil

from pipelines.cli.reports import read_report
from pipelines.data.rendering import filled
from pipelines.errors import TinsmithError
from pipelines.exported import judged_quant
from pipelines.files import sha256_of_file
from pipelines.gguf.server import serving
from pipelines.gguf.toolchain import find_toolchain
from pipelines.paths import Paths
from pipelines.recipe import Example, Recipe, example_columns
from pipelines.recipe_reader import did_you_mean, read_resolved
from pipelines.scoring.answers import ANSWER_MARGIN_TOKENS
from pipelines.scoring.grammar import answer_grammar

# People and programs that ask at once; more wait for a free slot.
_PARALLEL = 4


def serve_model(name: str, port: int, quant: str | None) -> None:
    """Serve a recipe's GGUF until Ctrl-C or SIGTERM, and print the address with a request to try.

    Raises:
        TinsmithError: the model is not exported, is not the file that export.json describes, or the server ended.
    """
    recipe = read_resolved(name)
    _check_port(port)
    paths = Paths(name)
    gguf = _exported(paths, quant)
    datasheet = read_report(paths, "datasheet")
    longest_answer = datasheet["tokens"]["longest_answer"] + ANSWER_MARGIN_TOKENS
    answer, tools = recipe.data.example.assistant, recipe.data.example.tools
    log = paths.scratch / "serve" / "server.log"
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with serving(
            gguf,
            find_toolchain(),
            parallel=_PARALLEL,
            context_per_slot=recipe.train.max_length + longest_answer,
            log=log,
            port=port,
            # As it was judged.
            grammar=answer_grammar(answer, datasheet, [tools]) if recipe.evaluate.constrained else None,
        ) as url:
            print(f"{gguf} is served at {url}/v1 (OpenAI-compatible; Ctrl-C stops it). Try it:\n")
            print(curl_line(url, recipe, longest_answer), flush=True)
            _wait_for_end(log)
    except KeyboardInterrupt:
        print("\nstopped")


def curl_line(url: str, recipe: Recipe, max_tokens: int) -> str:
    """A shell command that asks the model as it was trained to be asked, with `<column>` in place of data."""
    request = {"messages": _example_prompt(recipe.data.example), "temperature": 0, "max_tokens": max_tokens}
    body = shlex.quote(json.dumps(request, ensure_ascii=False))
    return f"curl -s {url}/v1/chat/completions -H 'Content-Type: application/json' -d {body}"


def _example_prompt(example: Example) -> list[dict[str, str]]:
    placeholders = {column: f"<{column}>" for column in example_columns(example)}
    turns = {"system": example.system, "user": example.user or f"<the last question of {example.messages}>"}
    return [{"role": role, "content": filled(template, placeholders)} for role, template in turns.items() if template]


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        # As the server will bind it: a port whose last connection is just closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise TinsmithError(
                f"port {port}: {reason}; choose another with --port, or let --port 0 find one"
            ) from None


def _exported(paths: Paths, quant: str | None) -> Path:
    """The GGUF of `quant`, or the judged one, once its bytes are known to be those that were exported."""
    export = read_report(paths, "export")
    quants = export["quants"]
    quant = quant or judged_quant(export)
    if quant not in quants:
        raise TinsmithError(f"{paths.reports / 'export.json'}: holds no {quant} {did_you_mean(quant, quants)}")
    gguf = paths.work / "gguf" / str(quants[quant]["file"])
    if not gguf.exists():
        raise TinsmithError(
            f"{gguf}: there is no such file; `dvc checkout` or `dvc pull` bring back what was made before, "
            f"`dvc repro export@{paths.name}` makes it"
        )
    if sha256_of_file(gguf) != quants[quant]["sha256"]:
        raise TinsmithError(
            f"{gguf}: its checksum is not the one in {paths.reports / 'export.json'}; "
            f"delete it and run `dvc repro export@{paths.name}`"
        )
    return gguf


def _wait_for_end(log: Path) -> None:
    """Wait until the server, this process's only child, ends by itself, which it should not."""
    for server in psutil.Process().children():
        server.wait()
    raise TinsmithError(f"llama-server ended; its last words stand at the end of {log}")
