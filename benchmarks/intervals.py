"""How often 95% intervals miss the truth, by simulation: what the comparison uses, beside what it might have used.

    python -m benchmarks.intervals

Four questions, each on 30 to 300 test rows. How often lies the whole interval above or below the true difference of
two models with 0/1 scores (2.5% each are meant)? Where the difference is 0, an interval above it is a false pass of the
gate's rule `better_than_base_by: 0`. How often does this happen for the difference in macro F1? For scores that are
mostly alike with a rare failure, where it is a false pass of `at_least`, too? How often is a difference seen that
`smallest_difference` calls visible in 80% of tests? Seeded: the same figures on every machine, in two or three minutes
of one core.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.table import markdown_table
from pipelines.scoring.comparison_statistics import (
    Interval,
    Places,
    difference_interval,
    mean_interval,
    row_values,
    smallest_difference,
)

ROWS = (30, 100, 300)
CONFIDENCE = 0.95
SEED = 7
_TESTS = 2_000
_F1_TESTS = 400
_F1_RESAMPLES = 999
# Rows on which two models differ, as a share of all, and the true difference.
_MODELS = ((0.05, 0.0), (0.1, 0.0), (0.3, 0.0), (0.1, 0.08), (0.3, 0.2), (0.5, 0.4))
# Scores and differences that are mostly alike: value -> share of rows.
_SKEWED: dict[str, tuple[Callable[..., Interval], dict[float, float]]] = {
    "score 1 on 60%, 0.9 on 37%, 0 on 3%": (mean_interval, {1.0: 0.6, 0.9: 0.37, 0.0: 0.03}),
    "score 1 on 92%, 2/3 on 5%, 0 on 3%": (mean_interval, {1.0: 0.92, 2 / 3: 0.05, 0.0: 0.03}),
    "difference 0.1 on 20%, -1 on 2%": (difference_interval, {0.1: 0.2, 0.0: 0.78, -1.0: 0.02}),
}
_OURS = "percentile, a win and a loss added (ours)"

Table = tuple[int, int, int]


def differences_of(table: Table) -> NDArray[np.float64]:
    """Row by row 1, -1 or 0, from the numbers of wins, losses and ties."""
    return np.repeat([1.0, -1.0, 0.0], table)


@cache
def plain(table: Table) -> Interval:
    """scipy's percentile bootstrap of the mean."""
    return _scipy_bootstrap(table, "percentile")


@cache
def bca(table: Table) -> Interval:
    """scipy's BCa bootstrap of the mean."""
    return _scipy_bootstrap(table, "BCa")


@cache
def ours(table: Table) -> Interval:
    """What evaluate reports."""
    return difference_interval(differences_of(table), CONFIDENCE)


def bonett_price(table: Table) -> Interval:
    """Bonett and Price 2012, formula 3: the adjusted Wald interval of paired proportions' difference."""
    wins, losses, rows = table[0] + 1, table[1] + 1, sum(table) + 2
    difference = (wins - losses) / rows
    half = stats.norm.ppf((1 + CONFIDENCE) / 2) * np.sqrt(((wins + losses) / rows - difference**2) / rows)
    return difference - half, difference + half


METHODS: dict[str, Callable[[Table], Interval]] = {
    "percentile": plain,
    "BCa": bca,
    "Bonett-Price": bonett_price,
    _OURS: ours,
}


def _scipy_bootstrap(table: Table, method: str) -> Interval:
    return _plain_interval(differences_of(table), method)


def _plain_interval(values: NDArray[np.float64], method: str = "percentile") -> Interval:
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    found = stats.bootstrap(
        (values,), np.mean, n_resamples=1_999, method=method, rng=np.random.default_rng(SEED)
    ).confidence_interval
    return float(found.low), float(found.high)


def tables(rows: int, differing: float, difference: float, tests: int) -> list[Table]:
    """Simulated tests: the numbers of wins, losses and ties of each."""
    shares = [(differing + difference) / 2, (differing - difference) / 2, 1 - differing]
    drawn = np.random.default_rng(SEED).multinomial(rows, shares, size=tests).tolist()
    return [(wins, losses, ties) for wins, losses, ties in drawn]


def misses(method: Callable[[Table], Interval], rows: int, differing: float, difference: float) -> tuple[float, float]:
    """Share of tests in which the interval lies wholly above, and wholly below, the true difference."""
    found = np.array([method(table) for table in tables(rows, differing, difference, _TESTS)])
    return float((found[:, 0] > difference + 1e-9).mean()), float((found[:, 1] < difference - 1e-9).mean())


def coverage_rows() -> list[list[str]]:
    """A line for each number of rows and pair of models; above and below by method."""
    return [
        [
            f"{rows}",
            f"{differing:g}",
            f"{difference:+g}",
            *(_percents(misses(m, rows, differing, difference)) for m in METHODS.values()),
        ]
        for rows in ROWS
        for differing, difference in _MODELS
    ]


def skewed_rows() -> list[list[str]]:
    """A line for each kind of scores and number of rows: misses above and below, of plain bootstraps and of ours."""
    return [
        [said, f"{rows}", *map(_percents, _skewed_misses(interval, shares, rows))]
        for said, (interval, shares) in _SKEWED.items()
        for rows in ROWS
    ]


