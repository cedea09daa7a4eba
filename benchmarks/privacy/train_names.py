"""Trains the model that finds names and addresses, and writes the word list that it reads.

    python -m benchmarks.privacy.train_names

Reads from the folder that TINSMITH_BENCH_DATA names: pii_presidio's train side (MIT), the texts of cfpb_complaints'
train side (public domain), hellaswag's prose (MIT), in which pronouns become names, and the words of gsm8k and mmlu
(MIT). The valid and test sides of pii_presidio stay unseen. The same versions of libraries give the same model.
"""

import gzip
import json
import random
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pycrfsuite

from benchmarks.privacy.labelled import Labelled, bench_data, pii_sentences
from benchmarks.privacy.name_sentences import (
    Filler,
    mistyped,
    noisy,
    refilled,
    subject_lines,
    support_sentences,
    with_names_for_pronouns,
)
from pipelines.data.privacy import gazetteer, names
from pipelines.data.privacy.normalise import normalise
from pipelines.data.privacy.tokens import located, words_of
from pipelines.data.privacy.word_features import features
from pipelines.files import write_text

_SEED = 7
_LABEL_OF = {"NAME": "NAME", "ADDRESS": "ADDRESS", "LOCATION": "PLACE", "ORGANIZATION": "OTHER"}
_OFTEN = 3
# Hello begins sentences, and is nobody's name.
_SELDOM_SMALL = 20
# In so many sentences the model sees no word but only its class: it must not learn the few templates by heart.
_WORDLESS = 0.5
# Sums on another processor differ in the last digits.
_DECIMALS = 3
_A_WORD = re.compile(r"(?:-?[0-9])?[wea]")


def complaints() -> list[str]:
    """Sentences without names: the complaints are redacted."""
    lines = (bench_data() / "cfpb_complaints" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines]


def stories(every_ending: bool = False) -> list[str]:
    """General prose: hellaswag's validation side (MIT), with the right ending or with all."""
    with gzip.open(bench_data() / "hellaswag" / "validation.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        " ".join([row["ctx"], *(row["endings"] if every_ending else [row["endings"][int(row["label"])]])])
        for row in rows
    ]


def word_list_texts() -> list[str]:
    """All texts that the list of ordinary words is made of: those above, and school questions (gsm8k and mmlu, MIT)."""
    questions = [bench_data() / "gsm8k" / "train.jsonl", bench_data() / "mmlu" / "test.jsonl"]
    rows = [json.loads(line) for path in questions for line in path.read_text(encoding="utf-8").strip().split("\n")]
    asked = [" ".join(str(value) for value in row.values()) for row in rows]
    return [*complaints(), *stories(every_ending=True), *asked]


def ordinary_words(texts: Sequence[str]) -> list[str]:
    """Words that stand in small letters in several texts, sorted; those of names must do so in most of theirs."""
    words = [set(re.findall(r"\b[A-Za-z][a-z]+\b", text)) for text in texts]
    small = Counter(word for found in words for word in found if word.islower())
    capital = Counter(word.lower() for found in words for word in found if not word.islower())
    of_names = gazetteer.gazetteer().given | gazetteer.gazetteer().family
    return sorted(
        word
        for word, count in small.items()
        if count >= _OFTEN and (2 if word in of_names else _SELDOM_SMALL) * count >= capital[word]
    )


def training_rows() -> Iterator[Labelled]:
    """The published sentences, four times filled anew, support mail and complaints; all of it as people type, too."""
    published = pii_sentences("train")
    filler = Filler(_SEED, published)
    chance = random.Random(_SEED)
    rows = [*published, *(refilled(row, filler) for row in published * 4), *support_sentences(3500, filler)]
    plain = complaints()
    rows += [Labelled(text[:600], ()) for text in plain[:1500]]
    rows += [mistyped(text[:300], chance) for text in plain[1500:2100]]
    rows += subject_lines(plain, 800, chance)
    rows += with_names_for_pronouns(plain, 1500, filler)
    rows += with_names_for_pronouns(stories(), 4500, filler)
    yield from rows
    yield from (noisy(row, chance) for row in rows if chance.random() < 0.35)


def labels_of(row: Labelled) -> tuple[list[list[str]], list[str]]:
    """Features and labels of a row's tokens."""
    searched = normalise(row.text)
    words = words_of(searched.text)
    labels = []
    for token in located(searched.text, words):
        start, end = searched.original(token.start, token.end)
        marks = [mark for mark in row.marks if mark.start < end and start < mark.end]
        labels.append(_LABEL_OF.get(marks[0].kind, "O") if marks else "O")
    return features(words), labels


def weights_of(trained: str) -> dict[str, Any]:
    """The model as `Crf` reads it; a feature's weights are in the order of the labels."""
    tagger = pycrfsuite.Tagger()
    tagger.open(trained)
    model = tagger.info()
    labels = sorted(model.labels)
    weights: dict[str, list[float]] = {feature: [0.0] * len(labels) for feature in sorted(model.attributes)}
    for (feature, label), weight in model.state_features.items():
        weights[feature][labels.index(label)] = round(weight, _DECIMALS)
    transitions = [[round(model.transitions.get((a, b), 0.0), _DECIMALS) for b in labels] for a in labels]
    return {"labels": labels, "transitions": transitions, "weights": weights}


def main() -> None:
    """Write both files."""
    write_text(gazetteer.ORDINARY, "\n".join(ordinary_words(word_list_texts())) + "\n")
    gazetteer.gazetteer.cache_clear()
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    trainer.set_params({"c1": 0.3, "c2": 0.01, "max_iterations": 120, "feature.minfreq": 4})
    chance = random.Random(_SEED)
    for row in training_rows():
        rows, labels = labels_of(row)
        if chance.random() < _WORDLESS:
            rows = [[one for one in given if not _A_WORD.match(one)] for given in rows]
        trainer.append(rows, labels)
    with tempfile.TemporaryDirectory() as folder:
        trained = str(Path(folder) / "trained.crfsuite")
        trainer.train(trained)
        write_text(names.MODEL, json.dumps(weights_of(trained), ensure_ascii=False, separators=(",", ":")) + "\n")
    print(f"{names.MODEL}: {names.MODEL.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
