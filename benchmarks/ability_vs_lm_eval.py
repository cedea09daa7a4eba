"""General ability by our stage's questions against lm-eval's HF backend: the same rows, model and machine.

    python -m venv LM; LM/bin/pip install torch==2.13.0 'lm-eval[hf]==0.4.13' langdetect immutabledict 'nltk>=3.9.1'
    TINSMITH_BENCH_DATA=... python -m benchmarks.ability_vs_lm_eval --lm-eval LM/bin/python [--rows 100] [--tasks ...]

lm-eval needs an environment of its own, where its ifeval needs langdetect and nltk's punkt_tab (`NLTK_DATA`). It gets
the base's weights as they are, in fp32; we ask llama-server for the same weights as a GGUF (--quant). Each task's YAML
includes lm-eval's own, and only its data set is replaced by the local rows; gsm8k takes the first five examples, as we
do, and mmlu, which is one task a subject there, its subject from the row. Loading the model is not counted for either.

Differ are rows whose metric is another one, or, for the share of mc2, more than 0.05 away.
"""

import argparse
import gzip
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import yaml

from benchmarks.machine import machine_line
from benchmarks.table import markdown_table
from pipelines.files import read_json, write_text
from pipelines.gguf.base_gguf import base_gguf
from pipelines.gguf.server import serving
from pipelines.gguf.toolchain import find_toolchain
from pipelines.llama_client import PARALLEL
from pipelines.model.base import base_model
from pipelines.recipe import Model
from pipelines.scoring.ability.asking import answers
from pipelines.scoring.ability.questions import Question, sampled
from pipelines.scoring.ability.tasks import TASKS
from pipelines.scoring.comparison import mean_interval
from pipelines.stages.ability import tokenised_questions

BASE = "embedded:smollm2-135m-instruct"
RUNNER = Path(__file__).parent / "peers" / "lm_eval_rows.py"
Row = dict[str, Any]


@dataclass(frozen=True)
class Peer:
    """A task of lm-eval: its YAML below lm_eval/tasks, our task, and our score's name by its metric's."""

    yaml: str
    task: str
    metrics: dict[str, str]
    rows: Callable[[Sequence[Question], Sequence[Row]], list[Row]]
    changes: dict[str, Any]


def as_on_the_hub(questions: Sequence[Question], _: Sequence[Row]) -> list[Row]:
    """ARC's rows, from whichever form, as lm-eval expects them."""
    return [
        {
            "question": question.prompt.removeprefix("Question: ").removesuffix("\nAnswer:"),
            "choices": {
                "text": [choice.removeprefix(" ") for choice in question.choices],
                "label": [str(number) for number in range(len(question.choices))],
            },
            "answerKey": str(question.truth["gold"]),
        }
        for question in questions
    ]


def as_they_are(_: Sequence[Question], rows: Sequence[Row]) -> list[Row]:
    """Rows whose public file has the form that lm-eval reads."""
    return list(rows)


def with_targets(questions: Sequence[Question], _: Sequence[Row]) -> list[Row]:
    """TruthfulQA's rows with the answers of both tasks as the hub has them."""
    rows = []
    for question in questions:
        choices = [choice.removeprefix(" ") for choice in question.choices]
        true, best = question.truth["true"], choices[question.truth["best"]]
        rows.append(
            {
                "question": question.prompt.rpartition("\n\nQ: ")[2].removesuffix("\nA:"),
                "mc1_targets": {"choices": [best, *choices[true:]], "labels": [1] + [0] * (len(choices) - true)},
                "mc2_targets": {"choices": choices, "labels": [1] * true + [0] * (len(choices) - true)},
            }
        )
    return rows


