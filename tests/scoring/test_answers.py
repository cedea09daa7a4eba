import json
import threading
import tracemalloc
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import pytest

from pipelines import llama_client
from pipelines.errors import TinsmithError
from pipelines.scoring import answers as answers_module
from pipelines.scoring.answers import (
    Answer,
    Questions,
    answers_side_by_side,
    answers_to,
    read_answers,
    write_answers,
)
from tests.scoring.stub_server import replying

MODEL = "ab" * 32


def questions(count: int, **changed) -> Questions:
    prompts = [[{"role": "user", "content": f"question {number}"}] for number in range(count)]
    return Questions(**{"model": MODEL, "prompts": prompts, "max_tokens": 8, **changed})


class Asked(list):
    """Bodies of the requests that reached the server."""


def chat_server(asked: Asked, faulty=lambda _: None) -> AbstractContextManager[str]:
    """An OpenAI-compatible server that repeats the question; `faulty` may give (status, body as bytes), status 0 to
    hang up, or block."""

    def reply(_, body):
        asked.append(body)
        status, said = faulty(body) or (200, completion(body["messages"][-1]["content"]))
        return (status, said) if status else None

    return replying(reply)


def completion(text: str | None, **choice) -> bytes:
    choice = {"message": {"content": text}, "finish_reason": "stop", **choice}
    return json.dumps({"choices": [choice]}).encode()


def refusal(kind: str) -> bytes:
    return json.dumps({"error": {"type": kind, "message": "question 3 is odd"}}).encode()


def only(number: int, fault):
    return lambda body: fault if body["messages"][-1]["content"] == f"question {number}" else None


def test_answers_come_in_the_order_of_the_questions_and_greedily(tmp_path):
    asked = Asked()
    given = answers_to(questions(20), tmp_path, partial(chat_server, asked), "tuned")
    assert [answer.text for answer in given] == [f"question {number}" for number in range(20)]
    assert {(body["temperature"], body["max_tokens"]) for body in asked} == {(0, 8)}
    assert len({body["seed"] for body in asked}) == 1
    assert all(body["logprobs"] for body in asked)


def test_nothing_is_asked_twice(tmp_path):
    first = answers_to(questions(5), tmp_path, partial(chat_server, Asked()), "tuned")

    def no_server():
        raise AssertionError("a server was started")

    assert answers_to(questions(5), tmp_path, no_server, "tuned") == first


@pytest.mark.parametrize(
    "changed", [{"model": "cd" * 32}, {"max_tokens": 9}, {"prompts": [[{"role": "user", "content": "x"}]]}]
)
def test_another_model_setting_or_prompt_is_asked_anew(tmp_path, changed):
    asked = Asked()
    answers_to(questions(1), tmp_path, partial(chat_server, asked), "tuned")
    answers_to(questions(1, **changed), tmp_path, partial(chat_server, asked), "tuned")
    assert len(asked) == 2


def test_a_run_killed_in_the_middle_of_a_line_goes_on_with_what_is_missing(tmp_path):
    whole = answers_to(questions(6), tmp_path, partial(chat_server, Asked()), "tuned")
    (kept,) = tmp_path.glob("*.jsonl")
    lines = kept.read_bytes().splitlines(keepends=True)
    kept.write_bytes(b"".join(lines[:3]) + lines[3][:10])
    asked = Asked()
    again = answers_to(questions(6), tmp_path, partial(chat_server, asked), "tuned")
    assert [answer.text for answer in again] == [answer.text for answer in whole]
    assert len(asked) == 3
    assert answers_to(questions(6), tmp_path, partial(chat_server, asked), "tuned") == again


def kept_rows(folder) -> list[str]:
    """What the only file of kept answers holds, in the order in which they came."""
    (kept,) = folder.glob("*.jsonl")
    return [json.loads(line)["said"]["text"] for line in kept.read_text().splitlines()]


def all_rows(count: int) -> list[str]:
    return sorted(f"question {number}" for number in range(count))


