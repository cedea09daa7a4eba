import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.scoring import few_shot
from pipelines.scoring.few_shot import fitting_examples, nearest_examples

WORDS = ["card", "loan", "transfer", "fee", "passcode", "refund", "top-up", "Überweisung", "lost", "abroad"]


def example(number: int, text: str) -> dict:
    prompt = [{"role": "system", "content": "You triage tickets."}, {"role": "user", "content": text}]
    return {"example_id": f"tickets.csv:{number}", "prompt": prompt, "answer": text.upper()}


def texts(rows) -> list[str]:
    return [row["prompt"][-1]["content"] for row in rows]


def test_the_nearest_examples_are_shown_and_the_nearest_of_all_last():
    train = [
        example(1, "where is my card"),
        example(2, "my card was stolen abroad"),
        example(3, "what does a loan cost"),
        example(4, "where is my refund"),
        example(5, "x" * 200),
    ]
    card, loan = nearest_examples(train, [example(9, "my card was stolen"), example(8, "the cost of my loan")], 2)
    assert texts(card) == ["where is my card", "my card was stolen abroad"]
    assert texts(loan)[-1] == "what does a loan cost"


def test_rare_words_weigh_more_than_common_ones_and_case_weighs_nothing():
    train = [example(number, f"please help me with my {word}") for number, word in enumerate(WORDS)]
    train.append(example(99, "please please help me with everything there is, help me now"))
    (near,) = nearest_examples(train, [example(100, "Please help me with my ÜBERWEISUNG")], 1)
    assert texts(near) == ["please help me with my Überweisung"]


def test_the_longest_examples_are_not_shown():
    train = [example(number, f"card number {number}") for number in range(18)]
    train += [example(99, "card " * 900), example(98, "my card " * 800)]
    (near,) = nearest_examples(train, [example(100, "card card card")], 20)
    assert len(near) == 18
    assert max(map(len, texts(near))) < 30


@pytest.mark.parametrize(("rows", "count"), [(0, 3), (2, 3), (5, 0)])
def test_no_more_examples_than_there_are_or_are_wanted(rows, count):
    train = [example(number, "a") for number in range(rows)]
    assert [len(near) for near in nearest_examples(train, [example(9, "a"), example(8, "b")], count)] == [
        min(rows, count)
    ] * 2


@pytest.mark.parametrize("text", ["", "?!", "👍", "\u200b"])
def test_texts_without_a_word_are_no_error(text):
    (near,) = nearest_examples([example(1, text), example(2, text)], [example(3, text)], 1)
    assert len(near) == 1


def test_no_question_takes_no_example():
    assert nearest_examples([example(1, "a")], [], 3) == []


def test_many_questions_are_compared_block_by_block_with_the_same_result(monkeypatch):
    train = [example(number, f"{WORDS[number % 7]} and {WORDS[number % 10]}") for number in range(40)]
    asked = [example(100 + number, f"{WORDS[number % 10]}, {WORDS[(number + 3) % 10]}") for number in range(20)]
    whole = nearest_examples(train, asked, 3)
    monkeypatch.setattr(few_shot, "_QUESTIONS_AT_ONCE", 7)
    assert nearest_examples(train, asked, 3) == whole


def test_of_many_training_rows_some_take_part_whatever_their_order(monkeypatch):
    monkeypatch.setattr(few_shot, "_MOST_CANDIDATES", 5)
    train = [example(number, "card") for number in range(60)]
    (near,) = nearest_examples(train, [example(100, "card")], 10)
    (other,) = nearest_examples(train[::-1], [example(100, "card")], 10)
    assert len(near) == 5
    assert near == other


@given(st.permutations(range(12)))
def test_examples_do_not_depend_on_the_order_of_the_training_rows(order):
    train = [example(number, f"{WORDS[number % 3]} {WORDS[number % 4]}") for number in range(12)]
    asked = [example(100, "card loan"), example(101, "fee")]
    assert nearest_examples([train[number] for number in order], asked, 3) == nearest_examples(train, asked, 3)


@given(st.lists(st.integers(1, 50), max_size=20), st.integers(0, 20), st.integers(0, 200))
def test_as_many_of_the_nearest_are_shown_as_fit(lengths, question, most):
    def tokens(shown):
        return question + sum(lengths[row["number"]] for row in shown)

    near = [{"number": number} for number in range(len(lengths))]
    kept = fitting_examples(near, tokens, most)
    # The nearest come last.
    assert list(kept) == near[len(near) - len(kept) :]
    assert not kept or tokens(kept) <= most
    assert len(kept) == len(near) or tokens(near[len(near) - len(kept) - 1 :]) > most