def _skewed_misses(
    interval: Callable[..., Interval], shares: dict[float, float], rows: int
) -> list[tuple[float, float]]:
    values = np.array(list(shares))
    truth = float(values @ list(shares.values()))
    drawn = np.random.default_rng(SEED).multinomial(rows, list(shares.values()), size=_TESTS)
    found, places = np.unique(drawn, axis=0, return_inverse=True)
    missed = []
    for method in (_plain_interval, lambda scores: interval(scores, CONFIDENCE)):
        ends = np.array([method(np.repeat(values, counts)) for counts in found])[places]
        missed.append((float((ends[:, 0] > truth + 1e-9).mean()), float((ends[:, 1] < truth - 1e-9).mean())))
    return missed


def visible_rows() -> list[list[str]]:
    """A line for each number of rows: the smallest difference that is called visible, and how often it is seen."""
    lines = []
    for rows in ROWS:
        for differing in (0.05, 0.1, 0.3):
            wins = round(rows * differing / 2)
            smallest = smallest_difference(differences_of((wins, wins, rows - 2 * wins)), CONFIDENCE)
            assert smallest is not None
            seen = np.mean([ours(table)[0] > 0 for table in tables(rows, max(differing, smallest), smallest, _TESTS)])
            lines.append([f"{rows}", f"{differing:g}", f"{smallest:.3f}", f"{seen:.0%}"])
    return lines


def macro_f1(expected: Places, answered: Places, labels: int) -> Callable[[Places], float]:
    """Macro F1 over the labels that occur, as scikit-learn's, fast enough for a million calls."""

    def of_rows(places: Places) -> float:
        right = expected[places][expected[places] == answered[places]]
        hits = np.bincount(right, minlength=labels)
        both = np.bincount(expected[places], minlength=labels) + np.bincount(answered[places], minlength=labels)
        return float((2 * hits[both > 0] / both[both > 0]).mean())

    return of_rows


def f1_rows() -> list[list[str]]:
    """A line for each setting: misses above and below, by recomputing on resampled rows and by pseudo-values."""
    settings = ((100, 5, 0.6, 0.6), (100, 5, 0.6, 0.8), (200, 20, 0.6, 0.8), (200, 77, 0.6, 0.6), (200, 77, 0.3, 0.7))
    return [
        [f"{rows}", f"{labels}", f"{base:g}", f"{tuned:g}", *map(_percents, _f1_misses(rows, labels, base, tuned))]
        for rows, labels, base, tuned in settings
    ]


def _f1_misses(rows: int, labels: int, base: float, tuned: float) -> list[tuple[float, float]]:
    generator = np.random.default_rng(SEED)
    truth = _f1_difference(generator, 300_000, labels, base, tuned)(np.arange(300_000)) if base != tuned else 0.0
    missed = np.zeros((2, 2))
    for _ in range(_F1_TESTS):
        difference = _f1_difference(generator, rows, labels, base, tuned)
        picks = generator.integers(rows, size=(_F1_RESAMPLES, rows))
        recomputed = np.quantile([difference(places) for places in picks], (0.025, 0.975))
        pseudo = difference_interval(row_values(difference, np.arange(rows)), CONFIDENCE)
        for number, (low, high) in enumerate((recomputed, pseudo)):
            missed[number] += (low > truth + 1e-9, high < truth - 1e-9)
    return [(above, below) for above, below in (missed / _F1_TESTS).tolist()]


def _f1_difference(
    generator: np.random.Generator, rows: int, labels: int, base: float, tuned: float
) -> Callable[[Places], float]:
    """Tuned minus base in macro F1 on simulated rows; label k has a share in proportion to 1 / sqrt(k)."""
    shares = np.arange(1, labels + 1) ** -0.5
    shares /= shares.sum()
    expected = generator.choice(labels, rows, p=shares)
    answers = [
        np.where(generator.random(rows) < right, expected, generator.choice(labels, rows, p=shares))
        for right in (base, tuned)
    ]
    before, after = (macro_f1(expected, answered, labels) for answered in answers)
    return lambda places: after(places) - before(places)


def _percents(shares: tuple[float, float]) -> str:
    return " / ".join(f"{share * 100:.1f}" for share in shares)


def main() -> None:
    """Print the four tables."""
    print("Intervals wholly above / below the true difference of 0/1 scores, % of tests\n")
    print(markdown_table(["rows", "differing", "difference", *METHODS], coverage_rows()))
    print("\nThe same for macro F1\n")
    head = ["rows", "labels", "base right", "tuned right", "recomputed on resampled rows", "pseudo-values (ours)"]
    print(markdown_table(head, f1_rows()))
    print("\nScores that are mostly alike with a rare failure\n")
    print(markdown_table(["scores", "rows", "percentile", "the worst and the best added (ours)"], skewed_rows()))
    print("\nHow often the smallest visible difference is seen\n")
    print(markdown_table(["rows", "differing", "smallest difference", "seen"], visible_rows()))


if __name__ == "__main__":
    main()