ACCURACY = {"acc": "acc", "acc_norm": "acc_norm"}
MMLU = {
    "description": "The following are multiple choice questions (with answers) about {{subject.replace('_', ' ')}}.\n\n"
}
# Where lm-eval's tasks take their examples from; it loads them even where none are shown.
SHOTS = {"gsm8k": {"train": "gsm8k/train.jsonl"}, "mmlu": {"dev": "mmlu/dev.jsonl"}}
GSM8K = {"fewshot_split": "train", "fewshot_config": {"sampler": "first_n"}}
IFEVAL = {"prompt_level_strict_acc": "strict", "prompt_level_loose_acc": "loose", "inst_level_strict_acc": "followed"}
PEERS = {
    "arc_easy": Peer("arc/arc_easy.yaml", "arc_easy", ACCURACY, as_on_the_hub, {}),
    "arc_challenge": Peer("arc/arc_easy.yaml", "arc_challenge", ACCURACY, as_on_the_hub, {}),
    "hellaswag": Peer("hellaswag/hellaswag.yaml", "hellaswag", ACCURACY, as_they_are, {}),
    "mmlu": Peer("mmlu/default/_default_template_yaml", "mmlu", {"acc": "acc"}, as_they_are, MMLU),
    "truthfulqa_mc1": Peer("truthfulqa/truthfulqa_mc1.yaml", "truthfulqa", {"acc": "mc1"}, with_targets, {}),
    "truthfulqa_mc2": Peer("truthfulqa/truthfulqa_mc2.yaml", "truthfulqa", {"acc": "mc2"}, with_targets, {}),
    "bbq": Peer("bbq/bbq_multiple_choice.yaml", "bbq", {"acc": "acc"}, as_they_are, {}),
    "gsm8k": Peer(
        "gsm8k/gsm8k.yaml",
        "gsm8k",
        {"exact_match,strict-match": "strict", "exact_match,flexible-extract": "flexible"},
        as_they_are,
        GSM8K,
    ),
    "ifeval": Peer("ifeval/ifeval.yaml", "ifeval", IFEVAL, as_they_are, {}),
}


def write_task(name: str, peer: Peer, tasks: Path, folder: Path, data: Path, questions: Sequence[Question]) -> None:
    """lm-eval's own YAML of the task below `tasks`, on the rows of `questions`, which are written beside it."""
    rows = folder / f"{name}.jsonl"
    found = public_rows(data / PurePath(peer.yaml).parts[0], questions)
    write_text(rows, "".join(json.dumps(row) + "\n" for row in peer.rows(questions, found)))
    files = {"test": str(rows), **{split: str(data / place) for split, place in SHOTS.get(name, {}).items()}}
    config = {
        "include": str(tasks / peer.yaml),
        "task": f"local_{name}",
        "tag": None,
        "dataset_path": "json",
        "dataset_name": None,
        "dataset_kwargs": {"data_files": files},
        "training_split": "train" if "train" in files else None,
        "validation_split": None,
        "test_split": "test",
        **peer.changes,
    }
    write_text(folder / f"local_{name}.yaml", yaml.safe_dump(config))


def public_rows(folder: Path, questions: Sequence[Question]) -> list[Row]:
    """The questions' rows as their JSON Lines files have them; those of other files are not looked up."""
    lines: dict[str, list[bytes]] = {}
    found = []
    for question in questions:
        name, _, number = question.place.rpartition(":")
        if name not in lines and ".jsonl" in name:
            raw = (folder / name).read_bytes()
            lines[name] = (gzip.decompress(raw) if name.endswith(".gz") else raw).split(b"\n")
        found.append(json.loads(lines[name][int(number) - 1]) if name in lines else {})
    return found


def theirs(python: Path, base: Path, folder: Path, names: Sequence[str], batch_size: int) -> dict[str, Any]:
    """What lm-eval found, task by task."""
    job = {
        "model": str(base),
        "dtype": "float32",
        "batch_size": batch_size,
        "tasks_folder": str(folder),
        "tasks": [[f"local_{name}", TASKS[PEERS[name].task].chat] for name in names],
        "result": str(folder / "result.json"),
    }
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(folder / "datasets")}
    subprocess.run([python, RUNNER], input=json.dumps(job), text=True, check=True, env=environment)
    return dict(read_json(folder / "result.json"))


