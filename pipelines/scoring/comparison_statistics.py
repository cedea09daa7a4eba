"""What paired rows can tell: intervals, p-values, and the smallest difference that so many rows would show.

Every interval of a mean is a percentile bootstrap over the rows with two rows added, the worst and the best that there
can be: what was never seen may still happen once in so many rows. By simulation on 30 to 300 rows of 0/1 scores
(benchmarks/intervals.py), where 2.5% are meant, the plain percentile bootstrap and BCa lie wholly on one side of the
truth in up to 6.6% of tests, this one in up to 4.2%, and the others are [0, 0] where no row differs. Of scores that are
mostly alike with a rare failure the plain one lies above the truth in up to 48% of tests.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from pipelines.errors import TinsmithError
from pipelines.scoring.metrics.figures import Measured, Scores

Places = NDArray[np.intp]
Interval = tuple[float, float]

# Of the intervals of figures, where the recipe has no say.
CONFIDENCE = 0.95
SEED = 20_240_229
RESAMPLES = 9_999
DIGITS = 6
POWER = 0.8
# Numbers drawn at once.
_BATCH = 2_000_000
# Means that are equal on paper differ in the last bits.
_TIE = 1e-9


def row_values(measured: Measured, places: Places) -> Scores:
    """A number for each of the rows at `places`, whose mean is the figure of these rows.

    Of a metric of rows these are the scores. Of one of the whole set they are the jackknife's pseudo-values
    (Tukey 1958), n T - (n - 1) T without the row, moved to the mean T: what each row adds to T. They are resampled as
    scores are. Recomputing T on resampled rows instead loses rare labels: with 77 labels on 200 rows, where 5% are
    meant, such intervals of macro F1's difference missed the truth in 7 and 8% of tests, these in 2%
    (benchmarks/intervals.py).
    """
    if isinstance(measured, np.ndarray):
        return measured[places]
    whole = measured(places)
    if not np.isfinite(whole):
        raise TinsmithError(f"evaluate.metrics: a metric gives no number for {len(places)} rows; mend the metric")
    count = len(places)
    if count == 1:
        return np.array([whole])
    without = np.array([measured(np.delete(places, index)) for index in range(count)])
    pseudo = count * whole - (count - 1) * without
    return np.asarray(pseudo - pseudo.mean() + whole)


def mean_interval(values: Scores, confidence: float, ends: Interval = (0.0, 1.0)) -> Interval:
    """Two-sided interval of the mean of scores that lie between two `ends`.

    Of 0/1 scores the exact one (Clopper and Pearson 1934), else a bootstrap with a row at either end added.
    """
    if ends == (0, 1) and _is_binary(values):
        exact = stats.binomtest(int(values.sum()), len(values)).proportion_ci(confidence, method="exact")
        return rounded(exact.low), rounded(exact.high)
    return _percentiles(values, resampled_means(values, ends), confidence, ends)


def difference_interval(differences: Scores, confidence: float, largest: float = 1.0) -> Interval:
    """Two-sided interval of the mean of paired differences: the paired bootstrap with one win and one loss added.

    `largest` is the largest difference that there can be, infinity where there is none. The win and the loss are as
    large, or as large as any that was seen.

    For 0/1 scores this is the bootstrap form of Bonett and Price's adjusted interval for paired proportions (2012,
    Journal of Educational and Behavioral Statistics 37:479-488), and it leaves 0 out only where exact McNemar does, so
    that few rows that differ prove nothing.
    """
    low, high = _percentiles(differences, _resampled(differences, largest), confidence, (-largest, largest))
    if _is_won_or_lost(differences) and difference_p_value(differences) >= 1 - confidence:
        return min(low, 0.0), max(high, 0.0)
    return low, high


def difference_p_value(differences: Scores) -> float:
    """Two-sided p-value of "no difference": exact McNemar where the scores were 0/1, else from the bootstrap."""
    if _is_won_or_lost(differences):
        return mcnemar(int((differences > 0).sum()), int((differences < 0).sum()))
    means = _resampled(differences, largest=1.0)
    crossing = min((means <= 0).sum(), (means >= 0).sum())
    if not crossing:
        return _beyond_resamples(2, abs(means.mean()) / means.std())
    return min(1.0, 2 * float(1 + crossing) / (RESAMPLES + 1))


def mcnemar(wins: int, losses: int) -> float:
    """Exact two-sided p-value of as many rows that only one of two models has right (McNemar 1947, binomial form)."""
    return float(stats.binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def gap_p_values(scores: Scores, parts: Sequence[Places]) -> list[float]:
    """Two-sided p-value of "these rows score like all others" for each of `parts`, of which none holds all rows.

    Where scores are 0/1 that of Fisher's exact test (1935), else of a permutation test of the two means' difference;
    the same 9,999 shuffles of a fixed seed serve every part, and a gap that none of them reaches is told by the normal
    distribution of so many.
    """
    if _is_binary(scores):
        return [_fisher(scores[places], np.delete(scores, places)) for places in parts]
    inside = np.zeros((len(scores), len(parts)))
    for number, places in enumerate(parts):
        inside[places, number] = 1
    counts = inside.sum(axis=0)
    # A row's weight in the mean of a part less that of all other rows.
    weights = inside / counts - (1 - inside) / (len(scores) - counts)
    found = np.abs(scores @ weights) - _TIE
    generator = np.random.default_rng(SEED)
    as_far = np.ones(len(parts))
    for count in _batches(len(scores)):
        shuffled = generator.permuted(np.tile(scores, (count, 1)), axis=1)
        as_far += (np.abs(shuffled @ weights) >= found).sum(axis=0)
    deviations = scores.std(ddof=1) * np.sqrt(len(scores) / (counts * (len(scores) - counts)))
    return [
        _beyond_resamples(1, gap / deviation) if number == 1 else float(number) / (RESAMPLES + 1)
        for number, gap, deviation in zip(as_far, found, deviations, strict=True)
    ]


def _beyond_resamples(fewest: int, deviations: float) -> float:
    """Two-sided p-value of a mean that no resample reached, from how many of its standard deviations it is away.

    At most what `fewest` resamples would come to. Without this, a correction for many tests makes all of them certain
    to be chance, since no p-value can fall below one in 10,000.
    """
    return min(fewest / (RESAMPLES + 1), 2 * float(stats.norm.sf(deviations)))


def _fisher(some: Scores, others: Scores) -> float:
    table = [[right := int(scores.sum()), len(scores) - right] for scores in (some, others)]
    return float(stats.fisher_exact(table).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values corrected for their number, step by step from the smallest (Holm 1979).

    Slices overlap, and Holm's method asks nothing of how p-values depend on each other, where Benjamini and Hochberg's
    does. It bounds what a reader fears: with no real difference anywhere, the chance that any of all these p-values
    falls below 0.05 is at most 5%.
    """
    order = np.argsort(p_values, kind="stable")
    stepped = np.sort(p_values) * np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1.0) if len(p_values) else []
    return [float(value) for value in corrected]


