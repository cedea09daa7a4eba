import json
import shlex
import socket
from pathlib import Path

import pytest

from pipelines.cli.serve import curl_line
from pipelines.files import write_json
from pipelines.recipe_reader import as_yaml, read_recipe


def test_the_curl_line_survives_the_shell_and_holds_no_data(good_recipe):
    text = good_recipe.read_text()
    system = 'It\'s "JSON" $HOME `id` \\\\ {intent}!\\nNothing else.'
    good_recipe.write_text(text.replace("  example:\n", f"  example:\n    system: {json.dumps(system)}\n"))
    recipe = read_recipe(good_recipe)
    words = shlex.split(curl_line("http://127.0.0.1:8080", recipe, 24))
    assert words[:3] == ["curl", "-s", "http://127.0.0.1:8080/v1/chat/completions"]
    request = json.loads(words[-1])
    assert request["messages"] == [
        {"role": "system", "content": system.replace("{intent}", "<intent>")},
        {"role": "user", "content": "<body>"},
    ]
    assert (request["temperature"], request["max_tokens"]) == (0, 24)


@pytest.fixture
def exported(good_recipe) -> Path:
    """The files that serve reads, with bytes that stand for a model."""
    Path("resolved").mkdir()
    Path("resolved/tickets.yaml").write_text(as_yaml(read_recipe(good_recipe)))
    gguf = Path("work/tickets/gguf/tickets-Q4_K_M.gguf")
    gguf.parent.mkdir(parents=True)
    gguf.write_bytes(b"GGUF")
    digest = "3c3bb2b4e51ef8ec2f1d56a0ce5bcc3f4c5f7c3ab1e0ee3b1ef84b0b6fbb7a7a"
    write_json(
        Path("reports/tickets/export.json"),
        {"judged": "Q4_K_M", "quants": {"Q4_K_M": {"file": gguf.name, "bytes": 4, "sha256": digest}}},
    )
    return gguf


@pytest.mark.usefixtures("exported")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "work/tickets/gguf/tickets-Q4_K_M.gguf: its checksum is not the one in reports/tickets/export.json"),
        (["--quant", "Q4_K"], "reports/tickets/export.json: holds no Q4_K (did you mean Q4_K_M? allowed: Q4_K_M)"),
    ],
)
def test_only_the_exported_bytes_are_served(tinsmith, words, told):
    code, _, err = tinsmith("serve", "tickets", "--port", "0", *words)
    assert code == 2
    assert err.startswith(f"error: {told}")


def test_a_model_that_is_not_there(tinsmith, exported):
    exported.unlink()
    code, _, err = tinsmith("serve", "tickets", "--port", "0")
    assert code == 2
    assert "there is no such file; `dvc checkout`" in err


@pytest.mark.usefixtures("exported")
def test_a_recipe_that_was_not_exported(tinsmith):
    Path("reports/tickets/export.json").unlink()
    code, _, err = tinsmith("serve", "tickets", "--port", "0")
    assert code == 2
    assert "run `dvc repro register@tickets` first" in err


@pytest.mark.usefixtures("exported")
def test_a_port_that_is_taken(tinsmith):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, _, err = tinsmith("serve", "tickets", "--port", port)
    assert code == 2
    assert err.startswith(f"error: port {port}: address already in use; choose another with --port")
