"""ability: what tuning broke: base and tuned model, as the files that ship, on public benchmarks of general ability.

Reads the benchmarks' files and work/<r>/gguf/. Writes reports/<r>/ability.json, which says so where the recipe asks
for none. The base's answers are kept in the user's cache, so that recipes share them; the tuned model's in
scratch.
"""

from functools import partial
from pathlib import Path
from typing import Any

from pipelines.data.tokenizing import chat_text
from pipelines.exported import judged_file
from pipelines.files import sha256_of_file, write_json
from pipelines.gguf.base_gguf import baseline_gguf
from pipelines.gguf.server import serving
from pipelines.gguf.toolchain import Toolchain, find_toolchain
from pipelines.llama_client import PARALLEL
from pipelines.model.base import base_model, load_tokenizer
from pipelines.paths import Paths, check_made, user_cache
from pipelines.recipe import Recipe
from pipelines.scoring.ability.asking import Answered, Asked, answers, rows_per_second, scores, tokenised
from pipelines.scoring.ability.questions import Question, Scores
from pipelines.scoring.ability.tasks import TASKS, questions_of
from pipelines.scoring.asking import answerer
from pipelines.stage_runner import run

# A slot's room beyond the longest prompt and answer.
_SPARE_TOKENS = 8


def ability(recipe: Recipe, paths: Paths) -> None:
    """Ask base and tuned the same rows of each benchmark that the recipe names, and compare their scores."""
    if recipe.evaluate.ability is None:
        write_json(paths.reports / "ability.json", {"asked": False, "figures": {}})
        return
    check_made("export", recipe.name, paths.reports / "export.json", paths.work / "gguf")
    # scipy takes a second to import; only where something is asked.
    from pipelines.scoring.ability.figures import figures
    from pipelines.scoring.comparison_statistics import CONFIDENCE

    questions = questions_of(recipe.evaluate.ability)
    check_made("baseline", recipe.name, paths.work / "baseline" / "imatrix.json")
    tuned, toolchain = judged_file(paths), find_toolchain()
    base_folder = base_model(recipe.model).folder
    asked = tokenised_questions(questions, base_folder)
    models = {
        "base": (baseline_gguf(base_folder, tuned.quant, toolchain, paths), user_cache() / "ability"),
        "tuned": (tuned.gguf, paths.scratch / "ability"),
    }
    answered = {name: _answered(name, gguf, kept, asked, toolchain, paths) for name, (gguf, kept) in models.items()}
    scored = {name: _scores(questions, given) for name, given in answered.items()}
    compared = [figures(TASKS[name], scored["base"][name], scored["tuned"][name]) for name in questions]
    write_json(
        paths.reports / "ability.json",
        {
            "asked": True,
            "quant": tuned.quant,
            **{f"{name}_gguf_sha256": sha256_of_file(gguf) for name, (gguf, _) in models.items()},
            "confidence": CONFIDENCE,
            "tasks": {name: _task_report(name, questions[name], answered) for name in questions},
            "figures": {name: figure for of_task in compared for name, figure in of_task.items()},
        },
    )


def tokenised_questions(questions: dict[str, list[Question]], base: Path) -> dict[str, list[Asked]]:
    """Both models are asked the same tokens: tuning leaves the base's tokenizer and template as they are."""
    tokenizer = load_tokenizer(base)

    def encode(text: str) -> list[int]:
        # A template may have written the beginning-of-text token already; a second one would confuse the model.
        begun = tokenizer.bos_token is not None and text.startswith(tokenizer.bos_token)
        return list(tokenizer.encode(text, add_special_tokens=not begun))

    def chat(prompt: str) -> str:
        return chat_text(tokenizer, [{"role": "user", "content": prompt}], None, asking=True)

    return {name: [tokenised(TASKS[name], one, encode, chat) for one in rows] for name, rows in questions.items()}


def _answered(
    model: str, gguf: Path, kept_in: Path, asked: dict[str, list[Asked]], toolchain: Toolchain, paths: Paths
) -> dict[str, list[Answered]]:
    """What a model answered, by task; one server is asked all tasks."""
    longest = max(question.tokens for rows in asked.values() for question in rows)
    server = partial(
        serving,
        gguf,
        toolchain,
        parallel=PARALLEL,
        context_per_slot=longest + _SPARE_TOKENS,
        log=paths.scratch / "ability" / f"{model}.log",
    )
    by = answerer(sha256_of_file(gguf), toolchain.version)
    return answers(asked, by, kept_in, server, f"{model} {', '.join(asked)}")


def _scores(questions: dict[str, list[Question]], given: dict[str, list[Answered]]) -> dict[str, list[Scores]]:
    return {
        name: [scores(TASKS[name], question, said) for question, said in zip(rows, given[name], strict=True)]
        for name, rows in questions.items()
    }


def _task_report(
    name: str, questions: list[Question], answered: dict[str, dict[str, list[Answered]]]
) -> dict[str, Any]:
    return {
        "version": TASKS[name].version,
        "rows": len(questions),
        "rows_per_second": {model: rows_per_second(given[name]) for model, given in answered.items()},
        "unanswered": {
            model: [question.place for question, said in zip(questions, given[name], strict=True) if not said.in_time]
            for model, given in answered.items()
        },
    }


if __name__ == "__main__":
    run(ability)
