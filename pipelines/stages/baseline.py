"""baseline: the base model, as the same kind of GGUF as the tuned one, answers the rows that judge.

It knows nothing of metrics and rules, so that changing those asks nothing again; scoring is evaluate's.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pipelines.data.sampled_text import ROWS, SampledText, rendered_chats
from pipelines.data.side_rows import SideRows
from pipelines.data.tokenizing import chat_text
from pipelines.exported import judged_quant
from pipelines.files import read_json, sha256_of_file, sha256_of_json, write_json, written_whole
from pipelines.gguf import imatrix
from pipelines.gguf.convert import make_gguf
from pipelines.gguf.server import serving
from pipelines.gguf.toolchain import Toolchain, find_toolchain
from pipelines.llama_client import PARALLEL
from pipelines.model.base import base_model, load_tokenizer
from pipelines.paths import Paths, check_made, user_cache
from pipelines.recipe import Recipe
from pipelines.scoring.answers import ANSWER_MARGIN_TOKENS, Answer, Questions, answers_to, write_answers
from pipelines.scoring.prompts import Prompt, Row, base_prompt, few_shot_examples, judged_rows
from pipelines.stage_runner import run


def baseline(recipe: Recipe, paths: Paths) -> None:
    """Ask the base, with and without examples in its prompt, and keep its answers."""
    check_made("prepare", recipe.name, paths.work / "test.parquet", paths.reports / "datasheet.json")
    check_made("export", recipe.name, paths.reports / "export.json")
    rows = judged_rows(SideRows(paths.work / "test.parquet"), recipe.evaluate.max_rows)
    datasheet = read_json(paths.reports / "datasheet.json")
    max_tokens = datasheet["tokens"]["longest_answer"] + ANSWER_MARGIN_TOKENS
    quant = judged_quant(read_json(paths.reports / "export.json"))
    toolchain = find_toolchain()
    base_folder = base_model(recipe.model).folder
    tokenizer = load_tokenizer(base_folder)
    gguf = _base_gguf(base_folder, quant, _imatrix_text(recipe, paths, tokenizer), toolchain)
    gguf_sha256 = sha256_of_file(gguf)
    tools = [row["tools"] for row in rows]
    answers = {}
    for variant, prompts in _prompts(recipe, paths, rows, datasheet["allowed_answers"]).items():
        server = partial(
            serving,
            gguf,
            toolchain,
            parallel=PARALLEL,
            context_per_slot=_longest(prompts, tools, tokenizer) + max_tokens,
            log=paths.scratch / "baseline" / f"{variant}.log",
        )
        questions = Questions(gguf_sha256, prompts, max_tokens, tools)
        answers[variant] = answers_to(questions, paths.scratch / "baseline", server, variant.replace("_", " "))
    with written_whole(paths.work / "baseline") as folder:
        for variant, given in answers.items():
            write_answers(folder / f"{variant}.jsonl", [row["example_id"] for row in rows], given)
    write_json(
        paths.reports / "baseline.json",
        {
            "rows": len(rows),
            "quant": quant,
            "gguf_sha256": gguf_sha256,
            "variants": {variant: _summary(given) for variant, given in answers.items()},
        },
    )


def _imatrix_text(recipe: Recipe, paths: Paths, tokenizer: Any) -> SampledText:
    """What the base is quantised by: the text by which the tuned model is, so that neither is put at a disadvantage."""
    if not recipe.export.imatrix:
        return SampledText("", 0)
    return rendered_chats(tokenizer, judged_rows(SideRows(paths.work / "train.parquet"), ROWS), imatrix.MOST_TOKENS)


def _base_gguf(folder: Path, quant: str, text: SampledText, toolchain: Toolchain) -> Path:
    """The base as GGUF, kept for all runs; any other file in the folder, text or llama.cpp makes another."""
    files = {path.name: sha256_of_file(path) for path in sorted(folder.iterdir()) if path.is_file()}
    key = sha256_of_json([files, quant, text.text, toolchain.version])
    gguf = user_cache() / "base_gguf" / f"{folder.name}-{quant}-{key[:16]}.gguf"
    if not gguf.exists():
        make_gguf(folder, gguf, quant, toolchain, text.text, text.tokens)
    return gguf


def _prompts(
    recipe: Recipe, paths: Paths, rows: Sequence[Row], allowed: dict[str, list[Any]]
) -> dict[str, list[Prompt]]:
    answer = recipe.data.example.assistant
    asked = {"base": [base_prompt(row["prompt"], answer, allowed, ()) for row in rows]}
    if recipe.evaluate.few_shot:
        shots = few_shot_examples(SideRows(paths.work / "train.parquet"), recipe.evaluate.few_shot)
        asked["base_few_shot"] = [base_prompt(row["prompt"], answer, allowed, shots) for row in rows]
    return asked


def _longest(prompts: Sequence[Prompt], tools: Sequence[Any], tokenizer: Any) -> int:
    """Tokens of the longest prompt as the model reads it."""
    asked = zip(prompts, tools, strict=True)
    texts = [chat_text(tokenizer, prompt, callable_, asking=True) for prompt, callable_ in asked]
    return max(len(tokens) for tokens in tokenizer(texts, add_special_tokens=False)["input_ids"])


def _summary(answers: list[Answer]) -> dict[str, Any]:
    return {
        # Each request's wall time added up; requests ran side by side.
        "seconds": round(sum(answer.seconds for answer in answers), 2),
        "answered": sum(answer.answered for answer in answers),
    }


if __name__ == "__main__":
    run(baseline)