def smallest_difference(differences: Scores, confidence: float) -> float | None:
    """The smallest true mean difference whose interval's lower end is above 0 in 80% of tests as large as this one.

    Solves Connor's sample size for paired proportions (1987, Biometrics 43:207-211, formula 3.2) for the difference d:
    sqrt(n) d = z_confidence sqrt(q) + z_power sqrt(q - d^2), where q is the mean squared difference, for 0/1 scores the
    share of rows on which the models differ. A test that shows d has at least as many of these as d needs. Of other
    scores the added win and loss are the more of it the smaller the differences are, so there they count. None where
    even the largest difference would not be seen.
    """
    largest = float(np.abs(differences).max()) or 1.0
    added = 0.0 if _is_won_or_lost(differences) else 2 / len(differences)
    squared = float(np.square(differences).mean())
    sure, power = stats.norm.ppf((1 + confidence) / 2), stats.norm.ppf(POWER)

    def beyond(difference: float) -> float:
        q = max(squared, largest * difference)
        needed = sure * np.sqrt(q + added) + power * np.sqrt(max(q - difference**2, 0.0))
        return float(np.sqrt(len(differences)) * difference - needed)

    if beyond(largest) <= 0:
        return None
    return rounded(optimize.brentq(beyond, largest * 1e-9, largest))


def resampled_means(values: Scores, added: tuple[float, float]) -> Scores:
    """9,999 bootstrap means of `values` and two more rows; the seed is fixed: equal values, equal means."""
    padded = np.append(values, added)
    generator = np.random.default_rng(SEED)
    picks = (generator.integers(len(padded), size=(count, len(padded))) for count in _batches(len(padded)))
    return np.concatenate([padded[places].mean(axis=1) for places in picks])


def rounded(value: float) -> float:
    """The number as reports give it, without a negative zero."""
    return round(float(value), DIGITS) + 0.0


def _batches(rows: int) -> list[int]:
    """How many resamples of so many rows are drawn at once, time after time."""
    most = max(1, _BATCH // rows)
    return [min(most, RESAMPLES - start) for start in range(0, RESAMPLES, most)]


def _resampled(differences: Scores, largest: float) -> Scores:
    """`largest` as in difference_interval; pseudo-values may be larger."""
    seen = float(np.abs(differences).max()) or 1.0
    scale = max(seen, largest) if np.isfinite(largest) else seen
    return resampled_means(differences, (-scale, scale))


def _percentiles(values: Scores, means: Scores, confidence: float, ends: Interval) -> Interval:
    """The middle `confidence` of the means, within `ends`, which pseudo-values may leave.

    The mean itself is always inside; the added rows pull away from it.
    """
    low, high = np.quantile(means, ((1 - confidence) / 2, (1 + confidence) / 2))
    mean = values.mean()
    return rounded(max(min(low, mean), ends[0])), rounded(min(max(high, mean), ends[1]))


def _is_binary(values: Scores) -> bool:
    return bool(np.isin(values, (0, 1)).all())


def _is_won_or_lost(differences: Scores) -> bool:
    return bool(np.isin(differences, (-1, 0, 1)).all())
