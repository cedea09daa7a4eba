"""baseline: the base model, as the same kind of GGUF as the tuned one, answers the rows that judge.

It knows nothing of metrics and rules, so that changing those asks nothing again; scoring is evaluate's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from pipelines.data.sampled_text import ROWS, SampledText, rendered_chats
from pipelines.data.side_rows import SideRows
from pipelines.data.tokenizing import Tools, chat_text, expected_tokens
from pipelines.errors import TinsmithError
from pipelines.exported import judged_quant
from pipelines.files import clear_unfinished, read_json, sha256_of_file, write_json, written_whole
from pipelines.gguf import imatrix
from pipelines.gguf.base_gguf import base_gguf
from pipelines.gguf.metadata import trained_context
from pipelines.gguf.server import serving
from pipelines.gguf.toolchain import find_toolchain
from pipelines.llama_client import PARALLEL, Continuation
from pipelines.model.base import base_model, load_tokenizer
from pipelines.paths import Paths, check_made
from pipelines.recipe import Recipe
from pipelines.scoring.answers import Answer, Questions, answers_side_by_side, write_answers
from pipelines.scoring.asking import answerer
from pipelines.scoring.few_shot import fitting_examples, nearest_examples
from pipelines.scoring.grammar import answer_grammar
from pipelines.scoring.metrics.perplexity import (
    AnswerLikelihood,
    answer_likelihoods,
    write_expected,
    write_likelihoods,
)
from pipelines.scoring.prompts import Row, base_prompt, judged_rows
from pipelines.scoring.tuned_questions import longest_answer
from pipelines.scoring.variants import BASE_VARIANTS, described
from pipelines.stage_runner import run


def baseline(recipe: Recipe, paths: Paths) -> None:
    """Ask the base in each of its variants, and keep its answers."""
    check_made("prepare", recipe.name, paths.work / "test.parquet", paths.reports / "datasheet.json")
    check_made("export", recipe.name, paths.reports / "export.json")
    rows = judged_rows(SideRows(paths.work / "test.parquet"), recipe.evaluate.max_rows)
    if not rows:
        raise TinsmithError(
            f"{paths.work / 'test.parquet'}: no rows to judge by; raise data.split.test in {paths.recipe} or add data"
        )
    toolchain = find_toolchain()
    base_folder = base_model(recipe.model).folder
    tokenizer = load_tokenizer(base_folder)
    quant, text = judged_quant(read_json(paths.reports / "export.json")), _imatrix_text(recipe, paths, tokenizer)
    gguf = base_gguf(base_folder, quant, toolchain, text.text, text.tokens)
    gguf_sha256 = sha256_of_file(gguf)
    answers: dict[str, list[Answer]] = {}
    likelihoods: dict[str, list[AnswerLikelihood]] = {}
    model = answerer(gguf_sha256, toolchain.version)
    near = nearest_examples(SideRows(paths.work / "train.parquet", canaries=False), rows, recipe.evaluate.few_shot)
    shots = _fitting(recipe, paths, rows, near, tokenizer, trained_context(gguf))
    for asked in _questions(recipe, paths, rows, shots, model):
        server = partial(
            serving,
            gguf,
            toolchain,
            parallel=PARALLEL,
            context_per_slot=_most_tokens(next(iter(asked.values())), tokenizer),
            log=paths.scratch / "baseline" / f"{'-'.join(asked)}.log",
        )
        answers |= answers_side_by_side(asked, paths.scratch / "baseline", server)
        if recipe.evaluate.perplexity:
            # Variants that are asked together have the same prompts.
            expected = _expected(tokenizer, next(iter(asked.values())).prompts, rows)
            label = f"{', '.join(asked)}, expected answers"
            found = answer_likelihoods(model, expected, paths.scratch / "baseline", server, label)
            likelihoods |= dict.fromkeys(asked, found)
    ids = [row["example_id"] for row in rows]
    clear_unfinished(paths.work / "baseline")
    with written_whole(paths.work / "baseline") as folder:
        for variant, given in answers.items():
            write_answers(folder / f"{variant}.jsonl", ids, given)
        if recipe.evaluate.perplexity:
            for variant, found in likelihoods.items():
                write_likelihoods(folder / f"{variant}.likelihoods.json", ids, found)
            # What the tuned model will be asked: evaluate has no tokenizer.
            write_expected(folder / "expected.json", ids, _expected(tokenizer, [row["prompt"] for row in rows], rows))
        # By which safety finds the same file of the base.
        write_json(folder / "imatrix.json", asdict(text))
    write_json(
        paths.reports / "baseline.json",
        {
            "rows": len(rows),
            "quant": quant,
            "gguf_sha256": gguf_sha256,
            "fewer_examples": sum(len(kept) < len(found) for kept, found in zip(shots, near, strict=True)),
            "variants": {
                variant: _summary(variant, answers[variant]) for variant in BASE_VARIANTS if variant in answers
            },
        },
    )


def _imatrix_text(recipe: Recipe, paths: Paths, tokenizer: Any) -> SampledText:
    """What the base is quantised by: the text by which the tuned model is, so that neither is put at a disadvantage."""
    if not recipe.export.imatrix:
        return SampledText("", 0)
    train = SideRows(paths.work / "train.parquet", canaries=False)
    return rendered_chats(tokenizer, judged_rows(train, ROWS), imatrix.MOST_TOKENS)


def _fitting(
    recipe: Recipe, paths: Paths, rows: Sequence[Row], near: Sequence[Sequence[Row]], tokenizer: Any, context: int
) -> list[Sequence[Row]]:
    """Of the examples that are nearest to each row, those with which prompt and answer fit into the base's context: a
    longer prompt would count as a wrong answer."""
    datasheet = read_json(paths.reports / "datasheet.json")
    answer, allowed = recipe.data.example.assistant, datasheet["allowed_answers"]

    def tokens(row: Row, shots: Sequence[Row]) -> int:
        return _tokens(tokenizer, base_prompt(row["prompt"], answer, allowed, shots), row["tools"])

    most = context - longest_answer(datasheet)
    return [fitting_examples(found, partial(tokens, row), most) for row, found in zip(rows, near, strict=True)]


def _questions(
    recipe: Recipe, paths: Paths, rows: Sequence[Row], shots: Sequence[Sequence[Row]], model: str
) -> Iterator[dict[str, Questions]]:
    """The base's variants; those that are asked the same prompt, which a slot then reads once, come together."""
    datasheet = read_json(paths.reports / "datasheet.json")
    answer, allowed = recipe.data.example.assistant, datasheet["allowed_answers"]
    tools = [row["tools"] for row in rows]

    bare = [base_prompt(row["prompt"], answer, allowed, ()) for row in rows]
    plain = Questions(model, bare, longest_answer(datasheet), tools)
    shown = [base_prompt(row["prompt"], answer, allowed, few) for row, few in zip(rows, shots, strict=True)]
    best = {"base_few_shot": replace(plain, prompts=shown)} if recipe.evaluate.few_shot else {"base": plain}
    if grammar := answer_grammar(answer, datasheet, tools):
        best["base_constrained"] = replace(plain, prompts=shown, grammar=grammar)
    if recipe.evaluate.few_shot:
        yield {"base": plain}
    yield best


def _expected(tokenizer: Any, prompts: Sequence[Sequence[dict[str, Any]]], rows: Sequence[Row]) -> list[Continuation]:
    pairs = zip(prompts, rows, strict=True)
    return [Continuation(*expected_tokens(tokenizer, prompt, row)) for prompt, row in pairs]


def _most_tokens(questions: Questions, tokenizer: Any) -> int:
    """Tokens of the longest prompt as the model reads it, and of the answer."""
    asked = zip(questions.prompts, questions.tools, strict=True)
    return max(_tokens(tokenizer, prompt, tools) for prompt, tools in asked) + questions.max_tokens


def _tokens(tokenizer: Any, prompt: Sequence[dict[str, Any]], tools: Tools) -> int:
    """Tokens of a prompt as the model reads it."""
    text = chat_text(tokenizer, prompt, tools, asking=True)
    return len(tokenizer(text, add_special_tokens=False)["input_ids"])


def _summary(variant: str, answers: list[Answer]) -> dict[str, Any]:
    return {
        "asked": described(variant),
        # Each request's wall time added up; requests ran side by side.
        "seconds": round(sum(answer.seconds for answer in answers), 2),
        "answered": sum(answer.answered for answer in answers),
    }


if __name__ == "__main__":
    run(baseline)
