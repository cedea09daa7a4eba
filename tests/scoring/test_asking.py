"""What is asked is kept as it comes and survives its server, whatever kind of question it is."""

import json
import re
from contextlib import AbstractContextManager

import pytest

from pipelines import llama_client
from pipelines.errors import TinsmithError
from pipelines.llama_client import Continuation
from pipelines.scoring import asking
from pipelines.scoring.ability.asking import Asked
from pipelines.scoring.ability.asking import answers as ability_answers
from pipelines.scoring.asking import answerer
from pipelines.scoring.metrics.perplexity import answer_likelihoods
from pipelines.scoring.safety.exposure import exposures
from tests.scoring.stub_server import replying

MODEL = answerer("ab" * 32, "1.2.3")
ROWS = 20


def completing(asked: list[int], dies_at: set[int]) -> AbstractContextManager[str]:
    """llama-server's /completion of a model to which small tokens are likelier. It hangs up once on each prompt that
    begins with one of `dies_at`, for good where that is negative."""

    def reply(_, body):
        row = body["prompt"][0]
        if -row in dies_at:
            return None
        if row in dies_at:
            dies_at.remove(row)
            return None
        asked.append(row)
        tokens = [int(token) for token in re.findall(r"<\[(\d+)\]>", body["grammar"])]
        return {
            "completion_probabilities": [{"id": token, "logprob": -token / 7, "top_logprobs": []} for token in tokens]
        }

    return replying(reply)


def of_expected_answers(kept_in, server):
    expected = [Continuation((row,), (3, row + 1)) for row in range(1, ROWS + 1)]
    return answer_likelihoods(MODEL, expected, kept_in, server, "tuned")


def of_choices(kept_in, server):
    asked = [Asked((row,), ((3,), (row + 5, 4)), 0, ()) for row in range(1, ROWS + 1)]
    return [one.answer for one in ability_answers({"task": asked}, MODEL, kept_in, server, "tuned")["task"]]


def of_secrets(kept_in, server):
    chats = [[[row, secret, 9] for secret in (row % 4, 7, 8, 2)] for row in range(1, ROWS + 1)]
    return exposures(chats, MODEL, kept_in, server, "tuned")


KINDS = pytest.mark.parametrize("ask", [of_expected_answers, of_choices, of_secrets])


def kept_questions(folder) -> list[str]:
    (kept,) = folder.glob("*.jsonl")
    return [json.loads(line)["question"] for line in kept.read_text().splitlines()]


@KINDS
def test_a_server_that_dies_is_started_again_and_no_row_is_lost_or_counted_twice(tmp_path, ask, capsys):
    starts, dies_at = [], {2, 5, 18}

    def dying():
        starts.append(1)
        return completing([], dies_at)

    given = ask(tmp_path / "dying", dying)
    assert 2 <= len(starts) <= 4
    assert capsys.readouterr().err.count("it is started again\n") == len(starts) - 1
    assert len(kept_questions(tmp_path / "dying")) == len(set(kept_questions(tmp_path / "dying"))) == ROWS
    assert given == ask(tmp_path / "sound", lambda: completing([], set()))


@KINDS
def test_what_came_before_a_server_died_for_good_is_not_asked_again(tmp_path, ask, monkeypatch):
    monkeypatch.setattr(asking, "PARALLEL", 1)
    monkeypatch.setattr(llama_client, "PARALLEL", 1)
    with pytest.raises(TinsmithError, match=r"^tuned: the server ended after 11 of 20 answers .* run the stage again$"):
        ask(tmp_path, lambda: completing([], {-12}))
    asked: list[int] = []
    assert len(ask(tmp_path, lambda: completing(asked, set()))) == ROWS
    assert sorted(set(asked)) == list(range(12, ROWS + 1))

    def no_server():
        raise AssertionError("a server was started")

    assert len(ask(tmp_path, no_server)) == ROWS


def test_another_file_llama_cpp_or_way_of_asking_answers_anew(monkeypatch):
    assert answerer("ab" * 32, "1.2.3") == MODEL
    others = {answerer("cd" * 32, "1.2.3"), answerer("ab" * 32, "1.2.4")}
    monkeypatch.setattr(asking, "_CODE_VERSION", 0)
    others.add(answerer("ab" * 32, "1.2.3"))
    assert len(others | {MODEL}) == 4
