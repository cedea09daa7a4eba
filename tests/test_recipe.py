import ast
import json
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest
from pydantic import BaseModel, ValidationError

from pipelines import recipe as schema
from pipelines import (
    recipe_ability,
    recipe_evaluate,
    recipe_export,
    recipe_figures,
    recipe_gate,
    recipe_safety,
    recipe_sources,
)
from pipelines.recipe import Recipe, example_columns, template_columns
from pipelines.recipe_sources import FilesSource

PACKAGE = Path(schema.__file__).parent
SCHEMA = (
    schema,
    recipe_ability,
    recipe_evaluate,
    recipe_export,
    recipe_figures,
    recipe_gate,
    recipe_safety,
    recipe_sources,
)


def sections():
    return [
        found
        for module in SCHEMA
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, BaseModel) and found.__module__ == module.__name__
    ]


def attributes_read(path):
    return {
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }


def fields():
    """Each section's fields; one that allows a single value can change nothing."""
    return sorted(
        (section.__name__, name)
        for section in sections()
        for name, field in section.model_fields.items()
        if not (get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1)
    )


@pytest.mark.parametrize("field", fields(), ids=".".join)
def test_every_field_has_a_reader(field):
    """PAINS 20: no setting is accepted and ignored."""
    code = set(PACKAGE.rglob("*.py")) - {Path(module.__file__) for module in SCHEMA}
    readers = [path for path in code if field[1] in attributes_read(path)]
    assert readers, f"no code reads {'.'.join(field)}; a recipe could set it and nothing would change"


def test_every_section_refuses_unknown_fields_and_changes():
    assert len(sections()) > 10
    for section in sections():
        # The gate's own fields stand beside its rules, which are named by figures and checked as such.
        assert section.model_config["extra"] == "forbid" or section is recipe_gate.Gate
        assert section.model_config["frozen"]


def test_columns_of_templates_in_order_each_once():
    assert template_columns("{b} and {a}, {b}; {{plain}}, {c.d}") == ("b", "a", "c.d")


@pytest.mark.parametrize("template", ["{", "}", "{}", "{a.}", "{a[0]}", "{a!r}", "{a:>9}", "{two words}"])
def test_templates_hold_nothing_but_columns(template):
    with pytest.raises(ValueError, match=r"^Single|column"):
        template_columns(template)


def test_columns_of_a_whole_example():
    example = schema.Example.model_validate_json('{"system": "{c}", "user": "{b}", "assistant": {"json": ["a", "b"]}}')
    assert example_columns(example) == ("c", "b", "a")


def test_columns_of_a_conversation():
    example = schema.Example.model_validate_json('{"system": "{c}", "messages": "m", "tools": "t"}')
    assert example_columns(example) == ("c", "m", "t")


@pytest.mark.parametrize(
    ("example", "wrong"),
    [
        ({"user": "{a}"}, "assistant is missing; give user and assistant, or messages"),
        ({"assistant": "{a}"}, "user is missing; give user and assistant, or messages"),
        ({"messages": "m", "user": "{a}", "assistant": "{b}"}, "messages is a whole conversation"),
        ({"messages": "m", "history": "h"}, "messages is a whole conversation"),
        ({"user": "{a}", "assistant": {"json": ["a.total", "b.total"]}}, "gives two values the same key"),
    ],
)
def test_an_example_asks_in_one_way(example, wrong):
    with pytest.raises(ValidationError, match=wrong):
        schema.Example.model_validate_json(json.dumps(example))


def test_an_answers_key_is_the_last_part_of_its_column():
    assert [schema.answer_key(column) for column in ("label.shop.total", "shop")] == ["total", "shop"]


def test_a_source_takes_its_folder_from_the_environment(monkeypatch):
    source = FilesSource(contract="c", type="files", path="${COMPANY_DATA}/a.csv")
    monkeypatch.setenv("COMPANY_DATA", "/somewhere")
    assert source.expanded_path() == "/somewhere/a.csv"
    monkeypatch.delenv("COMPANY_DATA")
    with pytest.raises(KeyError, match="COMPANY_DATA"):
        source.expanded_path()


