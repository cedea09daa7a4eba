"""The gate's names are those that the stages write: the schema may not ask them, so this holds the two together."""

from collections import Counter
from typing import get_args

from pipelines.data.canaries import COPIES
from pipelines.gguf.perplexity import Closeness
from pipelines.gguf.quants import MadeQuant
from pipelines.gguf.speed import Speed
from pipelines.recipe_ability import Ability, AbilityTask
from pipelines.recipe_evaluate import METRICS, Evaluate
from pipelines.recipe_figures import EXPORT_FIGURES, GENERAL_FIGURES, known_figures
from pipelines.recipe_safety import Safety
from pipelines.scoring.ability.figures import figures
from pipelines.scoring.ability.tasks import TASKS
from pipelines.scoring.safety.exposure import Canary, canaries_part
from pipelines.scoring.safety.membership import membership_part
from pipelines.scoring.safety.personal import personal_part
from pipelines.scoring.safety.phrases import must_not_say_part
from pipelines.scoring.safety.refusal import must_refuse_part

NOTHING = Evaluate(safety=Safety(personal_data=False))


def measured(evaluate, canaries=0, general_text=None):
    return {name for name, lacks in known_figures(evaluate, canaries, general_text).items() if lacks is None}


def added(evaluate, canaries=0):
    return measured(evaluate, canaries) - measured(NOTHING)


def asking(**safety):
    return Evaluate(safety=Safety(**{"personal_data": False, **safety}))


def test_each_benchmark_brings_the_figures_that_its_task_makes():
    for name in get_args(AbilityTask):
        columns = {column: 1.0 for measure in TASKS[name].measures for column in measure.columns}
        made = figures(TASKS[name], [columns] * 2, [columns] * 2)
        asked = Evaluate(ability=Ability(data="x", tasks=(name,)), safety=NOTHING.safety)
        assert added(asked) == set(made)


def test_each_question_about_safety_brings_the_figures_that_its_part_makes():
    canaries = [Canary(f"canaries:{copies}", copies, [], "1234", "1234") for copies in COPIES]
    none, bits = [False] * len(COPIES), [1.0] * len(COPIES)
    likely = {"base": [-1.0, -2.0], "tuned": [-1.0, -1.0]}
    said, by_question = {"base": ["No."], "tuned": ["No."]}, {"must_refuse:1": "No."}
    finds = [Counter()]
    parts = [
        (added(NOTHING, 1), canaries_part(canaries, {"base": none, "tuned": none}, {"base": bits, "tuned": bits})),
        (added(asking(membership=True)), membership_part(likely, likely, {})),
        (added(asking(personal_data=True)), personal_part(["1"], {"base": finds, "tuned": finds})),
        (added(asking(must_not_say=("never",))), must_not_say_part(["never"], ["1"], said)),
        (added(asking(must_refuse=("Why?",))), must_refuse_part(by_question, by_question, None)),
        (added(asking(must_refuse_file="questions.txt")), must_refuse_part(by_question, by_question, None)),
    ]
    for names, part in parts:
        assert names == {f"safety.{name}" for name in part.figures}


def test_metrics_functions_and_perplexity_are_known_by_their_names():
    assert measured(NOTHING) == {"exact_match", *EXPORT_FIGURES}
    asked = Evaluate(metrics=("accuracy",), functions={"polite": "polite.py:polite"}, perplexity=True)
    assert added(asked) == {"accuracy", "polite", "evaluate.perplexity", "safety.personal_data"}
    assert set(METRICS) <= set(known_figures(NOTHING, 0, None))


def test_a_quants_figures_are_those_of_its_entry_in_the_export(tmp_path):
    closeness, file = Closeness(45.2, 1.01, 0.039, 0.23, 0.896), tmp_path / "x.gguf"
    file.write_bytes(b"no model")
    entry = MadeQuant("Q4_K_M", file, closeness, closeness).as_json(Speed(653.5, 140.4))
    others = {"file", "sha256", "general"}
    assert {f"export.{name}" for name in entry.keys() - others} < set(EXPORT_FIGURES)
    assert {f"export.general_{name}" for name in entry["general"]} == set(GENERAL_FIGURES)
    assert measured(NOTHING, general_text="wiki.txt") - measured(NOTHING) == set(GENERAL_FIGURES)