def test_a_server_that_dies_is_started_again_and_no_row_is_lost_or_counted_twice(tmp_path):
    starts, dies_at = [], {1, 4, 17}

    def fault(body):
        row = int(body["messages"][-1]["content"].split()[1])
        if row in dies_at:
            dies_at.remove(row)
            return 0, b""
        return None

    def dying():
        starts.append(1)
        return chat_server(Asked(), fault)

    given = answers_to(questions(20), tmp_path, dying, "tuned")
    assert [answer.text for answer in given] == [f"question {number}" for number in range(20)]
    assert sorted(kept_rows(tmp_path)) == all_rows(20)
    assert 2 <= len(starts) <= 4


def test_a_server_that_goes_on_dying_is_told_in_one_line_and_keeps_what_was_answered(tmp_path, capsys):
    starts = []

    def dying():
        starts.append(1)
        return chat_server(Asked(), only(3, (0, b"")))

    with pytest.raises(
        TinsmithError, match=r"tuned: the server ended after \d of 6 answers .* the last 3 times"
    ) as told:
        answers_to(questions(6), tmp_path, dying, "tuned")
    assert "\n" not in str(told.value)
    assert 3 <= len(starts) <= 8
    assert capsys.readouterr().err.count("it is started again\n") == len(starts) - 1
    kept = kept_rows(tmp_path)
    assert f"after {len(kept)} of 6" in str(told.value)
    asked = Asked()
    given = answers_to(questions(6), tmp_path, partial(chat_server, asked), "tuned")
    assert len(asked) == 6 - len(kept)
    assert [answer.text for answer in given] == [f"question {number}" for number in range(6)]
    assert sorted(kept_rows(tmp_path)) == all_rows(6)


def test_a_prompt_longer_than_the_context_counts_as_wrong(tmp_path):
    fault = only(3, (400, refusal("exceed_context_size_error")))
    given = answers_to(questions(5), tmp_path, partial(chat_server, Asked(), fault), "base")
    assert [answer.finish_reason for answer in given] == ["stop"] * 3 + ["prompt_too_long", "stop"]
    assert (given[3].text, given[3].answered) == ("", False)


def test_an_answer_that_does_not_come_in_time_counts_as_wrong_and_is_asked_again_the_next_time(tmp_path, monkeypatch):
    for bound, seconds in (("_SECONDS_TO_BEGIN", 0.2), ("_SECONDS_PER_TOKEN", 0), ("_SECONDS_PER_CHARACTER", 0)):
        monkeypatch.setattr(answers_module, bound, seconds)
    released = threading.Event()

    def slow(body):
        if body["messages"][-1]["content"] == "question 1":
            released.wait(5)

    @contextmanager
    def server():
        with chat_server(Asked(), slow) as url:
            try:
                yield url
            finally:
                released.set()

    given = answers_to(questions(3), tmp_path, server, "base")
    assert [answer.finish_reason for answer in given] == ["stop", "timeout", "stop"]
    assert not given[1].answered
    monkeypatch.undo()
    asked = Asked()
    again = answers_to(questions(3), tmp_path, partial(chat_server, asked), "base")
    assert [answer.finish_reason for answer in again] == ["stop"] * 3
    assert [body["messages"][-1]["content"] for body in asked] == ["question 1"]


def test_a_longer_prompt_or_answer_is_waited_for_longer():
    short, more = questions(1), questions(1, max_tokens=500)
    long = questions(1, prompts=[[{"role": "user", "content": "word " * 10_000}]])
    assert 60 < short.seconds(0) < 200
    assert more.seconds(0) > short.seconds(0) + 1_000
    assert long.seconds(0) > short.seconds(0) + 1_000


def test_rows_that_failed_are_kept_as_such_and_not_asked_again(tmp_path):
    fault = only(2, (200, b"<html>busy</html>"))
    given = answers_to(questions(4), tmp_path, partial(chat_server, Asked(), fault), "base")
    assert [answer.finish_reason for answer in given] == ["stop", "stop", "unreadable", "stop"]
    asked = Asked()
    assert answers_to(questions(4), tmp_path, partial(chat_server, asked), "base") == given
    assert not asked


