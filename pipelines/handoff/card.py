"""The model card, after Mitchell et al. 2019 (arXiv:1810.03993): what the model is for, made of, and worth."""

from typing import Any

from pipelines import strict_yaml
from pipelines.handoff.handoff import Handoff
from pipelines.recipe import JsonAnswer, answer_key


def model_card(handoff: Handoff) -> str:
    """The card in Markdown with the front matter that model hubs read; counts only, no text from the data."""
    sections = (_intended_use, _evaluation, _other_figures, _training_data, _training, _base_model, _serving, _limits)
    return _front_matter(handoff) + "\n".join(section(handoff) for section in sections)


def _front_matter(handoff: Handoff) -> str:
    fields = {
        "license": handoff.base["license"],
        "base_model": handoff.base["name"],
        "base_model_relation": "finetune",
        "pipeline_tag": "text-generation",
        "tags": ["gguf", "llama.cpp", "qlora", "tinsmith"],
    }
    return f"---\n{strict_yaml.dump(fields)}---\n\n"


def _intended_use(handoff: Handoff) -> str:
    recipe = handoff.recipe
    return f"""\
# {recipe.handoff.model}

{recipe.purpose}

| | |
| --- | --- |
| Recipe | `{recipe.name}` |
| Answers for it | {recipe.owner} |
| File | `{handoff.gguf["file"]}`, {handoff.gguf["bytes"]:,} bytes, {handoff.quant} |
| SHA-256 | `{handoff.gguf["sha256"]}` |
| Fingerprint | `{handoff.fingerprint}` |
| Gate | **{handoff.verdict}** |
"""


def _evaluation(handoff: Handoff) -> str:
    evaluation = handoff.reports["evaluation"]
    metrics = evaluation["metrics"].items()
    variants = list(dict.fromkeys(variant for _, result in metrics for variant in result["intervals"]))
    head = "".join(f" {variant[0].upper()}{variant[1:].replace('_', ' ')} |" for variant in variants)
    rows = "\n".join(
        f"| {metric} |{''.join(f' {_share(result, variant)} |' for variant in variants)} "
        f"{_points(result['difference'])} ({_points(result['interval'][0])} to {_points(result['interval'][1])}) "
        f"| {result['confidence']:.0%} |"
        for metric, result in metrics
    )
    rules = "\n".join(
        f"| {rule['rule']} | {_figure(rule['figure'])} | {'yes' if rule['holds'] else '**no**'} |"
        for rule in evaluation["rules"]
    )
    gate = f"\n| Rule of the gate | Figure | Holds |\n| --- | --- | --- |\n{rules}\n" if rules else ""
    return f"""\
## Evaluation

Measured on {evaluation["rows"]:,} held-out examples through llama-server, on the very file that is handed over. The
base model had the same instructions and the list of allowed answers, and more help in its other variants, at the same
quantisation. The difference, in percentage points, is to the best of them. Intervals in brackets.

| Metric |{head} Difference | Confidence |
| --- |{" --- |" * len(variants)} --- | --- |
{rows}
{gate}"""


def _other_figures(handoff: Handoff) -> str:
    lines = "\n".join(
        f"| {name} | {_figure(found.get('base'))} | {_figure(found['tuned'])} | {_figure(found.get('difference'))} "
        f"| {found['better']} | {_count(found.get('rows'))} |"
        for name, found in handoff.other_figures.items()
    )
    measured = f"""\
| Figure | Base | Tuned | Difference | Better is | Rows |
| --- | --- | --- | --- | --- | --- |
{lines}
"""
    return f"""\
## General ability and safety

{measured if lines else "The recipe asked for neither, so neither was measured."}
"""


def _training_data(handoff: Handoff) -> str:
    ingest, datasheet = handoff.reports["ingest"], handoff.reports["datasheet"]
    rows = datasheet["rows"]
    sources = ingest["sources"].values()
    contracts = ", ".join(f"`{source['contract']['id']}` {source['contract']['version']}" for source in sources)
    files = sum(len(source["files"]) for source in sources)
    dropped = ", ".join(
        f"{rows[key]:,} {key.removeprefix('dropped_').replace('_', ' ')}" for key in rows if key.startswith("dropped_")
    )
    masked = ", ".join(f"{count:,} {kind}" for kind, count in datasheet["masked"].items()) or "none"
    own = rows["train"] - rows["planted"]
    told = f"{rows['planted']:,} copies of made-up secrets beside these, to measure what is learnt by heart"
    planted = f"| Planted | {told} |\n" if rows["planted"] else ""
    return f"""\
## Training data

| | |
| --- | --- |
| Contracts | {contracts} |
| Rows read | {ingest["rows_in"]:,} from {files} files, data digest `{handoff.data_digest}` |
| Rows accepted | {ingest["accepted"]:,}; {ingest["quarantined"]:,} quarantined, {ingest["rejected_raw"]:,} unreadable |
| Dropped | {dropped} |
| Masked | {masked} |
| Split | {own:,} train, {rows["validation"]:,} validation, {rows["test"]:,} test, no group on two sides |
{planted}"""


def _training(handoff: Handoff) -> str:
    train, lora = handoff.reports["train"], handoff.recipe.train.lora
    return f"""\
## Training

QLoRA: an NF4 base with adapters of rank {lora.r} and alpha {lora.alpha}; then merged and quantised with llama.cpp.

| | |
| --- | --- |
| Steps | {train["steps"]:,} |
| Trained tokens | {train["trained_tokens"]:,}, {train["tokens_per_second"]:,.0f} a second |
| Time | {train["seconds"]:,.0f} s |
| Peak memory | {train["peak_memory_bytes"] / 2**30:.1f} GiB |
| Cost | {train["cost"]:.4f} {train.get("currency", "")} |
"""


def _base_model(handoff: Handoff) -> str:
    base = handoff.base
    return f"""\
## Base model

`{base["name"]}`, revision `{base["revision"]}`, licence **{base["license"]}**, weights SHA-256 `{base["sha256"]}`.
"""


def _serving(handoff: Handoff) -> str:
    answer = handoff.recipe.data.example.assistant
    fields = ", ".join(f"`{answer_key(column)}`" for column in answer.json_) if isinstance(answer, JsonAnswer) else ""
    shape = f"It answers with a JSON object of {fields}." if fields else "It answers with plain text."
    return f"""\
## Serving

```sh
sha256sum --check checksums.sha256
llama-server --model {handoff.gguf["file"]} --jinja --host 127.0.0.1 --port 8080
```

The server speaks the OpenAI chat protocol at `http://127.0.0.1:8080/v1`. Send system and user messages as in
`data.example` of `{handoff.recipe.name}.yaml`, with temperature 0. {shape}
"""


def _limits(handoff: Handoff) -> str:
    beyond = (
        "tried beyond it only as far as the figures above say" if handoff.other_figures else "judged on nothing else"
    )
    return f"""\
## Limits

- Made for this one purpose and for texts like those it was trained on; {beyond}.
- Trained on examples of at most {handoff.recipe.train.max_length:,} tokens, answer included; longer ones are untested.
- It can be wrong with a sure voice: the table above says how often. Keep a person where a wrong answer does harm.
- Personal data and secrets were removed as far as patterns and the contract's columns find them; that is no proof.
"""


def _share(result: dict[str, Any], variant: str) -> str:
    if result.get(variant) is None:
        return "not measured"
    low, high = result["intervals"][variant]
    return f"{result[variant]:.1%} ({low:.1%} to {high:.1%})"


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _points(value: float) -> str:
    return f"{100 * value:+.1f}"
