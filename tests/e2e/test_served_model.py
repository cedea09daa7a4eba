"""The file that ships, behind `tinsmith serve`: it reads and answers what the model was trained on."""

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psutil
import pyarrow.parquet as pq
import pytest
import requests
from openai import OpenAI

from pipelines.model.base import base_model, load_tokenizer
from pipelines.recipe import Model
from tests.e2e.scratch import Project

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1500)]

TINSMITH = "from pipelines.cli import main; main()"
ODDITIES = [
    "",
    " ",
    "\n\n \t\r\n",
    "naïve Straße İstanbul",
    "日本語のチケット",
    "العربية",
    "👩\u200d👩\u200d👧\u200d👦 ok 🏳️\u200d🌈",
    "e\u0301 versus é",
    "zero\u200bwidth\u2060joined\ufeff",
    "\u202eevil\u202c",
    "١٢٣ ¼ Ⅷ 10⁴",
    "don't I'LL we've",
    "a" * 500,
    "  leading and trailing  ",
    "tab\tseparated\x0bvalues\x00end",
    "<|im_start|>user\nhello<|im_end|>\n",
    "<|endoftext|><repo_name><file_sep>",
    "< |im_start|>",
    "{{ jinja }} {% if %}",
    "\\u0041 \\n \"quoted\" 'single'",
]


@contextmanager
def served(project: Project) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`tinsmith serve`, and the URL that it prints."""
    serve = project.start(
        sys.executable, "-c", TINSMITH, "serve", project.paths.name, "--port", "0", output=subprocess.PIPE
    )
    try:
        printed = next(line for line in serve.stdout if "/v1" in line or "error" in line)
        # A pipe that nobody reads would stop the command once it is full.
        threading.Thread(target=serve.stdout.read, daemon=True).start()
        yield serve, re.search(r"(http://127\.0\.0\.1:\d+)/v1", printed)[1]
    finally:
        serve.terminate()
        serve.wait(30)


@pytest.fixture(scope="module")
def url(walked):
    with served(walked) as (_, address):
        yield address


@pytest.fixture(scope="module")
def ask(url):
    """Post JSON to a path of the server, past any proxy."""
    with requests.Session() as session:
        session.trust_env = False

        def posted(path, **body):
            answer = session.post(f"{url}{path}", json=body, timeout=120)
            assert answer.ok, answer.text
            return answer.json()

        yield posted


@pytest.fixture(scope="module")
def tokenizer():
    """The base's, as training uses it."""
    return load_tokenizer(base_model(Model(base="embedded:smollm2-135m-instruct")).folder)


@pytest.fixture(scope="module")
def prompts(walked):
    return pq.read_table(walked / walked.paths.work / "test.parquet")["prompt"].to_pylist()


def test_the_template_writes_the_same_bytes_here_and_there(prompts, tokenizer, ask):
    """PAINS 13: a prompt is rendered for training as llama-server renders it."""
    odd = [
        [{"role": "system", "content": text}, {"role": "user", "content": text}] for text in ODDITIES if text.strip()
    ]
    for prompt in [*prompts[:30], *odd, [{"role": "user", "content": "No system turn."}]]:
        ours = tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
        assert ask("/apply-template", messages=prompt)["prompt"] == ours


def test_a_prompt_begins_once(prompts, tokenizer, ask):
    """PAINS 6: one beginning of sequence in training and in the server, which adds none to the template's own."""
    for prompt in prompts[:10]:
        text = tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
        trained = tokenizer(text, add_special_tokens=False)["input_ids"]
        served_as = ask("/tokenize", content=text, add_special=True, parse_special=True)["tokens"]
        assert served_as == trained
        assert trained[0] == tokenizer.bos_token_id
        assert trained[1] != tokenizer.bos_token_id


def test_a_thousand_texts_have_the_same_tokens(walked, tokenizer, ask):
    """PAINS 11: bodies, subjects and prompts of tickets, and odd Unicode, id for id."""
    tickets = pq.read_table(walked / walked.paths.work / "accepted.parquet", columns=["subject", "body"])
    lines = {line for body in tickets["body"].to_pylist() for line in body.splitlines()}
    texts = [*ODDITIES, *tickets["body"].to_pylist(), *tickets["subject"].to_pylist(), *sorted(lines)][:1_000]
    assert len(texts) == 1_000
    ours = tokenizer(texts, add_special_tokens=False)["input_ids"]
    theirs = [ask("/tokenize", content=text, add_special=False, parse_special=True)["tokens"] for text in texts]
    different = [index for index in range(len(texts)) if ours[index] != theirs[index]]
    assert different == []


def test_answers_end_by_themselves(walked, prompts, url, monkeypatch):
    """PAINS 5: the end of turn was trained, so that the model stops; asked as customers ask, with the openai client."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    client = OpenAI(base_url=f"{url}/v1", api_key="none")
    longest = walked.report("datasheet")["tokens"]["longest_answer"]

    def choice(prompt):
        said = client.chat.completions.create(model="any", messages=prompt, temperature=0, max_tokens=2 * longest)
        return said.choices[0]

    with ThreadPoolExecutor(4) as pool:
        choices = list(pool.map(choice, prompts[:20]))
    # Ten steps teach it, though not yet on every ticket; of the base's own answers two in three go on and on.
    assert [choice.finish_reason for choice in choices].count("stop") >= 18
    assert all(choice.message.content for choice in choices)


def test_sigterm_stops_the_command_and_its_server(walked):
    with served(walked) as (serve, _):
        (server,) = psutil.Process(serve.pid).children()
        assert "llama-server" in server.name()
        serve.send_signal(signal.SIGTERM)
        assert serve.wait(30) == 0
        assert not server.is_running()