@pytest.mark.parametrize(
    ("section", "fields"),
    [
        (schema.Split, {"test": 0.5, "validation": 0.5}),
        (recipe_gate.Rule, {"confidence": 0.9}),
        (FilesSource, {"contract": "c", "type": "files", "path": "https://me:sesame@example.com/a.csv"}),
        (schema.Model, {"base": "x", "sha256": "abc"}),
        (schema.Train, {"learning_rate": float("nan")}),
        (schema.Train, {"epochs": "2"}),
        (schema.Export, {"quants": ()}),
        (schema.Export, {"quants": ("Q4_K",)}),
        (schema.Export, {"quants": "automatic"}),
    ],
)
def test_values_that_make_no_sense_are_refused(section, fields):
    with pytest.raises(ValidationError):
        section(**fields)


def test_the_gate_asks_only_for_what_is_measured():
    with pytest.raises(ValidationError, match=r"gate\.field_f1\n.*add field_f1 to evaluate\.metrics"):
        Recipe.model_validate_json(
            """{"name": "x", "purpose": "p", "owner": "o", "model": {"base": "b"}, "register": {"model": "m"},
            "gate": {"field_f1": {"at_least": 0.5}}, "data": {
            "sources": {"t": {"contract": "c", "type": "files", "path": "p"}},
            "example": {"user": "{u}", "assistant": {"json": ["a"]}}}}"""
        )


def recipe_that_measures(example, **evaluate):
    return Recipe.model_validate_json(
        json.dumps(
            {
                "name": "x",
                "purpose": "p",
                "owner": "o",
                "model": {"base": "b"},
                "register": {"model": "m"},
                "data": {"sources": {"t": {"contract": "c", "type": "files", "path": "p"}}, "example": example},
                "evaluate": evaluate,
            }
        )
    )


OF_TEXT, OF_JSON = {"user": "{u}", "assistant": "{a}"}, {"user": "{u}", "assistant": {"json": ["a"]}}
JUDGE = {"url": "http://127.0.0.1:8080/v1", "model": "judge"}


@pytest.mark.parametrize(
    ("example", "evaluate", "wrong"),
    [
        (OF_TEXT, {"metrics": ["field_f1"]}, "field_f1 judges JSON answers"),
        (OF_JSON, {"metrics": ["rouge_l", "chrf"]}, "rouge_l judges text.*; chrf judges text"),
        (OF_TEXT, {"metrics": ["tool_calls"]}, "tool_calls judges calls of tools"),
        (OF_TEXT, {"metrics": ["exact_match", "exact_match"]}, "metrics names exact_match twice"),
        (OF_TEXT, {"metrics": ["bert_score"]}, "bert_score needs bert_score_model"),
        (OF_TEXT, {"metrics": ["sql_result"]}, "sql_result needs sql_database"),
        (OF_TEXT, {"metrics": ["judge"]}, "judge needs judge"),
        (OF_TEXT, {"judge": JUDGE}, "judge is for judge alone; add judge to metrics"),
        (OF_TEXT, {"sql_database": "a.sql"}, "sql_database is for sql_result alone"),
        (OF_TEXT, {"functions": {"chrf": "a.py:f"}}, "functions.chrf has the name of a metric"),
        (OF_TEXT, {"functions": {"mine": "a.py"}}, "pattern"),
        (OF_TEXT, {"functions": {"Mine": "a.py:f"}}, "pattern"),
    ],
)
def test_metrics_that_do_not_fit_or_lack_something_are_refused(example, evaluate, wrong):
    with pytest.raises(ValidationError, match=wrong):
        recipe_that_measures(example, **evaluate)


def test_metrics_fit_the_answers_they_are_made_for():
    tools = {"messages": "m", "tools": "t"}
    assert recipe_that_measures(tools, metrics=["tool_calls", "tool_names"]).evaluate.functions == {}
    assert recipe_that_measures(OF_JSON, metrics=["field_f1", "macro_f1", "valid_json"])
    asked = recipe_that_measures(
        OF_TEXT, metrics=["chrf", "judge"], judge=JUDGE, functions={"mine": "m/a.py:f"}
    ).evaluate
    assert asked.names == ("chrf", "judge", "mine")
