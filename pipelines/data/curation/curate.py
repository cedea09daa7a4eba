"""The steps of curation over all rows; each drops rows in the ledger and returns what the datasheet says of it."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, combinations, groupby
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.data.curation.balance import over_cap
from pipelines.data.curation.boilerplate import boilerplate_lines, boilerplate_shares, without_boilerplate
from pipelines.data.curation.contamination import benchmark_texts, contaminated, grams_of
from pipelines.data.curation.hidden_text import SIGNALS
from pipelines.data.curation.languages import UNKNOWN, known_languages, languages
from pipelines.data.curation.ledger import Ledger, Mask
from pipelines.data.curation.near_duplicates import near_duplicate_clusters
from pipelines.data.curation.triggers import find_triggers
from pipelines.data.duplicates import contradicted, repeats
from pipelines.data.examples import Examples
from pipelines.data.labels import Choices, LabelCounts
from pipelines.data.rendering import answer_fields
from pipelines.data.splits import TEST, TRAIN, Keys, Numbers, different
from pipelines.data.words import words
from pipelines.recipe import Curate, Example

_TOLD_LANGUAGES = 10_000  # rows of which the language is told, where no language is asked for
_TRIGGER_ROWS = 50_000
_MOST_PAIRS = 20


def drop_duplicates(
    examples: Examples, ledger: Ledger, curate: Curate, example: Example, choices: Choices
) -> dict[str, Any]:
    """Drop all but the first of exact duplicates; count, and where asked drop, prompts with several answers."""
    prompts, answers = examples.keys()[:, -1], examples.numbers("answer_key")
    ledger.drop("duplicate", repeats(prompts, answers))
    conflicting = contradicted(prompts, answers)
    pairs = _label_pairs(examples, conflicting & ledger.kept, example, choices)
    ledger.drop("conflicting_label", conflicting & (curate.conflicting_labels == "drop"))
    return {"conflicting_labels": different(prompts[conflicting]), "conflicting_pairs": pairs}


def drop_filtered(examples: Examples, ledger: Ledger, curate: Curate) -> tuple[dict[str, Any], set[int]]:
    """Drop rows by length, language and boilerplate; also gives the boilerplate's lines, as hashes."""
    counts = np.fromiter((len(words(text)) for text in examples.texts(ledger.kept)), np.int64)
    too_short, too_wordy = counts < (curate.min_words or 0), counts > (curate.max_words or np.inf)
    kept = ledger.kept
    ledger.drop("too_few_words", spread(too_short, kept))
    ledger.drop("too_many_words", spread(too_wordy, kept))
    told_languages = _drop_languages(examples, ledger, curate)
    lines = boilerplate_lines(examples.texts(ledger.kept))
    shares = np.fromiter(boilerplate_shares(examples.texts(ledger.kept), lines), float)
    most = 1.0 if curate.max_boilerplate is None else curate.max_boilerplate
    boilerplate = {"lines": len(lines), "rows": int((shares > 0).sum())}
    ledger.drop("boilerplate", spread(shares > most, ledger.kept))
    shortest, median, longest = np.quantile(counts, [0, 0.5, 1]) if len(counts) else (0, 0, 0)
    told = {
        "languages": told_languages,
        "words": {"shortest": int(shortest), "median": int(median), "longest": int(longest)},
        "boilerplate": boilerplate,
    }
    return told, lines


