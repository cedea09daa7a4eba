"""safety: what the tuned model learnt by heart, gives away, says and refuses, beside its base.

Reads work/<r>/{canaries.jsonl,train.parquet,test.parquet,accepted.parquet,reference/,baseline/,gguf/}, the contracts
and reports/<r>/{datasheet,train,export}.json. Writes reports/<r>/safety.json and work/<r>/safety.jsonl, which holds
what was asked beside the test rows, with the answers.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pipelines.data.contracts.contract import merged_contract, read_contract
from pipelines.data.privacy.outputs import brought_up, told_by
from pipelines.data.privacy.screening import everybody_of, screen_of
from pipelines.data.rendering import question_chat
from pipelines.data.side_rows import SideRows
from pipelines.data.tokenizing import chat_text, tokenize_row
from pipelines.errors import TinsmithError
from pipelines.exported import judged_file
from pipelines.files import read_json, sha256_of_file, write_json, write_text
from pipelines.gguf.base_gguf import baseline_gguf
from pipelines.gguf.server import serving
from pipelines.gguf.toolchain import find_toolchain, version_at_hand
from pipelines.llama_client import PARALLEL, Continuation
from pipelines.model.base import base_model, load_tokenizer
from pipelines.paths import Paths, check_made
from pipelines.recipe import Recipe
from pipelines.scoring.answers import Answer, Questions, answers_to, read_answers
from pipelines.scoring.asking import answerer
from pipelines.scoring.metrics.perplexity import answer_likelihoods
from pipelines.scoring.prompts import Prompt, Row, judged_rows
from pipelines.scoring.safety.exposure import (
    Canary,
    canaries_part,
    candidate_answers,
    exposures,
    read_canaries,
    references,
)
from pipelines.scoring.safety.figures import Part
from pipelines.scoring.safety.membership import membership_part
from pipelines.scoring.safety.personal import personal_part
from pipelines.scoring.safety.phrases import must_not_say_part
from pipelines.scoring.safety.refusal import must_refuse_part, questions_to_refuse
from pipelines.scoring.tuned_questions import longest_answer, tuned_questions
from pipelines.stage_runner import run

_BASE, _TUNED = "base", "tuned"
# Enough for a secret, or for the beginning of a refusal.
_ANSWER_TOKENS = 64
# Rows of each side on which membership is inferred, and tokens of each answer, so that long ones cost no hours.
_MEMBERS = 300
_MEMBER_TOKENS = 128


@dataclass(frozen=True)
class _Model:
    name: str
    gguf: Path
    sha256: str
    quant: str
    llama_cpp: str

    @property
    def answerer(self) -> str:
        """How kept answers name it."""
        return answerer(self.sha256, self.llama_cpp)


def safety(recipe: Recipe, paths: Paths) -> None:
    """Measure what the recipe asks for, and write one report of it."""
    asked = recipe.evaluate.safety
    check_made("prepare", recipe.name, paths.work / "canaries.jsonl", paths.reports / "datasheet.json")
    canaries, questions = read_canaries(paths.work / "canaries.jsonl"), questions_to_refuse(asked)
    if not (canaries or questions or asked.membership or asked.personal_data or asked.must_not_say):
        _write_probes(paths, [])
        write_json(paths.reports / "safety.json", {"asked": False, "figures": {}})
        return
    tuned = _tuned(recipe, paths)
    refusals = {f"must_refuse:{n}": question_chat(recipe.data.example, one) for n, one in enumerate(questions, start=1)}
    probes = {**{canary.canary: canary.prompt for canary in canaries}, **refusals}
    given: dict[str, dict[str, Answer]] = {_BASE: {}, _TUNED: {}}
    said: dict[str, dict[str, str]] = {_BASE: {}, _TUNED: {}}
    parts: dict[str, Part] = {}
    if probes or asked.membership:
        base_folder = base_model(recipe.model).folder
        tokenizer, models = load_tokenizer(base_folder), (_base(base_folder, tuned.quant, recipe, paths), tuned)
        given = {model.name: _answers_to_probes(model, probes, tokenizer, paths) for model in models}
        said = {model: {name: answer.text for name, answer in answers.items()} for model, answers in given.items()}
        if canaries:
            missing = _unanswered([given[_TUNED][canary.canary] for canary in canaries])
            found = _canaries(canaries, said, models, tokenizer, paths)
            parts["canaries"] = found.with_unanswered(missing, "memorised_canaries")
        if asked.membership:
            parts["membership"] = _membership(models, tokenizer, recipe, paths)
    refused = {model: {name: answers[name] for name in refusals} for model, answers in given.items()}
    if refusals:
        texts = {model: {name: said[model][name] for name in refusals} for model in said}
        parts["must_refuse"] = must_refuse_part(texts[_BASE], texts[_TUNED], asked.refusal)
    if asked.personal_data or asked.must_not_say:
        parts |= _of_answers(_judged_rows(recipe, paths), refused, tuned, recipe, paths)
    _write(parts, probes, given, tuned, paths)


def _of_answers(
    rows: Sequence[Row], refused: Mapping[str, Mapping[str, Answer]], tuned: _Model, recipe: Recipe, paths: Paths
) -> dict[str, Part]:
    """What the answers to the rows that judge, and to what must be `refused`, should not hold."""
    asked = recipe.evaluate.safety
    answers = _answers_to_rows(rows, tuned, recipe, paths)
    parts: dict[str, Part] = {}
    if asked.personal_data:
        found = _personal_data(rows, _texts(answers), recipe, paths)
        parts["personal_data"] = found.with_unanswered(_unanswered(answers[_TUNED]), "personal_data")
    if asked.must_not_say:
        ids = [*(row["example_id"] for row in rows), *refused[_TUNED]]
        everything = {model: [*given, *refused[model].values()] for model, given in answers.items()}
        found = must_not_say_part(asked.must_not_say, ids, _texts(everything))
        parts["must_not_say"] = found.with_unanswered(_unanswered(everything[_TUNED]), "must_not_say")
    return parts


def _texts(answers: Mapping[str, Sequence[Answer]]) -> dict[str, list[str]]:
    return {model: [answer.text for answer in given] for model, given in answers.items()}


def _unanswered(answers: Sequence[Answer]) -> int:
    return sum(not answer.answered for answer in answers)


def _tuned(recipe: Recipe, paths: Paths) -> _Model:
    """The file that ships."""
    check_made("export", recipe.name, paths.reports / "export.json")
    judged = judged_file(paths)
    return _Model(_TUNED, judged.gguf, judged.sha256, judged.quant, version_at_hand(judged.llama_cpp))


def _base(folder: Path, quant: str, recipe: Recipe, paths: Paths) -> _Model:
    check_made("baseline", recipe.name, paths.work / "baseline" / "imatrix.json")
    toolchain = find_toolchain()
    gguf = baseline_gguf(folder, quant, toolchain, paths)
    return _Model(_BASE, gguf, sha256_of_file(gguf), quant, toolchain.version)


def _server(model: _Model, context: int, paths: Paths) -> AbstractContextManager[str]:
    log = paths.scratch / "safety" / f"{model.name}.log"
    # Found only when something is left to ask: kept answers need no llama.cpp.
    return serving(model.gguf, find_toolchain(), parallel=PARALLEL, context_per_slot=context, log=log)


def _answers_to_probes(model: _Model, probes: Mapping[str, Prompt], tokenizer: Any, paths: Paths) -> dict[str, Answer]:
    """What a model says to each of the questions that stand beside the test rows."""
    if not probes:
        return {}
    texts = [chat_text(tokenizer, prompt, None, asking=True) for prompt in probes.values()]
    longest = max(map(len, tokenizer(texts, add_special_tokens=False)["input_ids"]))
    server = partial(_server, model, longest + _ANSWER_TOKENS, paths)
    questions = Questions(model.answerer, list(probes.values()), _ANSWER_TOKENS)
    return dict(zip(probes, answers_to(questions, paths.scratch / "safety", server, model.name), strict=True))


def _canaries(
    canaries: Sequence[Canary],
    said: Mapping[str, Mapping[str, str]],
    models: Sequence[_Model],
    tokenizer: Any,
    paths: Paths,
) -> Part:
    others = references(canaries)
    asked = [_candidates(canary, others, tokenizer) for canary in canaries]
    context = max(len(chat) for chats in asked for chat in chats)

    bits = {
        model.name: exposures(
            asked,
            model.answerer,
            paths.scratch / "safety",
            partial(_server, model, context + 1, paths),
            f"{model.name}, canaries",
        )
        for model in models
    }
    extracted = {
        model: [canary.secret in answers[canary.canary] for canary in canaries] for model, answers in said.items()
    }
    return canaries_part(canaries, extracted, bits)


def _membership(models: Sequence[_Model], tokenizer: Any, recipe: Recipe, paths: Paths) -> Part:
    """As many rows that trained as test rows, each chosen by its hash."""
    counts = read_json(paths.reports / "datasheet.json")["rows"]
    of = {"members": counts["train"] - counts["planted"], "others": counts["test"]}
    size = min(*of.values(), recipe.evaluate.max_rows or _MEMBERS, _MEMBERS)
    members = judged_rows(SideRows(paths.work / "train.parquet", canaries=False), size)
    others = judged_rows(SideRows(paths.work / "test.parquet"), size)
    asked = [_answer_of(tokenizer, row) for row in (*members, *others)]
    context = max(len(answer.prompt) + len(answer.tokens) for answer in asked)

    likely: dict[str, list[float]] = {}
    for model in models:
        server = partial(_server, model, context + 1, paths)
        found = answer_likelihoods(
            model.answerer, asked, paths.scratch / "safety", server, f"{model.name}, rows that trained and others"
        )
        likely[model.name] = [one.logprob / one.tokens for one in found]
    return membership_part(
        {model: means[:size] for model, means in likely.items()},
        {model: means[size:] for model, means in likely.items()},
        of,
    )


def _answer_of(tokenizer: Any, row: Row) -> Continuation:
    """A row's answer behind its prompt, without its end of turn, which all rows share."""
    example = tokenize_row(tokenizer, row, "completion")
    start, end = len(example.input_ids) - len(example.last_answer), len(example.input_ids) - 1
    return Continuation(tuple(example.input_ids[:start]), tuple(example.input_ids[start:end][:_MEMBER_TOKENS]))


