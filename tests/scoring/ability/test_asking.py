import re
import threading
from contextlib import contextmanager

import pytest

from pipelines import llama_client
from pipelines.errors import TinsmithError
from pipelines.llama_client import PARALLEL
from pipelines.scoring.ability.asking import Answered, Asked, answers, rows_per_second, scores, tokenised
from pipelines.scoring.ability.questions import Question
from pipelines.scoring.ability.tasks import TASKS
from tests.scoring.stub_server import replying

PIECES = ["<s>", "Q:", " A", " Answer", ":", " ", "ice", " ice", " tea", "?", ": tea"]


def encode(text):
    """The longest piece first, behind a token for the text's beginning."""
    ids, rest = [0], text
    while rest:
        piece = max((piece for piece in PIECES if rest.startswith(piece)), key=len)
        ids.append(PIECES.index(piece))
        rest = rest[len(piece) :]
    return ids


def chat(prompt):
    return f"Q:{prompt}? Answer:"


def words(*ids):
    return [PIECES[index] for index in ids]


def test_a_choice_is_what_the_whole_has_beyond_its_prompt():
    asked = tokenised(TASKS["mmlu"], Question("f:1", "Q:ice? Answer:", (" ice", " tea ice"), {}), encode, chat)
    assert words(*asked.prompt) == ["<s>", "Q:", "ice", "?", " Answer", ":"]
    # " tea" melts into the prompt's colon, so the choice is what stands behind as many tokens as the prompt has.
    assert [words(*choice) for choice in asked.choices] == [[" ice"], [" ice"]]


def test_a_choice_that_melts_into_its_prompt_is_told():
    with pytest.raises(TinsmithError, match=r"mmlu: f:1: a choice adds no token to its prompt"):
        tokenised(TASKS["mmlu"], Question("f:1", "Q:ice? Answer:", (" tea",), {}), encode, chat)


def test_a_space_at_the_prompts_end_goes_to_the_choice():
    asked = tokenised(TASKS["mmlu"], Question("f:1", "Q: ", ("ice",), {}), encode, chat)
    assert words(*asked.prompt) == ["<s>", "Q:"]
    assert words(*asked.choices[0]) == [" ice"]


def test_a_generated_text_is_asked_as_it_stands_or_as_a_chat():
    question = Question("f:1", "ice", (), {})
    asked = tokenised(TASKS["gsm8k"], question, encode, chat)
    assert words(*asked.prompt) == ["<s>", "ice"]
    assert (asked.max_tokens, asked.stop) == (256, ("Question:", "</s>", "<|im_end|>"))
    assert asked.tokens == 2 + 256
    assert words(*tokenised(TASKS["ifeval"], question, encode, chat).prompt)[:4] == ["<s>", "Q:", "ice", "?"]


CHOICE, TEXT = Asked((1, 2), ((3,), (4,)), 0, ()), Asked((1,), (), 5, ())


def answered(kept_in, server, *asked, model="model"):
    return answers({"task": asked}, model, kept_in, server, "label")["task"]


@contextmanager
def completing(asked, late=lambda _: False):
    """llama-server's /completion of a model to which small tokens are likelier; where `late`, no answer comes."""
    over = threading.Event()

    def reply(_, body):
        asked.append(body)
        if late(body):
            over.wait(20)
        steps = [
            {"id": int(token), "logprob": -float(token), "top_logprobs": []}
            for token in re.findall(r"<\[(\d+)\]>", body.get("grammar", ""))
        ]
        return {"content": "text", "completion_probabilities": steps}

    with replying(reply) as url:
        try:
            yield url
        finally:
            over.set()


def unneeded():
    raise AssertionError("nothing is left to ask")


def test_kept_answers_are_not_asked_again(tmp_path):
    asked = []
    found = answered(tmp_path, lambda: completing(asked), CHOICE, TEXT)
    assert [one.answer for one in found] == [[-3.0, -4.0], "text"]
    assert len(asked) == 3
    assert answered(tmp_path, unneeded, CHOICE, TEXT) == found
    # As another task's, or beside others.
    assert answers({"a": [TEXT], "b": [CHOICE]}, "model", tmp_path, unneeded, "") == {"a": found[1:], "b": found[:1]}
    # Any other question is another one, and so is any other model's answer.
    for changed in (Asked((1, 2), ((3,), (5,)), 0, ()), Asked((1,), (), 6, ()), Asked((1,), (), 5, ("a",))):
        with pytest.raises(AssertionError, match="nothing is left"):
            answered(tmp_path, unneeded, changed)
    with pytest.raises(AssertionError, match="nothing is left"):
        answered(tmp_path, unneeded, CHOICE, model="another")


def test_rows_per_second_are_those_of_questions_side_by_side():
    assert rows_per_second([Answered([-1.5, -2.0], 0.5), Answered("text", 1.5)]) == PARALLEL * 2 / 2.0


@pytest.mark.parametrize("late", [CHOICE, TEXT])
def test_what_came_too_late_is_counted_but_not_kept(tmp_path, monkeypatch, late):
    """The base's answers are kept for all recipes and all runs, and the machine may only have been busy."""
    monkeypatch.setattr(llama_client, "_REQUEST_SECONDS", 0.2)
    by_prompt = {tuple(late.prompt)}
    found = answered(tmp_path, lambda: completing([], lambda body: tuple(body["prompt"]) in by_prompt), CHOICE, TEXT)
    assert [one.in_time for one in found] == [one != late for one in (CHOICE, TEXT)]
    assert [one.answer for one in found if not one.in_time] == [""]
    monkeypatch.undo()
    asked = []
    again = answered(tmp_path, lambda: completing(asked), CHOICE, TEXT)
    assert all(one.in_time for one in again)
    assert {tuple(body["prompt"]) for body in asked} == by_prompt


@pytest.mark.parametrize(
    ("name", "truth"),
    [
        ("mmlu", {"gold": 0}),
        ("truthfulqa", {"best": 0, "true": 1}),
        ("bbq", {"right": [0], "biased": [1], "context": "disambiguated"}),
    ],
)
def test_a_choice_that_came_too_late_is_wrong(name, truth):
    question = Question("f:1", "Q", (" a", " b", " c"), truth)
    right = scores(TASKS[name], question, Answered([-1.0, -9.0, -9.0], 0.1))
    late = scores(TASKS[name], question, Answered("", 0.1, in_time=False))
    assert late.keys() == right.keys()
    assert set(late.values()) == {0.0}
    assert max(right.values()) > 0.99


def test_a_text_that_came_too_late_is_scored_as_none():
    question = Question("f:1", "Q", (), {"label": "safe"})
    assert scores(TASKS["xstest"], question, Answered("", 0.1, in_time=False)) == {"safe_refused": 1.0}
