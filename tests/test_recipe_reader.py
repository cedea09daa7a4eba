import pytest

from pipelines.errors import TinsmithError
from pipelines.recipe_reader import as_yaml, checked_name, columns_of, did_you_mean, read_recipe, read_resolved

GOOD = """\
name: tickets
purpose: Route a ticket.
owner: support@example.com
data:
  sources:
    tickets: {contract: data_contracts/tickets.odcs.yaml, type: files, path: data/*.csv}
  split: {group_by: [customer]}
  example:
    user: "{subject} {body}"
    assistant: {json: [product, intent]}
model: {base: embedded:smollm2-135m-instruct}
evaluate: {metrics: [exact_match], slices: [product]}
gate:
  exact_match: {at_least: 0.5}
register: {model: tickets}
"""


@pytest.fixture
def recipe_file(tmp_path):
    path = tmp_path / "tickets.yaml"
    path.write_text(GOOD)
    return path


def mistakes(path, *changes):
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    with pytest.raises(TinsmithError) as raised:
        read_recipe(path)
    return [line.removeprefix(f"{path}:") for line in str(raised.value).splitlines()]


def test_what_is_written_out_reads_back_the_same(recipe_file):
    recipe = read_recipe(recipe_file)
    recipe_file.write_text(as_yaml(recipe))
    assert read_recipe(recipe_file) == recipe
    assert as_yaml(read_recipe(recipe_file)) == as_yaml(recipe)


def test_all_mistakes_come_at_once_in_the_order_of_lines(recipe_file):
    found = mistakes(
        recipe_file,
        ("purpose:", "purpos:"),
        ("at_least: 0.5", "at_least: 2"),
        ("[exact_match]", "[exact_match, exact_mach]"),
    )
    assert [line.partition(":")[0] for line in found] == ["1", "2", "12", "14"]
    assert "purpose: is missing" in found[0]
    assert "purpos: there is no such field (did you mean purpose? allowed: name, purpose," in found[1]
    assert "evaluate.metrics.1: exact_mach is not known (did you mean exact_match? allowed: exact_match," in found[2]
    assert "gate.exact_match.at_least: " in found[3]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (
            "type: fils",
            "6: data.sources.tickets.type: fils is not known (did you mean files? allowed: files, documents",
        ),
        ("more: 1", "6: data.sources.tickets.type: is missing"),
        (
            "type: files, delimeter: x",
            "6: data.sources.tickets.delimeter: there is no such field (did you mean delimiter? allowed: contract, ",
        ),
        (
            "type: documents, delimiter: x",
            "6: data.sources.tickets.delimiter: there is no such field (allowed: contract, use, path, members, ",
        ),
        ("type: hub, dataset: org/name@main", "6: data.sources.tickets.dataset: string should match pattern"),
        ("type: files, format: tsv", "6: data.sources.tickets.format: tsv is not known (did you mean csv?"),
        ("type: files, encoding: [utf-8]", "6: data.sources.tickets.encoding: "),
    ],
)
def test_a_mistake_in_a_source_is_told_by_its_type(recipe_file, kind, told):
    (found,) = mistakes(recipe_file, ("type: files", kind))
    assert found.startswith(told)


def test_a_database_without_a_snapshot_is_told_at_its_line(recipe_file):
    source = "type: database, dsn_env: CRM, table: tickets, as_of: 2026-01-31"
    (found,) = mistakes(recipe_file, ("type: files, path: data/*.csv", source))
    assert found.startswith("6: data.sources.tickets: needs as_of_column")


def test_a_misspelt_metric_in_the_gate(recipe_file):
    (found,) = mistakes(recipe_file, ("  exact_match: {", "  exactmatch: {"))
    assert found.startswith("14: gate.exactmatch: exactmatch is not known (did you mean exact_match?")


def test_a_rule_for_a_metric_that_is_not_measured(recipe_file):
    (found,) = mistakes(recipe_file, ("  exact_match: {", "  valid_json: {"))
    assert found == "14: gate.valid_json: nothing measures it; add valid_json to evaluate.metrics, or take the rule out"


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        (
            "export.kl_men: {at_most: 0.1}",
            "14: gate.export.kl_men: export.kl_men is not known (did you mean export.kl_mean?",
        ),
        (
            "abilities.mmlu: {at_least: 0.1}",
            "14: gate.abilities.mmlu: abilities.mmlu is not known (allowed: exact_match,",
        ),
        ("exact_match: {at_lest: 0.1}", "14: gate.exact_match.at_lest: there is no such field (did you mean at_least?"),
        ("exact_match: {at_most: 1.5}", "14: gate.exact_match.at_most: a metric is a share between 0 and 1"),
        ("exact_match: {better_than_base_by: -3}", "14: gate.exact_match.better_than_base_by: a metric is a share"),
        ("exact_match: {confidence: 0.9}", "14: gate.exact_match: asks for nothing; give better_than_base_by, "),
        ("on_fail: shout", "14: gate.on_fail: shout is not known (allowed: report, stop)"),
        (
            "safety.x: {at_most: 0, confidence: 0.9}",
            "14: gate.safety.x.confidence: this figure comes with its interval",
        ),
        (
            "ability.x: {better_than_champion_by: 0}",
            "14: gate.ability.x.better_than_champion_by: the champion is compared",
        ),
        ("export.top1: {better_than_base_by: 0}", "14: gate.export.top1.better_than_base_by: this figure has no base"),
        (
            "export.top1: {not_worse_than_base_by: 0}",
            "14: gate.export.top1.not_worse_than_base_by: this figure has no base",
        ),
    ],
)
def test_a_rule_that_nothing_could_answer(recipe_file, rules, told):
    (found,) = mistakes(recipe_file, ("exact_match: {at_least: 0.5}", rules))
    assert found.startswith(told)


