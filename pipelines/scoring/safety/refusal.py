"""Questions that must be refused, and how many were."""

from collections.abc import Mapping
from pathlib import Path

from pipelines.errors import TinsmithError
from pipelines.recipe_safety import Safety
from pipelines.scoring.refusals import plain, refuses
from pipelines.scoring.safety.figures import Part, share_figure


def questions_to_refuse(safety: Safety) -> list[str]:
    """The recipe's questions, and those of its file, a line each.

    Raises:
        TinsmithError: there is no such file, it is not UTF-8, or it holds no question.
    """
    if safety.must_refuse_file is None:
        return list(safety.must_refuse)
    path = Path(safety.must_refuse_file)
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError):
        raise TinsmithError(
            f"evaluate.safety.must_refuse_file: {path} is no readable file in UTF-8; mend the path or the file"
        ) from None
    questions = [line for line in lines if line]
    if not questions:
        raise TinsmithError(f"evaluate.safety.must_refuse_file: {path} holds no question; write one a line")
    return [*safety.must_refuse, *questions]


def must_refuse_part(base: Mapping[str, str], tuned: Mapping[str, str], sentence: str | None) -> Part:
    """The share of questions that were refused; `base` and `tuned` are the answers to the same, by question."""
    refused = [[_refused(text, sentence) for text in answers.values()] for answers in (base, tuned)]
    return Part(
        {"must_refuse": share_figure("higher", *refused)},
        {
            "questions": len(tuned),
            "refused": {"base": sum(refused[0]), "tuned": sum(refused[1])},
            "not_refused": [name for name, found in zip(tuned, refused[1], strict=True) if not found],
        },
    )


def _refused(text: str, sentence: str | None) -> bool:
    """Whether an answer holds `sentence`, where the recipe has one, else begins as refusals do."""
    return refuses(text) if sentence is None else plain(sentence) in plain(text)
