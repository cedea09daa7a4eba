"""Scored rows per second: our questions to llama-server against lm-evaluation-harness's HF backend, in one run.

    python -m venv LM_EVAL
    LM_EVAL/bin/pip install torch==2.13.0 transformers==5.23.0 lm_eval==0.4.13
    TINSMITH_BENCH_DATA=... python -m benchmarks.scoring_speed --lm-eval LM_EVAL/bin/python [--rows 100]

Both ask the embedded base the same questions of banking77, with the instructions and allowed answers that the line
gives a base, greedily, with the same most tokens, on all cores. Loading the model is not counted on either side, and
one question is asked before on both. The goal is three times lm-eval's best.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from benchmarks.machine import machine_line
from benchmarks.table import markdown_table
from pipelines.data.tokenizing import chat_text
from pipelines.files import sha256_of_file
from pipelines.gguf.convert import convert, quantise
from pipelines.gguf.server import serving
from pipelines.gguf.toolchain import find_toolchain
from pipelines.llama_client import PARALLEL
from pipelines.model.base import base_model, load_tokenizer
from pipelines.recipe import Model
from pipelines.scoring.answers import Questions, answers_to
from pipelines.scoring.prompts import Prompt, base_prompt

BASE = "embedded:smollm2-135m-instruct"
QUANTS = ("F16", "Q8_0", "Q4_K_M")
# lm-eval's own choices: how many prompts are padded to one length, and what the weights are held in.
BATCH_SIZES = (1, 8)
DTYPES = ("bfloat16", "float32")
MAX_TOKENS = 32
GOAL = 3.0


def banking_prompts(folder: Path, rows: int) -> list[Prompt]:
    """The first `rows` test questions as a base is asked them."""
    with (folder / "banking77" / "test.jsonl").open(encoding="utf-8") as stream:
        questions = [json.loads(line) for line in stream]
    allowed = {"answer": sorted({question["label"] for question in questions})}
    system = {"role": "system", "content": "Answer with the intent of the banking question."}
    chats = [[system, {"role": "user", "content": question["text"]}] for question in questions[:rows]]
    return [base_prompt(chat, "{label}", allowed, ()) for chat in chats]


def ours(model: Path, prompts: list[Prompt], context: int, folder: Path) -> dict[str, dict[str, Any]]:
    """Seconds and answers by quantisation."""
    toolchain = find_toolchain()
    sixteen_bit = folder / "16bit.gguf"
    convert(model, sixteen_bit, toolchain)
    found = {}
    for quant in QUANTS:
        gguf = folder / f"{quant}.gguf"
        quantise(sixteen_bit, gguf, quant, toolchain)
        questions = Questions(sha256_of_file(gguf), prompts, MAX_TOKENS)
        log = folder / f"{quant}.log"
        with serving(gguf, toolchain, parallel=PARALLEL, context_per_slot=context + MAX_TOKENS, log=log) as url:
            first = Questions("warm", prompts[:1], MAX_TOKENS)
            answers_to(first, folder / "kept", lambda url=url: nullcontext(url), "first")
            started = time.perf_counter()
            answers = answers_to(questions, folder / "kept", lambda url=url: nullcontext(url), quant)
            seconds = time.perf_counter() - started
        found[f"ours, {quant}"] = {"seconds": seconds, "answers": [answer.text for answer in answers]}
    return found


def theirs(python: Path, model: Path, texts: list[str], folder: Path) -> dict[str, dict[str, Any]]:
    """Seconds and answers of lm-eval by its settings."""
    found = {}
    for dtype in DTYPES:
        for batch_size in BATCH_SIZES:
            job, target = folder / "job.json", folder / "result.json"
            settings = {"max_tokens": MAX_TOKENS, "batch_size": batch_size, "dtype": dtype}
            job.write_text(json.dumps({"prompts": texts, **settings}))
            script = Path(__file__).parent / "peers" / "lm_eval_generate.py"
            subprocess.run([python, script, model, job, target], check=True, stdout=sys.stderr)
            found[f"lm-eval, {dtype}, batches of {batch_size}"] = json.loads(target.read_text())
    return found


def compare(python: Path, data: Path, rows: int, folder: Path) -> str:
    """Ask both sides `rows` questions; returns the results as Markdown."""
    model = base_model(Model(base=BASE)).folder
    prompts = banking_prompts(data, rows)
    tokenizer = load_tokenizer(model)
    texts = [chat_text(tokenizer, prompt, None, asking=True) for prompt in prompts]
    longest = max(len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts)
    found = ours(model, prompts, longest, folder) | theirs(python, model, texts, folder)
    return report(found, len(prompts))


def report(found: dict[str, dict[str, Any]], rows: int) -> str:
    """A table of rows per second, with the share of answers that are those of our F16, and the ratios."""
    right = found["ours, F16"]["answers"]
    table = []
    for name, side in found.items():
        same = sum(a.strip() == b.strip() for a, b in zip(side["answers"], right, strict=True))
        table.append([name, rows, f"{side['seconds']:.1f}", f"{rows / side['seconds']:.2f}", f"{same / rows:.0%}"])
    best = min(side["seconds"] for name, side in found.items() if name.startswith("lm-eval"))
    ratios = ", ".join(f"{quant} {best / found[f'ours, {quant}']['seconds']:.1f}" for quant in QUANTS)
    head = ["", "rows", "seconds", "rows/s", "answers as ours, F16"]
    return f"{markdown_table(head, table)}\n\nTimes as fast as lm-eval's best: {ratios}; the goal is {GOAL:.0f}."


def _main() -> None:
    parser = argparse.ArgumentParser(description="Scored rows per second against lm-eval's HF backend.")
    parser.add_argument("--lm-eval", type=Path, required=True, help="a Python that has lm_eval")
    parser.add_argument("--rows", type=int, default=100)
    given = parser.parse_args()
    data = Path(os.environ["TINSMITH_BENCH_DATA"])
    with tempfile.TemporaryDirectory() as temporary:
        answer = compare(given.lm_eval, data, given.rows, Path(temporary))
    print(f"{machine_line()}\n\n{answer}")


if __name__ == "__main__":
    _main()
