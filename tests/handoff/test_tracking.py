import json
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.handoff.tracking import metrics_of, params_of, tags_of


def with_system(handoff, system):
    example = handoff.recipe.data.example.model_copy(update={"system": system})
    data = handoff.recipe.data.model_copy(update={"example": example})
    return replace(handoff, recipe=handoff.recipe.model_copy(update={"data": data}))


def test_params_are_the_settings_that_made_the_model(handoff):
    params = params_of(handoff)
    assert params["train.lora.r"] == "16"
    assert json.loads(params["export.quants"]) == ["Q4_K_M", "Q8_0"]
    assert params["data.split.group_by"] == '["customer_id"]'
    assert "train.max_steps" not in params
    assert not [key for key in params if key.startswith(("evaluate", "gate", "owner"))]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.text(min_size=1, max_size=10_000))
def test_a_param_is_never_too_long_for_mlflow_and_a_short_one_is_whole(handoff, system):
    param = params_of(with_system(handoff, system))["data.example.system"]
    assert len(param) <= 500
    assert param == system or (len(system) > 500 and param == system[:499] + "…")


def test_metrics_are_numbers_and_what_was_not_measured_is_left_out(handoff):
    metrics = metrics_of(handoff)
    assert metrics["exact_match.tuned"] == 0.65
    assert metrics["exact_match.difference_low"] == 0.25
    assert metrics["exact_match.difference_high"] == 0.75
    assert metrics["train.cost"] == 0.0039
    assert metrics["ability.arc_easy.difference"] == -0.02
    assert metrics["safety.canaries_extracted.tuned"] == 1
    assert "field_f1.base_few_shot" not in metrics


def test_tags_name_fingerprint_owner_base_and_commit(handoff):
    tags = tags_of(handoff, "a" * 40)
    assert tags["tinsmith.fingerprint"] == handoff.fingerprint
    assert tags["tinsmith.owner"] == "support-platform@example.com"
    assert tags["tinsmith.base_license"] == "apache-2.0"
    assert tags["mlflow.source.git.commit"] == "a" * 40
    assert "mlflow.source.git.commit" not in tags_of(handoff, None)
