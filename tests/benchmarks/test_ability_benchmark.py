"""The benchmark against lm-eval: the tasks that it writes for lm-eval, and its table."""

import json
from pathlib import Path

import pytest
import yaml

from benchmarks.ability_vs_lm_eval import PEERS, lines, write_task
from pipelines.scoring.ability.asking import Answered
from pipelines.scoring.ability.tasks import TASKS

ROW = {"question": "What melts?", "choices": {"text": ["ice", "stone"], "label": ["A", "B"]}, "answerKey": "A"}


@pytest.fixture
def questions(tmp_path):
    file = tmp_path / "arc" / "ARC-Easy.test.jsonl"
    file.parent.mkdir()
    file.write_text(f"{json.dumps(ROW)}\n{json.dumps({**ROW, 'answerKey': 'B'})}\n")
    return TASKS["arc_easy"].questions(tmp_path)


def test_a_task_includes_lm_evals_own_on_the_local_rows(tmp_path, questions):
    write_task("arc_easy", PEERS["arc_easy"], tmp_path / "lm_eval", tmp_path, tmp_path, questions)
    task = yaml.safe_load((tmp_path / "local_arc_easy.yaml").read_text())
    assert (task["include"], task["task"]) == (f"{tmp_path}/lm_eval/arc/arc_easy.yaml", "local_arc_easy")
    rows = [json.loads(line) for line in Path(task["dataset_kwargs"]["data_files"]["test"]).read_text().splitlines()]
    assert rows[0] == {
        "question": "What melts?",
        "choices": {"text": ["ice", "stone"], "label": ["0", "1"]},
        "answerKey": "0",
    }
    assert rows[1]["answerKey"] == "1"


def test_rows_that_differ_are_counted(questions):
    given = [Answered([-1.0, -2.0], 1.0), Answered([-1.0, -2.0], 1.0)]
    samples = [
        {"metrics": {"acc": 1.0, "acc_norm": 1.0}, "likelihoods": [-1.1, -2.0]},
        {"metrics": {"acc": 1.0, "acc_norm": 0.0}, "likelihoods": [-1.1, -2.0]},
    ]
    acc, norm = lines("arc_easy", {"seconds": 4.0, "samples": samples}, 0.5, questions, given)
    assert acc[:2] == ["arc_easy acc", 2]
    assert (acc[2].split()[0], acc[3].split()[0], acc[4]) == ("1.000", "0.500", 1)
    assert acc[5:] == ["0.050", "0.50", "4.00", "8.0"]
    # By length, too, the first choice is the likelier one: -1/3 against -2/5.
    assert norm[4] == 0
