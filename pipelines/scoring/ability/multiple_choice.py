"""Scores of questions whose choices the model weighs by their likelihood."""

from collections.abc import Sequence

import numpy as np

from pipelines.scoring.ability.questions import Measure, Question, Scores

ACCURACY = Measure("", ("acc",))
NORMALISED = Measure("norm", ("acc_norm",))


def accuracy(question: Question, likelihoods: Sequence[float]) -> Scores:
    """1 where the right choice (`truth["gold"]`, an index) is the likeliest, as lm-eval's `acc` and `acc_norm`.

    acc_norm divides each choice's log likelihood by its characters, without the space before it.
    """
    gold = question.truth["gold"]
    lengths = np.array([len(choice.removeprefix(" ")) for choice in question.choices])
    return {
        "acc": float(np.argmax(likelihoods) == gold),
        "acc_norm": float(np.argmax(np.array(likelihoods) / lengths) == gold),
    }
