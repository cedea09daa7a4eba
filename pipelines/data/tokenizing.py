"""Chats as token ids, by the tokenizer's own chat template, of which only what the assistant says is trained."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from jinja2 import TemplateError

from pipelines.data.conversations import Message
from pipelines.errors import TinsmithError

LossOn = Literal["assistant", "completion"]
Tools = list[dict[str, Any]] | None


@dataclass(frozen=True)
class TokenizedExample:
    """Token ids of a whole chat; `trained` is 1 for answers and their ends of turn, 0 for the rest."""

    input_ids: list[int]
    trained: list[int]

    @property
    def last_answer(self) -> list[int]:
        """The ids of the last answer and its end of turn."""
        length = len(self.trained)
        start = next((place for place in range(length, 0, -1) if not self.trained[place - 1]), 0)
        return self.input_ids[start:]


def stored_chat(row: Mapping[str, Any]) -> tuple[list[Message], Tools]:
    """The messages and tools of a row of a split.

    `prompt` and `answer` tell all of a chat that is nothing but roles and texts; any other stands as JSON in `chat`.
    """
    if row.get("chat"):
        stored = json.loads(row["chat"])
        return stored["messages"], stored["tools"]
    return [*row["prompt"], {"role": "assistant", "content": row["answer"]}], None


def tokenize_row(tokenizer: Any, row: Mapping[str, Any], loss_on: LossOn = "assistant") -> TokenizedExample:
    """Token ids of a row of a split; raises TinsmithError as tokenize_chat does."""
    messages, tools = stored_chat(row)
    return tokenize_chat(tokenizer, messages, tools, loss_on)


def tokenize_chat(
    tokenizer: Any, messages: Sequence[Message], tools: Tools = None, loss_on: LossOn = "assistant"
) -> TokenizedExample:
    """Token ids of a chat; its assistant turns, each with its end, or the last of them alone, are trained.

    `messages` are in the OpenAI form (see openai_messages), `tools` the functions that may be called. The chat is cut
    behind the end of its last assistant turn.

    Raises:
        TinsmithError: the base's chat template refuses the chat, leaves out a part of it, doubles the reasoning or the
            beginning of sequence, does not end an answer's turn, or renders the prompt otherwise once the answer is
            there; an answer is empty or holds the end-of-turn token; no turn is the assistant's.
    """
    text = chat_text(tokenizer, messages, tools)
    whole = _ids(tokenizer, text)
    if tokenizer.bos_token_id is not None and whole[:2] == [tokenizer.bos_token_id] * 2:
        raise TinsmithError("model.base: its chat template begins with two beginning-of-sequence tokens; mend it")
    turns = [place for place, message in enumerate(messages) if message["role"] == "assistant"]
    if not turns:
        raise TinsmithError("the chat has no turn of the assistant, so that nothing is left to train on")
    _check_nothing_left_out(text, messages, tools)
    _check_calls(tokenizer, messages)
    trained = [0] * len(whole)
    end = 0
    for place in turns if loss_on == "assistant" else turns[-1:]:
        start, end = _turn(tokenizer, messages, place, tools, text, whole)
        trained[start:end] = [1] * (end - start)
    return TokenizedExample(whole[:end], trained[:end])


def expected_tokens(
    tokenizer: Any, prompt: Sequence[Message], row: Mapping[str, Any]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The ids of a prompt, and of a row's answer behind it without its end of turn.

    Raises:
        TinsmithError: as tokenize_chat does.
    """
    messages, tools = stored_chat(row)
    example = tokenize_chat(tokenizer, [*prompt, messages[-1]], tools, "completion")
    *answer, _ = example.last_answer
    return tuple(example.input_ids[: -len(answer) - 1]), tuple(answer)


def answer_text(tokenizer: Any, messages: Sequence[Message], tools: Tools) -> str:
    """What the model is to write as the chat's last turn: its text or, with calls or reasoning, what the template makes
    of them; without control tokens, which llama-server does not show either."""
    if messages[-1].keys() == {"role", "content"}:
        return str(messages[-1]["content"])
    *said, _ = tokenize_chat(tokenizer, messages, tools, "completion").last_answer
    return str(tokenizer.decode(said, skip_special_tokens=True)).strip()


def chat_text(tokenizer: Any, messages: Sequence[Message], tools: Tools, *, asking: bool = False) -> str:
    """A chat as its template writes it; where `asking`, up to where the model begins to answer.

    Thinking is switched off where a template knows the switch, as llama-server is told to.
    """
    try:
        text = tokenizer.apply_chat_template(
            list(messages), tools=tools, tokenize=False, add_generation_prompt=asking, enable_thinking=False
        )
    except TemplateError as error:
        raise TinsmithError(f"model.base: its chat template refuses this recipe's chats: {error.message}") from None
    except TypeError:
        # Some templates add up texts and, where calls have arguments or tools lack a part, what is none.
        raise TinsmithError(
            "model.base: its chat template cannot write this recipe's tools or their calls; choose another base"
        ) from None
    return str(text)