def ours(questions: dict[str, list[Question]], base: Path, quant: str, folder: Path) -> dict[str, tuple[float, Any]]:
    """By task: seconds, and what the base answered, through llama-server."""
    toolchain = find_toolchain()
    asked = tokenised_questions(questions, base)
    context = max(question.tokens for rows in asked.values() for question in rows) + 8
    gguf = base_gguf(base, quant, toolchain)
    found = {}
    with ExitStack() as stack:
        log = folder / "server.log"
        url = stack.enter_context(
            serving(gguf, toolchain, parallel=PARALLEL, context_per_slot=context, log=log),
        )
        for task, rows in asked.items():
            started = time.perf_counter()
            given = answers({task: rows}, "base", folder / "kept", lambda: nullcontext(url), task)
            found[task] = (time.perf_counter() - started, given[task])
    return found


def lines(name: str, their: dict[str, Any], seconds: float, questions: Sequence[Question], given: Any) -> list[Any]:
    """The table's lines for one of lm-eval's tasks."""
    peer = PEERS[name]
    scores = [TASKS[peer.task].score(one, said.answer) for one, said in zip(questions, given, strict=True)]
    rows = len(questions)
    found = []
    for metric, column in peer.metrics.items():
        if metric not in their["samples"][0]["metrics"]:
            continue
        their_scores = np.array([sample["metrics"][metric] for sample in their["samples"]])
        our_scores = np.array([row[column] for row in scores])
        found.append(
            [
                f"{name} {metric}",
                rows,
                _with_interval(their_scores),
                _with_interval(our_scores),
                int((np.abs(their_scores - our_scores) > 0.05).sum()),
                _likelihood_difference(name, their, given),
                f"{rows / their['seconds']:.2f}",
                f"{rows / seconds:.2f}",
                f"{their['seconds'] / seconds:.1f}",
            ]
        )
    return found


def _with_interval(scores: Any) -> str:
    low, high = mean_interval(scores, 0.95)
    return f"{scores.mean():.3f} ({low:.3f} to {high:.3f})"


def _likelihood_difference(name: str, their: dict[str, Any], given: Any) -> str:
    """The median distance of a choice's log likelihood on both sides, where both asked the same choices."""
    pairs = [(sample["likelihoods"], said.answer) for sample, said in zip(their["samples"], given, strict=True)]
    if name == "truthfulqa_mc1" or not pairs[0][0]:
        return ""
    return f"{np.median([abs(one - other) for pair in pairs for one, other in zip(*pair, strict=True)]):.3f}"


def main() -> None:
    """Ask both sides and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lm-eval", type=Path, required=True, help="the Python of the environment that has lm-eval")
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--tasks", nargs="+", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--quant", default="F16")
    parser.add_argument("--batch-size", type=int, default=8)
    options = parser.parse_args()
    data = Path(os.environ["TINSMITH_BENCH_DATA"])
    base = base_model(Model(base=BASE)).folder
    where = "import lm_eval.tasks, pathlib; print(pathlib.Path(lm_eval.tasks.__file__).parent)"
    tasks = Path(
        subprocess.run([options.lm_eval, "-c", where], capture_output=True, text=True, check=True).stdout.strip()
    )
    names = list(dict.fromkeys(PEERS[name].task for name in options.tasks))
    questions = {task: sampled(TASKS[task].questions(data), options.rows) for task in names}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name in options.tasks:
            write_task(name, PEERS[name], tasks, folder, data, questions[PEERS[name].task])
        mine = ours(questions, base, options.quant, folder)
        their = theirs(options.lm_eval, base, folder, options.tasks, options.batch_size)
    print(machine_line())
    print(f"{BASE}; lm-eval {their['lm_eval']}, fp32, batches of {options.batch_size}; ours: {options.quant}\n")
    head = ["task and metric", "rows", "lm-eval", "ours", "rows that differ", "log likelihood apart"]
    head += ["lm-eval rows/s", "ours rows/s", "times"]
    table = [
        line
        for name in options.tasks
        for line in lines(
            name,
            their[f"local_{name}"],
            mine[PEERS[name].task][0],
            questions[PEERS[name].task],
            mine[PEERS[name].task][1],
        )
    ]
    print(markdown_table(head, table))


if __name__ == "__main__":
    main()
