import socket

import pytest

from pipelines import llama_client
from pipelines.errors import TinsmithError
from pipelines.llama_client import PARALLEL
from pipelines.scoring.ability.asking import Answered, Asked, answers, rows_per_second, tokenised
from pipelines.scoring.ability.questions import Question
from pipelines.scoring.ability.tasks import TASKS

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


ASKED = [Asked((1, 2), ((3,), (4,)), 0, ()), Asked((1,), (), 5, ())]


def unneeded():
    raise AssertionError("nothing is left to ask")


def test_kept_answers_are_not_asked_again(tmp_path):
    kept = tmp_path / "task.jsonl"
    lines = [
        f'{{"question": "{ASKED[0].digest()}", "answer": [-1.5, -2.0], "seconds": 0.5, "in_time": true}}\n',
        f'{{"question": "{ASKED[1].digest()}", "answer": "text", "seconds": 1.5, "in_time": true}}\n',
    ]
    kept.write_text("".join(lines))
    found = answers(ASKED, kept, unneeded, "label")
    assert found == [Answered([-1.5, -2.0], 0.5), Answered("text", 1.5)]
    assert rows_per_second(found) == PARALLEL * 2 / 2.0
    # Any other question is another one, and a line that a kill cut short is asked again.
    for changed in (Asked((1, 2), ((3,), (5,)), 0, ()), Asked((1,), (), 6, ()), Asked((1,), (), 5, ("a",))):
        with pytest.raises(AssertionError, match="nothing is left"):
            answers([changed], kept, unneeded, "label")
    kept.write_text(lines[0] + lines[1][:-9])
    with pytest.raises(AssertionError, match="nothing is left"):
        answers(ASKED, kept, unneeded, "label")
    assert kept.read_text() == lines[0]


def test_a_server_that_is_gone_is_one_line_and_what_was_answered_stays(tmp_path):
    with pytest.raises(TinsmithError, match=r"gave no answer to /completion \(ConnectionError\)"):
        answers(ASKED, tmp_path / "task.jsonl", lambda: "http://127.0.0.1:9", "label")


def test_what_came_too_late_is_counted_but_not_kept(tmp_path, monkeypatch):
    """The base's answers are kept for all recipes and all runs, and the machine may only have been busy."""
    monkeypatch.setattr(llama_client, "_REQUEST_SECONDS", 0.2)
    kept = tmp_path / "task.jsonl"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        (found,) = answers(ASKED[1:], kept, lambda: url, "label")
    assert (found.answer, found.in_time) == ("", False)
    with pytest.raises(AssertionError, match="nothing is left"):
        answers(ASKED[1:], kept, unneeded, "label")