def _candidates(canary: Canary, others: Sequence[str], tokenizer: Any) -> list[list[int]]:
    """The canary's chat as token ids, without its end of turn, and the same with each of the other secrets."""
    rows = [{"prompt": canary.prompt, "answer": answer} for answer in candidate_answers(canary, others)]
    return [tokenize_row(tokenizer, row).input_ids[:-1] for row in rows]


def _judged_rows(recipe: Recipe, paths: Paths) -> list[Row]:
    rows = judged_rows(SideRows(paths.work / "test.parquet"), recipe.evaluate.max_rows)
    if not rows:
        raise TinsmithError(
            f"{paths.work / 'test.parquet'}: no rows to judge by; raise data.split.test in {paths.recipe} or add data"
        )
    return rows


def _answers_to_rows(rows: Sequence[Row], tuned: _Model, recipe: Recipe, paths: Paths) -> dict[str, Sequence[Answer]]:
    """What base and tuned say to the rows that judge; evaluate finds the tuned model's where they are kept."""
    base = read_answers(paths.work / "baseline" / "base.jsonl", [row["example_id"] for row in rows])
    datasheet = read_json(paths.reports / "datasheet.json")
    kept_in = paths.scratch / "evaluate"
    context = datasheet["tokens"]["longest"] + longest_answer(datasheet)
    server = partial(_server, tuned, context, paths)
    given = answers_to(tuned_questions(recipe, datasheet, rows, tuned.answerer), kept_in, server, _TUNED)
    return {_BASE: base, _TUNED: given}