def _turn(
    tokenizer: Any, messages: Sequence[Message], place: int, tools: Tools, text: str, whole: list[int]
) -> tuple[int, int]:
    """Where the assistant's turn at `place` begins and, behind its end-of-turn token, ends among the chat's tokens.

    `text` and `whole` are the whole chat.
    """
    message = messages[place]
    if not (message["content"].strip() or message.get("tool_calls")):
        raise TinsmithError("an answer is empty, so that nothing is left to train on")
    asked = chat_text(tokenizer, messages[:place], tools, asking=True)
    last = place == len(messages) - 1
    answered = text if last else chat_text(tokenizer, messages[: place + 1], tools)
    before, with_turn = _ids(tokenizer, asked), whole if last else _ids(tokenizer, answered)
    if whole[: len(before)] != before or whole[: len(with_turn)] != with_turn:
        raise TinsmithError(
            "model.base: its chat template renders the prompt otherwise once the answer is there, so that the model "
            "would be asked what it was never trained on; " + _mend(messages, place)
        )
    # What a template opens for the model, such as <think>, belongs to the turn, too.
    _check_turn(message, answered if "<think>" in answered else answered[len(asked) :])
    thoughts = answered.count("<think>")
    if thoughts > 1 and thoughts - chat_text(tokenizer, messages[:place], tools).count("<think>") > _thoughts(message):
        raise TinsmithError(
            "model.base: its chat template opens <think> before an answer that opens it again; take the first <think> "
            "out of the data"
        )
    end = _end_of_turn(tokenizer, message, whole, len(before), len(with_turn))
    if tokenizer.convert_ids_to_tokens(whole[end]) in message["content"]:
        raise TinsmithError("the answer holds the base's end-of-turn token, which would cut it short; defuse it first")
    return len(before), end + 1


def _end_of_turn(tokenizer: Any, message: Message, whole: list[int], start: int, stop: int) -> int:
    """The place of the control token that ends a turn whose tokens stand from `start` to `stop`."""
    special = {number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
    ends = [spot for spot in range(start, stop) if whole[spot] in special]
    if not ends:
        raise TinsmithError(
            "model.base: its chat template ends the answer without an end-of-turn token, so that the model would never "
            "stop; choose an instruct model"
        )
    # Some templates open an answer, or write calls, with control tokens of their own; others write one behind the end.
    if message.get("tool_calls") or len(ends) == 1:
        return ends[-1]
    wanted = _squeezed(message["content"])
    return next((end for end in ends if wanted in _squeezed(tokenizer.decode(whole[start:end]))), ends[-1])


def _check_nothing_left_out(text: str, messages: Sequence[Message], tools: Tools) -> None:
    """Refuse a template that leaves out a turn, or the tools, without a word."""
    squeezed = _squeezed(text)
    if missing := [tool for tool in tools or () if tool["function"]["name"] not in text]:
        raise TinsmithError(
            f"model.base: its chat template leaves out {len(missing)} of {len(tools or ())} tools; choose a base whose "
            "template takes tools, or take data.example.tools out"
        )
    for number, message in enumerate(messages, start=1):
        if message["role"] != "assistant" and not _holds(squeezed, message["content"]):
            raise TinsmithError(
                f"model.base: its chat template leaves out message {number}, a turn of {message['role']}; choose a "
                "base whose template takes it"
            )


def _check_calls(tokenizer: Any, messages: Sequence[Message]) -> None:
    """Refuse a template that leaves out calls; the tools' own description names them, too, so without it."""
    called = [call["function"]["name"] for message in messages for call in message.get("tool_calls", ())]
    if called:
        text = chat_text(tokenizer, messages, None)
        if any(text.count(name) < called.count(name) for name in called):
            raise TinsmithError(
                "model.base: its chat template leaves out calls of tools; choose a base that can call tools"
            )


def _check_turn(message: Message, text: str) -> None:
    """Refuse a template that leaves out a part of an answer; `text` is what it wrote."""
    squeezed = _squeezed(text)
    reasoning = message.get("reasoning_content", "")
    names = [call["function"]["name"] for call in message.get("tool_calls", ())]
    if any(name not in text for name in names):
        raise TinsmithError(
            "model.base: its chat template leaves out calls of tools; choose a base that can call tools"
        )
    if not all(_holds(squeezed, part) for part in (message["content"], reasoning)):
        raise TinsmithError(
            "model.base: its chat template leaves out a part of the answer, such as its <think>; take that part out of "
            "the data, or choose another base"
        )


def _thoughts(message: Message) -> int:
    """How often an answer may open its reasoning: as often as it does; once where the template opens an empty one."""
    return max(1, str(message["content"]).count("<think>"))


def _holds(squeezed: str, part: str) -> bool:
    """Whether a part stands in a squeezed text, as it is or, as some templates write a tool's answer, as JSON."""
    return _squeezed(part) in squeezed or _squeezed(json.dumps(part, ensure_ascii=False)[1:-1]) in squeezed


def _squeezed(text: str) -> str:
    """A text without white space, which templates add and take away."""
    return "".join(text.split())


def _mend(messages: Sequence[Message], place: int) -> str:
    if place < len(messages) - 1:
        return "train the last answer alone with train.loss_on: completion, or choose another base"
    thinks = "<think>" in messages[place]["content"] or "reasoning_content" in messages[place]
    return "take the reasoning out of the data, or choose another base" if thinks else "choose another base"


def _ids(tokenizer: Any, text: str) -> list[int]:
    # The template writes the beginning of sequence itself; the tokenizer must not add a second one.
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])
