"""What may come back instead of an answer: each is a counted failure or one line, in bounded memory and time."""

import json
import socket
import threading
import tracemalloc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest

from pipelines import llama_client
from pipelines.errors import TinsmithError
from pipelines.llama_client import ServerEndedError, session
from pipelines.scoring.chat_request import Answer, ask

MOST_BYTES = 2**20


@contextmanager
def replying(parts: Iterable[bytes], stopped: threading.Event | None = None) -> Iterator[str]:
    """A server that answers its first request with `parts` as they stand, and any other not at all."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            connection, _ = listener.accept()
            with connection:
                request = b""
                # To its end: a connection that is closed before is reset.
                while not request.endswith(b'{"messages": []}'):
                    request += connection.recv(2**16)
                try:
                    for part in parts:
                        connection.sendall(part)
                except ConnectionError:
                    pass
                if stopped:
                    stopped.wait(20)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        if stopped:
            stopped.set()
        thread.join()


def reply(body: bytes, status: int = 200, length: int | None = None) -> list[bytes]:
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body) if length is None else length}\r\n\r\n"
    return [head.encode(), body]


def completion(content: object = "yes", **choice: object) -> bytes:
    return json.dumps({"choices": [{"message": {"content": content}, "finish_reason": "stop", **choice}]}).encode()


def asked(url: str, seconds: float = 20) -> Answer:
    with session() as requests_session:
        return ask(requests_session, url, {"messages": []}, seconds=seconds, most_bytes=MOST_BYTES)


def answer_to(parts: Iterable[bytes]) -> Answer:
    with replying(parts) as url:
        return asked(url)


def test_an_answer_has_the_log_probability_of_all_its_tokens():
    tokens = [{"token": "yes", "logprob": -0.25}, {"token": "", "logprob": -1.5}]
    answer = answer_to(reply(completion(logprobs={"content": tokens})))
    assert (answer.text, answer.finish_reason, answer.logprob) == ("yes", "stop", -1.75)


@pytest.mark.parametrize(
    "choice",
    [{}, {"logprobs": None}, {"logprobs": {"content": []}}, {"logprobs": {"content": [{"logprob": float("nan")}]}}],
)
def test_an_answer_without_log_probabilities_is_one_all_the_same(choice):
    answer = answer_to(reply(completion(**choice)))
    assert (answer.text, answer.logprob) == ("yes", None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>bad gateway</html>",
        b"null",
        b"[]",
        b'"text"',
        b'{"choices": []}',
        b'{"choices": [{"message": null, "finish_reason": "stop"}]}',
        completion()[:-5],
        completion(["a", "b"]),
        completion(7),
        completion(finish_reason=None),
        completion(logprobs={"content": [{"logprob": "x"}]}),
        b"[" * 200_000,
    ],
)
def test_what_is_no_completion_counts_as_no_answer(body):
    answer = answer_to(reply(body))
    assert (answer.text, answer.finish_reason, answer.answered) == ("", "unreadable", False)


def test_broken_utf_8_is_kept_with_replacement():
    body = completion("caf?").replace(b"?", b"\xe9\xff")
    assert answer_to(reply(body)).text == "caf\ufffd\ufffd"


def test_half_of_a_surrogate_pair_can_be_written_down():
    text = answer_to(reply(completion("\ud83d, \ud83d\ude00, \udc00"))).text
    assert text == "\ufffd, \N{GRINNING FACE}, \ufffd"
    assert text.encode()


def test_no_content_is_an_empty_answer():
    assert answer_to(reply(completion(None))).text == ""


def test_an_answer_of_ten_megabytes_is_let_go_of_in_bounded_memory():
    chunk = b"x" * 2**16
    head, _ = reply(b"", length=10 * 2**20)
    tracemalloc.start()
    try:
        answer = answer_to([head, *[chunk] * 160])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (answer.text, answer.finish_reason, answer.answered) == ("", "too_large", False)
    assert peak < 4 * MOST_BYTES


def test_a_server_that_answers_nobody_ended(monkeypatch):
    monkeypatch.setattr(llama_client, "CONNECT_SECONDS", 0.2)
    stopped = threading.Event()
    with replying([], stopped) as url, pytest.raises(ServerEndedError):
        # Nobody answers /health either, so it is the server that hangs.
        asked(url, seconds=0.2)


def test_a_reply_that_drips_is_given_up():
    stopped = threading.Event()

    def dripping():
        yield reply(b"", length=1_000)[0]
        while not stopped.wait(0.02):
            yield b" "

    with replying(dripping(), stopped) as url:
        answer = asked(url, seconds=0.2)
    assert (answer.finish_reason, answer.answered) == ("timeout", False)


@pytest.mark.parametrize("parts", [[], reply(b"{", length=100)])
def test_a_connection_that_breaks_off_is_a_server_that_ended(parts):
    with pytest.raises(ServerEndedError, match=r"^llama-server is gone, or answers nobody \([A-Za-z]+\); look"):
        answer_to(parts)


def test_a_server_that_is_not_there_ended():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ServerEndedError):
        asked(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize(
    "body", [b"", b"oops", b"[]", b'{"error": "text"}', b'{"error": {"message": "My secret is x"}}']
)
def test_a_refusal_is_one_line_without_the_servers_words(body):
    with pytest.raises(TinsmithError, match=r"^the server refused a prompt with HTTP 500 \(no error type\); .*log$"):
        answer_to(reply(body, status=500))


def test_a_prompt_that_does_not_fit_counts_as_no_answer():
    body = json.dumps({"error": {"type": "exceed_context_size_error", "message": "My secret is x"}}).encode()
    assert answer_to(reply(body, status=400)).finish_reason == "prompt_too_long"