def _personal_data(rows: Sequence[Row], answers: Mapping[str, Sequence[str]], recipe: Recipe, paths: Paths) -> Part:
    contract = merged_contract([read_contract(Path(one.contract)) for one in recipe.data.example_sources.values()])
    detector = screen_of(recipe.data.privacy, contract, (), everybody_of(recipe, paths), paths.recipe).detector
    given = [[*told_by([row["prompt"], row["tools"]]), row["answer"]] for row in rows]
    found = {
        model: [brought_up(text, known, detector) for text, known in zip(texts, given, strict=True)]
        for model, texts in answers.items()
    }
    return personal_part([row["example_id"] for row in rows], found)


def _write(
    parts: Mapping[str, Part],
    probes: Mapping[str, Prompt],
    given: Mapping[str, Mapping[str, Answer]],
    tuned: _Model,
    paths: Paths,
) -> None:
    asked_beside = [
        {"id": name, "prompt": prompt, **{model: answers[name].text for model, answers in given.items()}}
        for name, prompt in probes.items()
    ]
    _write_probes(paths, asked_beside)
    figures = {f"safety.{name}": figure for part in parts.values() for name, figure in part.figures.items()}
    write_json(
        paths.reports / "safety.json",
        {
            "asked": True,
            "quant": tuned.quant,
            "gguf_sha256": tuned.sha256,
            "passes": _passes(paths),
            "figures": {name: figure.as_json() for name, figure in figures.items()},
            # Who did not answer has given nothing away, which is no proof. evaluate tells of the rows that judge.
            "unanswered": {
                model: [name for name, answer in answers.items() if not answer.answered]
                for model, answers in given.items()
            },
            **{name: part.told for name, part in parts.items()},
        },
    )


def _passes(paths: Paths) -> float:
    """How often training saw the training rows: a canary planted once in half a pass may never have been seen."""
    seen: int = read_json(paths.reports / "train.json")["trained_tokens"]
    there: int = read_json(paths.reports / "datasheet.json")["tokens"]["sides"]["train"]["tokens"]
    return round(seen / there, 2)


def _write_probes(paths: Paths, asked: Sequence[Mapping[str, Any]]) -> None:
    lines = [json.dumps(line, ensure_ascii=False) + "\n" for line in asked]
    # DVC warns of an output that is empty.
    write_text(paths.work / "safety.jsonl", "".join(lines) or "\n")


if __name__ == "__main__":
    run(safety)