def test_rules_about_figures_of_other_stages_and_what_becomes_of_a_failed_gate(recipe_file):
    rules = "on_fail: stop\n  safety.personal_data: {at_most: 0}\n  export.perplexity: {at_most: 40}"
    recipe_file.write_text(GOOD.replace("exact_match: {at_least: 0.5}", rules))
    gate = read_recipe(recipe_file).gate
    assert gate.on_fail == "stop"
    assert {name: rule.at_most for name, rule in gate.rules.items()} == {
        "safety.personal_data": 0,
        "export.perplexity": 40,
    }


def test_the_name_must_be_the_files(recipe_file):
    (found,) = mistakes(recipe_file, ("name: tickets", "name: billets"))
    assert found == "1: name: is 'billets' but the file is tickets.yaml; make them the same"


@pytest.mark.parametrize("key", ["password", "api_key", "access_token"])
def test_secrets_are_refused_and_not_repeated(recipe_file, key):
    found = mistakes(recipe_file, ("path: data/*.csv", f"path: data/*.csv, {key}: sesame"))
    assert any(line.startswith(f"6: data.sources.tickets.{key}: looks like a secret") for line in found)
    assert "sesame" not in "".join(found)


QUERIES = [
    "token=sesame",
    "page=2&sig=sesame",
    "X-Amz-Credential=a&X-Amz-Signature=sesame",
    "AWSAccessKeyId=sesame",
    "api%5Fkey=sesame",
    "apiKey=sesame",
    "PASSWORD=sesame",
    "key=sesame",
    "key=${A}sesame",
]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("separator", "?#")
def test_a_url_that_holds_a_secret_is_refused_and_not_repeated(recipe_file, query, separator):
    url = f"https://example.com/t.csv{separator}{query}"
    (found,) = mistakes(recipe_file, ("path: data/*.csv", f'path: "{url}"'))
    assert found.startswith("6: data.sources.tickets.path: holds a secret, its parameter ")
    assert "sesame" not in found


@pytest.mark.parametrize(
    ("field", "old", "new"),
    [
        ("model.base", "embedded:smollm2-135m-instruct", '"https://example.com/base?token=sesame"'),
        ("data.sources.tickets.contract", "data_contracts/tickets.odcs.yaml", '"https://example.com/c?sig=sesame"'),
        ("evaluate.judge.url", "slices: [product]", 'judge: {url: "https://example.com/v1?api_key=sesame", model: m}'),
        ("evaluate.slices", "[product]", '["s3://me:sesame@example.com/"]'),
    ],
)
def test_no_field_holds_a_url_with_a_secret(recipe_file, field, old, new):
    found = mistakes(recipe_file, (old, new))
    assert any(f"{field}: holds a " in line for line in found)
    assert "sesame" not in "".join(found)


@pytest.mark.parametrize(
    "path",
    [
        "https://example.com/t.csv?token=${TICKETS_TOKEN}&sv=1",
        "https://example.com/t.csv?keyword=lamp&design=2&page=3",
        "s3://tickets/part-?.csv",
    ],
)
def test_a_url_whose_secret_is_in_the_environment_is_read(recipe_file, path):
    recipe_file.write_text(GOOD.replace("path: data/*.csv", f'path: "{path}"'))
    assert read_recipe(recipe_file).data.sources["tickets"].path == path


def test_numbers_in_quotes_are_no_numbers(recipe_file):
    (found,) = mistakes(recipe_file, ("at_least: 0.5", 'at_least: "0.5"'))
    assert found.startswith("14: gate.exact_match.at_least: ")


@pytest.mark.parametrize("name", ["team/tickets", "../tickets", "Tickets", "1st", "", "a b", "tickets\n"])
def test_names_that_could_be_no_recipe(name):
    with pytest.raises(TinsmithError, match="use small letters, digits and _ only"):
        checked_name(name)


def test_what_resolve_has_not_written_yet(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TinsmithError, match=r"resolved/tickets\.yaml: not there yet; run `python -m"):
        read_resolved("tickets")


def test_the_columns_that_a_recipe_names(recipe_file):
    assert set(columns_of(read_recipe(recipe_file)).values()) == {
        ("subject", "body", "product", "intent"),
        ("customer",),
        (),  # no time to split by
        ("product",),
    }


def test_did_you_mean_keeps_silent_where_nothing_is_near():
    assert did_you_mean("epoch", ["epochs", "seed"]) == "(did you mean epochs? allowed: epochs, seed)"
    assert did_you_mean("zzz", ["epochs", "seed"]) == "(allowed: epochs, seed)"


def test_a_metric_that_does_not_fit_the_answer_is_told_before_anything_is_computed(recipe_file):
    (found,) = mistakes(
        recipe_file,
        ("assistant: {json: [product, intent]}", 'assistant: "{product}"'),
        ("metrics: [exact_match]", "metrics: [exact_match, field_f1]"),
    )
    assert "evaluate.metrics: field_f1 judges JSON answers, but data.example.assistant is text; take it out" in found


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("label", 'is the same for every row; write a column in braces, such as "{label}"'),
        ("{label}", 'needs quotes: "{label}"'),
    ],
)
def test_an_answer_without_braces_or_quotes_is_told(recipe_file, written, told):
    found = mistakes(recipe_file, ("assistant: {json: [product, intent]}", f"assistant: {written}"))
    assert any(told in line for line in found), found
