"""Tools on their way to llama-server: it reads the prompt that was trained, and gives the text that was written."""

import json
import shutil
from contextlib import nullcontext
from pathlib import Path

import pytest
import requests
import trl
from transformers import AutoTokenizer

from pipelines.data.conversations import openai_messages
from pipelines.data.tokenizing import chat_text
from pipelines.gguf.convert import make_gguf
from pipelines.gguf.server import serving
from pipelines.gguf.toolchain import find_toolchain
from pipelines.model.base import base_model, load_tokenizer
from pipelines.recipe import Model
from pipelines.scoring.answers import Questions, answers_to

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

TEMPLATE = Path(trl.__file__).parent / "chat_templates" / "qwen2_5.jinja"
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": 'What it\'s like <outside> & "now", in °C',
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
        },
    }
]


def chat(arguments, result="rain"):
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": json.dumps(arguments)}}
    return openai_messages(
        [
            {"role": "system", "content": "Help."},
            {"role": "user", "content": "Is it raining?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": result},
        ]
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The embedded base with a chat template that takes tools."""
    folder = tmp_path_factory.mktemp("tools") / "base"
    shutil.copytree(base_model(Model(base="embedded:smollm2-135m-instruct")).folder, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = TEMPLATE.read_text()
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def url(folder, tmp_path_factory):
    work = tmp_path_factory.mktemp("served")
    gguf, toolchain = work / "tools.gguf", find_toolchain()
    make_gguf(folder, gguf, "Q8_0", toolchain)
    with serving(gguf, toolchain, parallel=1, context_per_slot=1024, log=work / "server.log") as address:
        yield address


@pytest.mark.parametrize(
    "prompt",
    [
        chat({"city": "Oslo", "days": 3}),
        chat({}),
        chat({"city": 'Tromsø\'s "<b>" & \n', "at": {"x": [1, 2.5, None, True]}}, '{"sky": "grey"}\n'),
        chat({"city": "Oslo"})[:2],
        chat({"city": "Oslo"})[1:2],
    ],
)
def test_a_prompt_with_tools_has_the_same_bytes_here_and_there_pain_13(prompt, folder, url):
    ours = chat_text(load_tokenizer(folder), prompt, TOOLS, asking=True)
    answer = requests.post(
        f"{url}/apply-template", json={"messages": prompt, "tools": TOOLS}, proxies={"http": ""}, timeout=60
    )
    assert answer.json()["prompt"] == ours


def test_an_answer_comes_as_the_model_wrote_it_calls_too(url, tmp_path):
    # Behind a prompt that holds the same question and call four times, any model goes on in the same form.
    _, asked, called, _ = chat({"city": "Oslo"})
    questions = Questions("sha", [[*4 * [asked, called], asked]], 60, [TOOLS])
    (answer,) = answers_to(questions, tmp_path, lambda: nullcontext(url), "base")
    assert answer.text == '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>'
    assert answer.finish_reason == "stop"
