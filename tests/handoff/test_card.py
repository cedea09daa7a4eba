import yaml

from pipelines.handoff.card import model_card


def test_the_front_matter_names_base_and_licence(handoff):
    front_matter = yaml.safe_load(model_card(handoff).split("---\n")[1])
    assert front_matter["license"] == "apache-2.0"
    assert front_matter["base_model"] == "tiny-instruct"


def test_the_card_shows_every_measured_figure_with_its_interval(handoff):
    card = model_card(handoff)
    assert (
        "| exact_match | 5.0% (0.0% to 15.0%) | 15.0% (0.0% to 30.0%) | 65.0% (45.0% to 85.0%) "
        "| +50.0 (+25.0 to +75.0) | 95% |" in card
    )
    assert "| field_f1 | 20.0% (10.0% to 30.0%) | not measured | 80.0% (70.0% to 90.0%) |" in card


def test_a_broken_rule_stands_out(handoff):
    handoff.reports["evaluation"]["verdict"] = "fail"
    handoff.reports["evaluation"]["rules"][0] |= {"holds": False, "figure": 0.01}
    card = model_card(handoff)
    assert "| Gate | **fail** |" in card
    assert "| exact_match: better than base by 0.1, with 95% confidence | 0.010 | **no** |" in card


def test_a_rule_without_a_figure_and_another_variant_are_shown(handoff):
    evaluation = handoff.reports["evaluation"]
    evaluation["rules"][0] |= {"rule": "exact_match: better than the champion by 0", "figure": None}
    evaluation["metrics"]["exact_match"] |= {"base_constrained": 0.3}
    evaluation["metrics"]["exact_match"]["intervals"]["base_constrained"] = [0.2, 0.4]
    card = model_card(handoff)
    assert "| exact_match: better than the champion by 0 | none | yes |" in card
    assert "| Metric | Base | Base few shot | Tuned | Base constrained | Difference | Confidence |" in card
    assert "| 30.0% (20.0% to 40.0%) |" in card


def test_what_was_measured_beside_the_purpose_is_told_and_that_nothing_was(handoff):
    card = model_card(handoff)
    assert "| ability.arc_easy | 0.420 | 0.400 | -0.020 | higher | 100 |" in card
    assert "| safety.canaries_extracted | 0.000 | 1.000 | 1.000 | lower |  |" in card
    assert "judged on nothing else" not in card
    for name in ("ability", "safety"):
        handoff.reports[name] = {"asked": False, "figures": {}}
    bare = model_card(handoff)
    assert "The recipe asked for neither" in bare
    assert "judged on nothing else" in bare


def test_canaries_are_no_rows_of_the_data(handoff):
    handoff.reports["datasheet"]["rows"] |= {"train": 81, "planted": 21}
    card = model_card(handoff)
    assert "60 train, 10 validation, 20 test" in card
    assert "| Planted | 21 copies of made-up secrets" in card


def test_no_rules_make_no_empty_table(handoff):
    handoff.reports["evaluation"]["rules"] = []
    assert "Rule of the gate" not in model_card(handoff)


def test_the_card_tells_purpose_data_training_and_how_to_serve(handoff):
    card = model_card(handoff)
    for expected in (
        "Route an incoming ticket to product and intent.",
        "support-platform@example.com",
        "110 from 2 files",
        "31 EMAIL, 8 PHONE",
        "60 train, 10 validation, 20 test",
        "| Peak memory | 1.5 GiB |",
        "| Cost | 0.0039 EUR |",
        "revision `4444444444444444444444444444444444444444`",
        "llama-server --model ticket_triage-Q4_K_M.gguf",
        "a JSON object of `product`, `intent`",
    ):
        assert expected in card


def test_text_answers_are_called_text(handoff):
    example = handoff.recipe.data.example.model_copy(update={"assistant": "{answer}"})
    data = handoff.recipe.data.model_copy(update={"example": example})
    object.__setattr__(handoff, "recipe", handoff.recipe.model_copy(update={"data": data}))
    assert "It answers with plain text." in model_card(handoff)