def drop_suspicious(
    examples: Examples, ledger: Ledger, curate: Curate, example: Example, choices: Choices
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Count, and where asked drop, rows with hidden text or a trigger phrase; the phrases, too, which are data."""
    kept = ledger.kept
    found: Counter[str] = Counter()
    hidden = np.zeros(int(kept.sum()), bool)
    for place, row in enumerate(examples.rows(["signals"], kept)):
        found.update(row["signals"])
        hidden[place] = bool(row["signals"])
    triggered, phrases = _triggered(examples, kept, example, choices)
    drop = curate.suspicious == "drop"
    ledger.drop("hidden_text", spread(hidden, kept) & drop)
    ledger.drop("trigger_phrase", triggered & drop)
    told = {
        "hidden_text": {signal: found[signal] for signal in SIGNALS},
        "trigger_phrases": len(phrases),
        "trigger_rows": int(triggered.sum()),
    }
    return told, phrases


def cluster_near_duplicates(
    examples: Examples, ledger: Ledger, curate: Curate, boilerplate: set[int], scratch: Path
) -> tuple[Keys, dict[str, int]]:
    """A key for each row (over all rows) that its near duplicates share; drops all but each one's first where asked.

    Rows are compared by their prompts and, where the answer is long, by both together.
    """
    kept = ledger.kept
    rows = (
        (said, "\n".join([said, *answer])) if answer else (said,) for said, *answer in _own(examples, kept, boilerplate)
    )
    clusters = near_duplicate_clusters(rows, curate.similarity, scratch)
    sizes = np.bincount(clusters, minlength=1)
    alone = clusters == np.arange(len(clusters))
    ledger.drop("near_duplicate", spread(~alone, kept) & (curate.near_duplicates == "drop"))
    keys = np.zeros(len(kept), np.uint64)
    keys[kept] = clusters.astype(np.uint64) + np.uint64(1)
    return keys, {
        "clusters": int((sizes > 1).sum()),
        "rows": int(sizes[sizes > 1].sum()),
        "largest": int(sizes.max(initial=0)),
    }


def drop_contaminated(
    examples: Examples, ledger: Ledger, sides: Numbers, boilerplate: set[int], benchmarks: Sequence[Path]
) -> dict[str, int]:
    """Drop training and validation rows that share a run of words with a test row or a benchmark."""
    taught = (sides < TEST) & ledger.kept
    judged = grams_of(chain.from_iterable(_own(examples, (sides == TEST) & ledger.kept, boilerplate)))
    ledger.drop("contaminated", spread(contaminated(_own(examples, taught, boilerplate), judged), taught))
    taught &= ledger.kept
    overlapping = {
        path: contaminated(_own(examples, taught, boilerplate), grams_of(benchmark_texts(path))) for path in benchmarks
    }
    every = np.any([np.zeros(taught.sum(), bool), *overlapping.values()], axis=0)
    ledger.drop("in_benchmark", spread(every, taught))
    return {str(path): int(rows.sum()) for path, rows in overlapping.items()}


def drop_over_caps(examples: Examples, ledger: Ledger, sides: Numbers, groups: Keys, curate: Curate) -> None:
    """Drop training rows beyond the recipe's caps for a label (a whole answer) and a group."""
    answers, ranks = examples.numbers("answer_key"), examples.keys()[:, -1]
    for reason, kinds, most in (
        ("over_label_cap", answers, curate.max_per_label),
        ("over_group_cap", groups, curate.max_per_group),
    ):
        taught = (sides == TRAIN) & ledger.kept
        over = over_cap(kinds[taught], ranks[taught], most) if most is not None else np.zeros(taught.sum(), bool)
        ledger.drop(reason, spread(over, taught))


def spread(rows: Mask, wanted: Mask) -> Mask:
    """A mask over all rows from `rows`, a mask over those that `wanted` names."""
    every = np.zeros(len(wanted), bool)
    every[wanted] = rows
    return every


def _own(examples: Examples, wanted: Mask, boilerplate: set[int]) -> Iterator[tuple[str, ...]]:
    """What each row says (see Examples.parts) that is no boilerplate."""
    return (tuple(without_boilerplate(text, boilerplate) for text in parts) for parts in examples.parts(wanted))


def _drop_languages(examples: Examples, ledger: Ledger, curate: Curate) -> dict[str, float]:
    """Drop rows in other languages than those asked for; the share of each language among the rows looked at."""
    asked = set(curate.languages)
    looked_at = ledger.kept
    if not asked:  # only told: enough rows to tell shares by, those with the smallest hashes
        ranks = examples.keys()[:, -1]
        looked_at &= np.isin(ranks, np.sort(ranks[looked_at])[:_TOLD_LANGUAGES])
    names = [UNKNOWN, *sorted(known_languages())]
    number = {name: place for place, name in enumerate(names)}
    told = np.fromiter((number[name] for name in languages(examples.texts(looked_at))), np.uint8)
    foreign = ~np.isin(told, [number[name] for name in (*asked, UNKNOWN)]) & bool(asked)
    ledger.drop("language", spread(foreign, looked_at))
    counts = Counter(names[place] for place in told)
    return {language: round(count / len(told), 4) for language, count in counts.most_common()}


def _label_pairs(examples: Examples, rows: Mask, example: Example, by_contract: Choices) -> dict[str, dict[str, int]]:
    """By answer field: the pairs of values that one prompt comes with, most frequent first.

    Only of fields that are a choice, since other values are text of the data, which no report may show.
    """
    choices = _choices(examples, np.ones(len(rows), bool), example, by_contract)
    texts = {field: [json.dumps(value, ensure_ascii=False) for value in values] for field, values in choices.items()}
    number = {(field, text): place for field, known in texts.items() for place, text in enumerate(known)}
    codes = np.full((len(texts), int(rows.sum())), -1, np.int64)
    for place, row in enumerate(examples.rows(["answer"], rows)):
        fields = answer_fields(example, row["answer"])
        codes[:, place] = [
            number[field, json.dumps(fields[field], ensure_ascii=False)] if field in fields else -1 for field in texts
        ]
    _, first, prompt = np.unique(examples.keys()[rows, -1], return_index=True, return_inverse=True)
    return {
        field: pairs
        for field, field_codes in zip(texts, codes, strict=True)
        if (pairs := _most_frequent_pairs(first[prompt], field_codes, texts[field]))
    }


def _most_frequent_pairs(prompts: Numbers, codes: Numbers, texts: Sequence[str]) -> dict[str, int]:
    """How many prompts have both values of a pair; a value is its place in `texts`, -1 for none."""
    known = codes >= 0
    each = np.unique(prompts[known] * len(texts) + codes[known])
    counts: Counter[str] = Counter()
    for _, found in groupby(map(int, each), key=lambda value: value // len(texts)):
        counts.update(" | ".join(pair) for pair in combinations([texts[value % len(texts)] for value in found], 2))
    return dict(counts.most_common(_MOST_PAIRS))


def _triggered(
    examples: Examples, kept: Mask, example: Example, by_contract: Choices
) -> tuple[Mask, list[dict[str, Any]]]:
    """Rows with a trigger phrase, looked for among at most 50,000 rows spread over all, and the phrases."""
    positions = np.flatnonzero(kept)
    if len(positions) > _TRIGGER_ROWS:
        positions = positions[np.linspace(0, len(positions) - 1, _TRIGGER_ROWS).astype(int)]
    looked_at = np.zeros(len(kept), bool)
    looked_at[positions] = True
    choices = _choices(examples, looked_at, example, by_contract)
    rows = list(examples.rows(["said", "answer", "example_id"], looked_at)) if choices else []
    answers = [answer_fields(example, row["answer"]) for row in rows]
    triggered, phrases = np.zeros(len(kept), bool), []
    for field in choices:
        labels = [json.dumps(answer.get(field), ensure_ascii=False) for answer in answers]
        for trigger in find_triggers([row["said"] for row in rows], labels):
            triggered[positions[list(trigger.rows)]] = True
            found = {"field": field, "phrase": trigger.phrase, "label": trigger.label, "z": trigger.z}
            phrases.append({**found, "rows": [rows[row]["example_id"] for row in trigger.rows]})
    return triggered, phrases


def _choices(examples: Examples, wanted: Mask, example: Example, by_contract: Choices) -> Mapping[str, list[Any]]:
    counts = LabelCounts(by_contract)
    for row in examples.rows(["answer"], wanted):
        counts.add(answer_fields(example, row["answer"]), TRAIN, "")
    return counts.choices()