def test_sets_of_questions_are_asked_row_by_row(tmp_path, monkeypatch):
    monkeypatch.setattr(llama_client, "PARALLEL", 1)
    asked = Asked()
    free, held = questions(3), questions(3, grammar='root ::= "a"')
    both = {"free": free, "held": held}
    given = answers_side_by_side(both, tmp_path, partial(chat_server, asked))
    assert list(given) == ["free", "held"]
    assert [(body["messages"][-1]["content"], body.get("grammar")) for body in asked] == [
        (f"question {number}", grammar) for number in range(3) for grammar in (None, 'root ::= "a"')
    ]
    # Each set is kept by itself, and what is missing alone is asked.
    other = tmp_path / "other"
    answers_to(held, other, partial(chat_server, asked), "held")
    asked.clear()
    assert answers_side_by_side(both, other, partial(chat_server, asked)).keys() == both.keys()
    assert [body.get("grammar") for body in asked] == [None] * 3


def test_one_prompt_in_two_rows_is_asked_once(tmp_path):
    asked = Asked()
    twice = questions(2, prompts=[[{"role": "user", "content": "x"}]] * 2)
    first, second = answers_to(twice, tmp_path, partial(chat_server, asked), "tuned")
    assert first == second
    assert len(asked) == 1


def test_a_grammar_names_the_answers_too():
    assert questions(2).key(0) != questions(2, grammar="root ::= [a]").key(0)
    assert "grammar" not in questions(2).body(0)


def test_memory_does_not_grow_with_the_rows_but_for_their_answers_pain_17(tmp_path):
    """PAINS 17: what a request and its reply take is let go of at once."""
    long = "word " * 1_000
    likely = {"content": [{"token": "x", "logprob": -1.0, "bytes": [120] * 100}] * 20}

    def peak(rows: int) -> int:
        asked = Questions(f"{rows}", [[{"role": "user", "content": f"{long}{row}"}] for row in range(rows)], 8)

        class Forgets(Asked):
            def append(self, _):
                pass

        server = partial(chat_server, Forgets(), lambda _: (200, completion("short", logprobs=likely)))
        tracemalloc.start()
        try:
            assert len(answers_to(asked, tmp_path, server, "tuned")) == rows
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert (peak(250) - peak(50)) / 200 < 2_000


def test_a_refusal_is_told_without_the_prompts_text(tmp_path):
    with pytest.raises(TinsmithError, match=r"HTTP 500 \(server_error\)") as failure:
        answers_to(
            questions(5), tmp_path, partial(chat_server, Asked(), only(3, (500, refusal("server_error")))), "base"
        )
    assert "question" not in str(failure.value)


def test_a_proxy_in_the_environment_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert len(answers_to(questions(2), tmp_path, partial(chat_server, Asked()), "tuned")) == 2


def test_written_answers_are_read_back_for_the_same_rows_only(tmp_path):
    path = tmp_path / "base.jsonl"
    given = [Answer("line\u2028separator \n", "stop", 0.5, -1.25), Answer("", "timeout", 600.0)]
    write_answers(path, ["a.csv:2", "a.csv:3"], given)
    assert read_answers(path, ["a.csv:2", "a.csv:3"]) == given
    with pytest.raises(TinsmithError, match="run the baseline stage again"):
        read_answers(path, ["a.csv:2", "a.csv:4"])


def test_tools_are_sent_with_the_prompts_that_have_some_and_name_the_answers_too():
    tools = [{"type": "function", "function": {"name": "weather"}}]
    some = questions(2, tools=[tools, None])
    assert some.body(0)["tools"] == tools
    assert "tools" not in some.body(1)
    assert some.key(0) != questions(2).key(0) == questions(2, tools=[None, None]).key(0)
    assert some.key(1) == questions(2).key(1)
