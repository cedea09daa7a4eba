import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipelines import llama_client
from pipelines.errors import TinsmithError
from pipelines.scoring import answers as answers_module
from pipelines.scoring.answers import Answer, Questions, answers_to, read_answers, write_answers

SHA = "ab" * 32


def questions(count: int, **changed) -> Questions:
    prompts = [[{"role": "user", "content": f"question {number}"}] for number in range(count)]
    return Questions(**{"gguf_sha256": SHA, "prompts": prompts, "max_tokens": 8, **changed})


class Asked(list):
    """Bodies of the requests that reached the server."""


@contextmanager
def chat_server(asked: Asked, faulty=lambda _: None) -> Iterator[str]:
    """An OpenAI-compatible server that repeats the question; `faulty` may give (status, error type) or block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(body)
            status, answer = (
                200,
                {"choices": [{"message": {"content": body["messages"][-1]["content"]}, "finish_reason": "stop"}]},
            )
            if fault := faulty(body):
                status, answer = fault[0], {"error": {"type": fault[1], "message": "question 3 is odd"}}
            if status:
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def only(number: int, fault):
    return lambda body: fault if body["messages"][-1]["content"] == f"question {number}" else None


def test_answers_come_in_the_order_of_the_questions_and_greedily(tmp_path):
    asked = Asked()
    given = answers_to(questions(20), tmp_path, partial(chat_server, asked), "tuned")
    assert [answer.text for answer in given] == [f"question {number}" for number in range(20)]
    assert {(body["temperature"], body["max_tokens"]) for body in asked} == {(0, 8)}
    assert len({body["seed"] for body in asked}) == 1


def test_nothing_is_asked_twice(tmp_path):
    first = answers_to(questions(5), tmp_path, partial(chat_server, Asked()), "tuned")

    def no_server():
        raise AssertionError("a server was started")

    assert answers_to(questions(5), tmp_path, no_server, "tuned") == first


@pytest.mark.parametrize(
    "changed", [{"gguf_sha256": "cd" * 32}, {"max_tokens": 9}, {"prompts": [[{"role": "user", "content": "x"}]]}]
)
def test_another_model_setting_or_prompt_is_asked_anew(tmp_path, changed):
    asked = Asked()
    answers_to(questions(1), tmp_path, partial(chat_server, asked), "tuned")
    answers_to(questions(1, **changed), tmp_path, partial(chat_server, asked), "tuned")
    assert len(asked) == 2


def test_a_run_killed_in_the_middle_of_a_line_goes_on_with_what_is_missing(tmp_path):
    whole = answers_to(questions(6), tmp_path, partial(chat_server, Asked()), "tuned")
    (kept,) = tmp_path.iterdir()
    lines = kept.read_bytes().splitlines(keepends=True)
    kept.write_bytes(b"".join(lines[:3]) + lines[3][:10])
    asked = Asked()
    again = answers_to(questions(6), tmp_path, partial(chat_server, asked), "tuned")
    assert [answer.text for answer in again] == [answer.text for answer in whole]
    assert len(asked) == 3
    assert answers_to(questions(6), tmp_path, partial(chat_server, asked), "tuned") == again


def test_a_server_that_dies_loses_no_answer_and_counts_none_as_wrong(tmp_path, monkeypatch):
    monkeypatch.setattr(llama_client, "PARALLEL", 1)
    with pytest.raises(TinsmithError, match="tuned: the server ended after 3 of 6 answers"):
        answers_to(questions(6), tmp_path, partial(chat_server, Asked(), only(3, (0, ""))), "tuned")
    asked = Asked()
    given = answers_to(questions(6), tmp_path, partial(chat_server, asked), "tuned")
    assert len(asked) == 3
    assert all(answer.answered for answer in given)


def test_a_prompt_longer_than_the_context_counts_as_wrong(tmp_path):
    fault = only(3, (400, "exceed_context_size_error"))
    given = answers_to(questions(5), tmp_path, partial(chat_server, Asked(), fault), "base")
    assert [answer.finish_reason for answer in given] == ["stop"] * 3 + ["prompt_too_long", "stop"]
    assert (given[3].text, given[3].answered) == ("", False)


def test_an_answer_that_does_not_come_in_time_counts_as_wrong(tmp_path, monkeypatch):
    monkeypatch.setattr(answers_module, "_REQUEST_SECONDS", 0.2)
    released = threading.Event()
    fault = only(1, None)

    def slow(body):
        if body["messages"][-1]["content"] == "question 1":
            released.wait(5)
        return fault(body)

    @contextmanager
    def server():
        with chat_server(Asked(), slow) as url:
            try:
                yield url
            finally:
                released.set()

    given = answers_to(questions(3), tmp_path, server, "base")
    assert [answer.finish_reason for answer in given] == ["stop", "timeout", "stop"]


def test_a_refusal_is_told_without_the_prompts_text(tmp_path):
    with pytest.raises(TinsmithError, match=r"HTTP 500 \(server_error\)") as failure:
        answers_to(questions(5), tmp_path, partial(chat_server, Asked(), only(3, (500, "server_error"))), "base")
    assert "question" not in str(failure.value)


def test_a_proxy_in_the_environment_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert len(answers_to(questions(2), tmp_path, partial(chat_server, Asked()), "tuned")) == 2


def test_written_answers_are_read_back_for_the_same_rows_only(tmp_path):
    path = tmp_path / "base.jsonl"
    given = [Answer("line\u2028separator \n", "stop", 0.5), Answer("", "timeout", 600.0)]
    write_answers(path, ["a.csv:2", "a.csv:3"], given)
    assert read_answers(path, ["a.csv:2", "a.csv:3"]) == given
    with pytest.raises(TinsmithError, match="run the baseline stage again"):
        read_answers(path, ["a.csv:2", "a.csv:4"])


def test_tools_are_sent_with_the_prompts_that_have_some_and_name_the_answers_too():
    tools = [{"type": "function", "function": {"name": "weather"}}]
    some = questions(2, tools=[tools, None])
    assert some.body(0)["tools"] == tools
    assert "tools" not in some.body(1)
    assert some.digest() != questions(2).digest() == questions(2, tools=[None, None]).digest()
