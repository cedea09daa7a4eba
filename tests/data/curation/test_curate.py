import json
from collections import Counter
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.data.curation.curate import drop_duplicates, drop_filtered
from pipelines.data.curation.ledger import Ledger
from pipelines.data.examples import write_examples
from pipelines.data.splits import key_hash
from pipelines.recipe import Curate, Example, JsonAnswer

EXAMPLE = Example(user="{body}", assistant=JsonAnswer(json=("label", "level")))
LABELS = st.sampled_from(["ä", "b", None, True, 3])


def row(number, text, answer):
    return {
        "example_id": f"notes.csv:{number}",
        "prompt": [{"role": "user", "content": text}],
        "answer": answer,
        "said": text,
        "answered": "",
        "keys": [key_hash(0, text)],
        "answer_key": key_hash(-1, answer),
        "time": 0,
        "signals": [],
    }


def examples_of(folder, given):
    rows = [row(number, text, json.dumps(answer, ensure_ascii=False)) for number, (text, answer) in enumerate(given)]
    return write_examples(folder / "examples.parquet", rows)


def naive_pairs(given):
    """By field that is a choice: how many prompts have both values, the most frequent first, then the first seen."""
    values, told = {}, {"label": Counter(), "level": Counter()}
    for prompt, answer in dict.fromkeys((prompt, json.dumps(answer, ensure_ascii=False)) for prompt, answer in given):
        for field, value in json.loads(answer).items():
            values.setdefault((prompt, field), set()).add(json.dumps(value, ensure_ascii=False))
    for (_, field), found in values.items():
        told[field].update(" | ".join(pair) for pair in combinations(sorted(found), 2))
    different = {field: {json.dumps(answer[field]) for _, answer in given} for field in told}
    return {
        field: list(counts.most_common(20))
        for field, counts in told.items()
        if counts and len(different[field]) <= len(given) // 2
    }


@given(
    st.lists(
        st.tuples(st.sampled_from(["one", "two", "six"]), st.fixed_dictionaries({"label": LABELS, "level": LABELS})),
        min_size=1,
        max_size=30,
    )
)
@settings(max_examples=60, deadline=None)
def test_pairs_of_labels_are_those_that_a_dictionary_of_prompts_gives(tmp_path_factory, given):
    examples = examples_of(tmp_path_factory.mktemp("scratch"), given)
    told = drop_duplicates(examples, Ledger(len(given)), Curate(), EXAMPLE, {})
    assert {field: list(pairs.items()) for field, pairs in told["conflicting_pairs"].items()} == naive_pairs(given)


def test_rows_in_another_language_are_dropped_and_every_language_is_told(tmp_path):
    english = "the lamp went dark after the update and nothing that I tried has brought the light back"
    german = "die Lampe ist nach der Aktualisierung dunkel geblieben und nichts hat das Licht zurückgebracht"
    answer = {"label": "b", "level": 3}
    ledger = Ledger(4)
    examples = examples_of(tmp_path, [(text, answer) for text in (english, german, english, "ok")])
    told, _ = drop_filtered(examples, ledger, Curate(languages=("en",)))
    assert ledger.kept.tolist() == [True, False, True, True]
    assert told["languages"] == {"en": 0.5, "de": 0.25, "unknown": 0.25}
