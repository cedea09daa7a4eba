"""What evaluate found, as evaluation.json and metrics.json hold it: figures and ids of rows, no text of any."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pipelines.scoring.answers import Answer
from pipelines.scoring.comparison import TUNED, Comparison
from pipelines.scoring.comparison_slices import SliceRow
from pipelines.scoring.gate import RuleResult, verdict
from pipelines.scoring.variants import described


@dataclass(frozen=True)
class Evaluation:
    """All that was found; `answers` are by variant and, as the lists behind it, in the order of `example_ids`.

    `constrained` tells whether the tuned model was held to a grammar; `more` are other keys of evaluation.json, in its
    shape: confusion, calibration, judge.
    """

    example_ids: Sequence[str]
    answers: Mapping[str, Sequence[Answer]]
    comparisons: Mapping[str, Comparison]
    results: Sequence[RuleResult]
    slices: Sequence[SliceRow]
    quant: str
    gguf_sha256: str
    constrained: bool
    more: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The content of evaluation.json."""
        return {
            "verdict": verdict(self.results),
            "rows": len(self.example_ids),
            "quant": self.quant,
            "gguf_sha256": self.gguf_sha256,
            "variants": {variant: described(variant, constrained=self.constrained) for variant in self.answers},
            "metrics": {metric: found.as_json() for metric, found in self.comparisons.items()},
            "rules": [result.as_json() for result in self.results],
            "slices": [asdict(row) for row in self.slices],
            "confusion": None,
            "calibration": None,
            "judge": None,
            **self.more,
            "regressions": {metric: self._ids(found.lost or ()) for metric, found in self.comparisons.items()},
            "unanswered": {
                variant: self._ids([index for index, answer in enumerate(given) if not answer.answered])
                for variant, given in self.answers.items()
            },
        }

    def in_columns(self) -> dict[str, Any]:
        """The few figures by which runs are told apart: DVC shows each as a column."""
        means = {
            metric: {"base": found.means[found.compared_with], "tuned": found.means[TUNED]}
            for metric, found in self.comparisons.items()
        }
        return {"verdict": verdict(self.results), "rows": len(self.example_ids), **means}

    def _ids(self, places: Sequence[int]) -> list[str]:
        return [self.example_ids[place] for place in places]
