import shutil

import pytest

from pipelines.cli.check import defaults_in
from pipelines.recipe_reader import as_yaml, read_recipe


def changed(recipe, old, new):
    text = recipe.read_text()
    assert old in text
    recipe.write_text(text.replace(old, new))


@pytest.mark.usefixtures("good_recipe")
def test_a_good_recipe_gets_one_line(tinsmith):
    code, out, err = tinsmith("check")
    assert (code, err) == (0, "")
    assert out.startswith("recipes/tickets.yaml: good (")
    assert out.count("\n") == 1


@pytest.mark.usefixtures("good_recipe")
@pytest.mark.parametrize("given", ["tickets", "recipes/tickets.yaml"])
def test_a_recipe_is_named_or_given_as_a_file(tinsmith, given):
    assert tinsmith("check", given)[0] == 0


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("epochs: 1", "epoch: 1", "recipes/tickets.yaml:11: train.epoch: there is no such field (did you mean epochs?"),
        ("model: {base: embedded:smollm2-135m-instruct}\n", "", "recipes/tickets.yaml:1: model: is missing"),
        (
            "tickets.odcs.yaml",
            "tockets.odcs.yaml",
            "data.sources.tickets.contract: there is no file data_contracts/tockets.odcs.yaml",
        ),
        ("data/*.csv", "data/*.tsv", "recipes/tickets.yaml:6: data.sources.tickets.path: no file matches data/*.tsv"),
        (
            "type: files, path: data/*.csv",
            "type: database, dsn_env: UNSET_DSN, table: t, as_of: 2026-01-31, as_of_column: at",
            "recipes/tickets.yaml:6: data.sources.tickets.dsn_env: the environment variable UNSET_DSN is not set",
        ),
        (
            "model: {base",
            "evaluate: {functions: {polite: metrics/polite.py:polite}}\nmodel: {base",
            "recipes/tickets.yaml:10: evaluate.functions.polite: metrics/polite.py is not there; name it relative to",
        ),
        (
            "model: {base",
            "evaluate: {metrics: [sql_result], sql_database: shop.sql}\nmodel: {base",
            "recipes/tickets.yaml:10: evaluate.sql_database: shop.sql is not there; name it relative to",
        ),
        ("smollm2-135m", "smolm-135m", "recipes/tickets.yaml:10: model.base: no embedded base is called"),
        ("{intent}", "{intend}", "has no column intend (did you mean intent?"),
    ],
)
def test_each_mistake_is_told_with_its_line_and_its_mend(tinsmith, good_recipe, old, new, told):
    changed(good_recipe, old, new)
    code, out, err = tinsmith("check")
    assert code == 2
    assert told in err
    assert "good" not in out


def test_a_benchmark_that_is_not_there_is_told_before_any_work(tinsmith, good_recipe, tmp_path):
    with good_recipe.open("a") as recipe:
        recipe.write(f"evaluate:\n  ability: {{data: {tmp_path}, tasks: [mmlu]}}\n")
    code, _, err = tinsmith("check")
    assert code == 2
    assert f"evaluate.ability.data: {tmp_path}/mmlu: holds no test.jsonl* or validation.jsonl*; put the" in err


@pytest.mark.parametrize(
    ("evaluate", "figure", "told"),
    [
        ("", "ability.mmlu", "nothing measures it; add mmlu to evaluate.ability.tasks, or take the rule out"),
        (
            "ability: {data: x, tasks: [bbq]}",
            "ability.gsm8k",
            "nothing measures it; add gsm8k to evaluate",
        ),
        ("ability: {data: x}", "ability.arc_esy", "ability.arc_esy is not known (did you mean ability.arc_easy?"),
        ("", "ability.truthfulqa", "ability.truthfulqa is not known (did you mean ability.truthfulqa_mc"),
        ("", "safety.exposure_4", "nothing measures it; plant some with data.canaries, or take the rule out"),
        ("", "safety.exposure_8", "safety.exposure_8 is not known (did you mean safety.exposure_"),
        ("", "safety.membership_auc", "nothing measures it; set evaluate.safety.membership: true"),
        (
            "safety: {personal_data: false}",
            "safety.personal_data",
            "nothing measures it; set evaluate",
        ),
        ("", "safety.must_not_say", "nothing measures it; give evaluate.safety.must_not_say"),
        ("", "safety.must_refuse", "nothing measures it; give evaluate.safety.must_refuse"),
        ("", "evaluate.perplexity", "nothing measures it; set evaluate.perplexity: true, or take the rule out"),
        ("", "evaluate.perplexiti", "evaluate.perplexiti is not known (did you mean evaluate.perplexity?"),
        ("", "rouge_l", "nothing measures it; add rouge_l to evaluate.metrics, or take the rule out"),
    ],
)
def test_a_rule_about_what_nothing_measures_is_told_with_its_mend(tinsmith, good_recipe, evaluate, figure, told):
    gate = f"evaluate: {{{evaluate}}}\ngate:\n  {figure}: {{at_most: 0.9}}\n"
    good_recipe.write_text(good_recipe.read_text() + gate)
    code, _, err = tinsmith("check")
    line = len(good_recipe.read_text().splitlines())
    assert code == 2
    assert f"recipes/tickets.yaml:{line}: gate.{figure}: {told}" in err


