"""lm-eval on local files, run by the Python of its own environment: reads a job on stdin, writes a JSON file.

The job: {"model": folder, "dtype", "batch_size", "tasks_folder": of YAMLs, "tasks": [[name, chat], ...], "result"}. The
result: {task: {"seconds": without loading the model, "samples": one a row, in their order, as {"metrics": {metric:
value}, "likelihoods": of the choices}}}.
"""

import json
import sys
import time
from pathlib import Path

import lm_eval
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager


def main() -> None:
    """Do the job on stdin."""
    job = json.load(sys.stdin)
    model = HFLM(pretrained=job["model"], dtype=job["dtype"], batch_size=job["batch_size"], device="cpu")
    tasks = TaskManager(include_path=job["tasks_folder"])
    result = {"lm_eval": lm_eval.__version__}
    for task, chat in job["tasks"]:
        started = time.perf_counter()
        evaluated = lm_eval.simple_evaluate(
            model=model, tasks=[task], task_manager=tasks, apply_chat_template=chat, bootstrap_iters=0
        )
        seconds = time.perf_counter() - started
        result[task] = {"seconds": seconds, "samples": _by_row(evaluated["samples"][task])}
    Path(job["result"]).write_text(json.dumps(result))


def _by_row(samples: list[dict]) -> list[dict]:
    """One entry a row, in order; a row stands once for each filter, whose metrics are told apart by its name."""
    rows = {}
    for sample in samples:
        row = rows.setdefault(sample["doc_id"], {"metrics": {}, "likelihoods": []})
        for metric in sample["metrics"]:
            value = sample[metric]
            if isinstance(value, bool | int | float):
                name = metric if sample["filter"] == "none" else f"{metric},{sample['filter']}"
                row["metrics"][name] = float(value)
            elif isinstance(value, list) and all(isinstance(part, bool) for part in value):
                row["metrics"][metric] = sum(value)
        answered = sample["resps"][0] if len(sample["resps"]) == 1 else [part[0] for part in sample["resps"]]
        if answered and isinstance(answered[0], list | tuple):
            row["likelihoods"] = [likelihood for likelihood, _ in answered]
    return [rows[row] for row in sorted(rows)]


if __name__ == "__main__":
    main()