@pytest.mark.usefixtures("good_recipe")
def test_a_figure_without_a_base_is_compared_with_none(tinsmith, good_recipe):
    rule = "evaluate: {safety: {membership: true}}\ngate: {safety.membership_auc: {not_worse_than_base_by: 0.1}}\n"
    good_recipe.write_text(good_recipe.read_text() + rule)
    code, _, err = tinsmith("check")
    assert code == 2
    assert "not_worse_than_base_by: this figure has no base to compare with; give at_least or at_most" in err


@pytest.mark.usefixtures("good_recipe")
def test_rules_about_what_the_recipe_asks_for_are_good(tinsmith, good_recipe):
    changed(good_recipe, "data:\n", "data:\n  canaries: 2\n")
    rules = ["safety.memorised_canaries", "safety.exposure_16", "safety.personal_data", "safety.must_refuse"]
    rules += ["evaluate.perplexity", "export.kl_mean", "exact_match"]
    gate = "".join(f"  {figure}: {{at_most: 0.9}}\n" for figure in rules)
    evaluate = "evaluate: {perplexity: true, safety: {must_refuse: ['Why?']}}\n"
    good_recipe.write_text(good_recipe.read_text() + evaluate + "gate:\n" + gate)
    assert tinsmith("check")[::2] == (0, "")


def test_an_engine_that_cannot_run_is_told_before_any_work(tinsmith, good_recipe, monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    changed(good_recipe, "data:\n", "data:\n  engine: ray\n")
    code, _, err = tinsmith("check")
    assert code == 2
    assert "recipes/tickets.yaml:5: data.engine: the environment variable RAY_ADDRESS is not set" in err


@pytest.mark.usefixtures("good_recipe")
def test_a_missing_file_of_questions_is_told_before_any_work(tinsmith, good_recipe):
    given = "evaluate: {safety: {must_refuse_file: questions.txt}}\n"
    good_recipe.write_text(good_recipe.read_text() + given)
    code, _, err = tinsmith("check")
    assert code == 2
    line = good_recipe.read_text().splitlines().index(given.strip()) + 1
    assert f"tickets.yaml:{line}: evaluate.safety.must_refuse_file: there is no file questions.txt" in err


def test_a_name_with_a_slash_is_one_line(tinsmith):
    code, _, err = tinsmith("check", "team/tickets")
    assert code == 2
    assert err == "error: recipe name 'team/tickets': use small letters, digits and _ only, as in support_triage\n"


def test_a_recipe_whose_name_has_a_slash(tinsmith, good_recipe):
    changed(good_recipe, "name: tickets", "name: team/tickets")
    code, _, err = tinsmith("check")
    assert code == 2
    assert err.startswith("error: recipes/tickets.yaml:1: name: ")
    assert err.count("\n") == 1


def test_two_recipes_with_one_name(tinsmith, good_recipe):
    shutil.copy(good_recipe, "recipes/copied.yaml")
    code, _, err = tinsmith("check")
    assert code == 2
    assert "recipes/copied.yaml:1: name: is 'tickets' but the file is copied.yaml" in err
    assert "recipes/tickets.yaml:1: name: recipes/copied.yaml has the same name" in err


def test_the_mistakes_of_all_recipes_come_at_once(tinsmith, good_recipe):
    text = good_recipe.read_text()
    for name in ("first", "second"):
        (good_recipe.parent / f"{name}.yaml").write_text(text.replace("name: tickets", f"name: {name}\ntaste: salty"))
    code, out, err = tinsmith("check")
    assert code == 2
    assert "recipes/first.yaml:2: taste" in err
    assert "recipes/second.yaml:2: taste" in err
    assert "recipes/tickets.yaml: good" in out


@pytest.mark.usefixtures("good_recipe")
def test_a_recipe_that_is_not_there(tinsmith):
    code, _, err = tinsmith("check", "billets")
    assert (code, err) == (2, "error: recipes/billets.yaml: there is no such file\n")


def test_no_recipes_at_all(tinsmith):
    code, _, err = tinsmith("check")
    assert code == 2
    assert "tinsmith new" in err


def test_a_file_with_another_ending_is_not_passed_over_in_silence(tinsmith, good_recipe):
    shutil.copy(good_recipe, "recipes/other.yml")
    code, _, err = tinsmith("check")
    assert (code, err) == (2, "error: recipes/other.yml: is not read; name it other.yaml\n")


@pytest.mark.usefixtures("good_recipe")
@pytest.mark.parametrize("params", [None, "recipes: []\ninputs: {}\n", "recipes: [\n", "recipes:\n"])
def test_params_behind_the_folder_are_a_mistake_that_sync_mends(tinsmith, project, params):
    (project / "params.yaml").unlink() if params is None else (project / "params.yaml").write_text(params)
    code, _, err = tinsmith("check")
    assert code == 2
    assert err.startswith("error: params.yaml:")
    assert "tinsmith sync" in err
    assert tinsmith("sync")[0] == 0
    assert tinsmith("check")[0] == 0


def test_defaults_are_what_the_file_leaves_out(good_recipe):
    few = defaults_in(read_recipe(good_recipe))
    changed(good_recipe, "{epochs: 1}", "{epochs: 1, seed: 7, lora: {r: 8}}")
    assert defaults_in(read_recipe(good_recipe)) == few - 2
    good_recipe.write_text(as_yaml(read_recipe(good_recipe)))
    assert defaults_in(read_recipe(good_recipe)) == 0
