"""export: the adapter merged into 16-bit weights, converted to GGUF, quantised, and each proven the same model.

Reads work/<r>/adapter/, the train and validation splits and the base model. Writes work/<r>/gguf/*.gguf and
reports/<r>/export.json, which holds every figure of the proof; a limit that does not hold stops the stage.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.data.sampled_text import (
    ROWS,
    SampledText,
    beginning_of_file,
    general_text_file,
    plain_texts,
    rendered_chats,
    said,
)
from pipelines.data.side_rows import SideRows
from pipelines.data.tokenizing import TokenizedExample, chat_text, tokenize_row
from pipelines.errors import TinsmithError
from pipelines.files import clear_unfinished, sha256_of_file, sha256_of_json, write_json, written_whole
from pipelines.gguf import imatrix, parity, perplexity
from pipelines.gguf.convert import changes_tied_embeddings, convert, convert_adapter
from pipelines.gguf.imatrix import ImportanceMatrix, importance_matrix
from pipelines.gguf.metadata import CHAT_TEMPLATE, check_metadata, description
from pipelines.gguf.parity import Chat
from pipelines.gguf.perplexity import Reference, reference
from pipelines.gguf.quants import MadeQuant, Original, check_within, ladder, make_quant
from pipelines.gguf.server import serving
from pipelines.gguf.speed import speed
from pipelines.gguf.toolchain import Toolchain, find_toolchain
from pipelines.llama_client import PARALLEL
from pipelines.model.base import BaseModel, base_model, load_tokenizer
from pipelines.paths import Paths, check_made
from pipelines.recipe import Recipe
from pipelines.recipe_export import Export, Quant
from pipelines.scoring.prompts import Row, judged_rows
from pipelines.stage_runner import run

# Held-out examples on which the merge is compared with what was trained; measured: 16 tell the two merges apart by
# seven standard errors, and either figure to a fifth.
PROBES = 16
# Of these, on which the GGUF is compared with the merge: some hundred tokens tell rounding from faults by far.
SERVED_PROBES = 4
CHATS = 50
TEXTS = 1_000
# KL(trained || merged) in nats per token. The better of the two merges is some thousandths away; one that did nothing
# is as far as training went.
MERGE_KL_LIMIT = 0.1


@dataclass(frozen=True)
class Material:
    """What the proof draws on: rows of training, rows to measure on, of the split `measured_on`, and the first of these
    as token ids."""

    tokenizer: Any
    train: Sequence[Row]
    measured_on: str
    held_out: Sequence[Row]
    examples: Sequence[TokenizedExample]


class Steps:
    """What each step of the stage took, in seconds by its name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Note the block's wall time."""
        started = time.perf_counter()
        yield
        self.seconds[step] = round(time.perf_counter() - started, 2)


def export(recipe: Recipe, paths: Paths) -> None:
    """Write the recipe's quants, each proven close to the 16-bit model, and that to what was trained."""
    toolchain = find_toolchain()
    base = base_model(recipe.model)
    check_made("train", recipe.name, paths.work / "adapter")
    steps = Steps()
    material = _material(load_tokenizer(base.folder), paths)
    # A killed export leaves whole models behind.
    clear_unfinished(paths.work / "gguf")
    with written_whole(paths.work / "gguf") as folder:
        scratch = folder.parent / "scratch"
        scratch.mkdir()
        folder.mkdir()
        merged, sixteen_bit = scratch / recipe.name, scratch / "16bit.gguf"
        with steps.timed("merge"):
            merge = _merged(base, paths, merged, material.examples)
        with steps.timed("convert"):
            convert(merged, sixteen_bit, toolchain)
            adapter = _adapter(recipe, base, paths, folder, toolchain)
        with steps.timed("parity"):
            proof = _parity(material, merged, sixteen_bit, paths.scratch / "export" / "parity.log", toolchain)
            proof["limits"]["quants"] = recipe.export.tolerance.model_dump()
        with steps.timed("imatrix"):
            matrix = _imatrix(recipe.export, material, sixteen_bit, scratch, toolchain)
        with steps.timed("perplexity"):
            on_domain = _on_domain(material, sixteen_bit, scratch, toolchain)
            on_general = _on_general(recipe.export, material, sixteen_bit, scratch, toolchain)
        about = description(
            recipe.name, base.identity(), _made_of(base, paths, merge["kept"]), material.examples[0].input_ids[-1]
        )
        with steps.timed("quants"):
            original = Original(sixteen_bit, matrix, about, on_domain, on_general)
            quants, refused = _quants(recipe, original, folder, toolchain)
        with steps.timed("metadata"):
            for made in quants:
                check_metadata(made.file, {**about, CHAT_TEMPLATE: material.tokenizer.chat_template})
        with steps.timed("speed"):
            entries = {made.quant: made.as_json(speed(made.file, toolchain)) for made in quants}
        report = {
            "base": base.identity(),
            "llama_cpp": toolchain.version,
            "measured_on": material.measured_on,
            "tolerance_checked": on_domain is not None,
            "merge": merge,
            "adapter": adapter and {**adapter, "onto": merge["kept"]},
            "imatrix": {"tokens": matrix.tokens, "sha256": matrix.sha256} if matrix else None,
            "parity": proof,
            "judged": quants[0].quant,
            "quants": entries,
            "refused": {made.quant: asdict(made.on_domain) for made in refused if made.on_domain},
            "sixteen_bit": {
                "bytes": sixteen_bit.stat().st_size,
                "perplexity": on_domain.perplexity if on_domain else None,
                "general_perplexity": on_general.perplexity if on_general else None,
            },
            "steps": steps.seconds,
        }
    write_json(paths.reports / "export.json", report)


def check_merge(kl: float) -> None:
    """Refuse a merge whose KL divergence from what was trained, in nats per token, no rounding explains."""
    if not kl <= MERGE_KL_LIMIT:
        raise TinsmithError(
            f"export: the merged model is not the one that was trained: KL {kl:.4f} nats per token, at most "
            f"{MERGE_KL_LIMIT} is rounding; train with a smaller learning rate, or choose another base"
        )


def _material(tokenizer: Any, paths: Paths) -> Material:
    train, validation = (
        judged_rows(SideRows(paths.work / f"{split}.parquet", canaries=False), ROWS)
        for split in ("train", "validation")
    )
    # Where nothing is held out to watch training, training rows have to do.
    measured_on, held_out = ("validation", validation) if validation else ("train", train)
    examples = [tokenize_row(tokenizer, row, "completion") for row in held_out[:PROBES]]
    return Material(tokenizer, train, measured_on, held_out, examples)


def _merged(base: BaseModel, paths: Paths, target: Path, probes: Sequence[TokenizedExample]) -> dict[str, Any]:
    # Torch and peft take seconds to import.
    from pipelines.model.merge import merge_adapter

    merge = merge_adapter(base.folder, paths.work / "adapter", target, probes)
    check_merge(min(merge.kl_16bit, merge.kl_nf4))
    return {name: None if value != value else value for name, value in asdict(merge).items()}


def _adapter(
    recipe: Recipe, base: BaseModel, paths: Paths, folder: Path, toolchain: Toolchain
) -> dict[str, Any] | None:
    """The adapter as a GGUF of its own, so that one base serves many recipes; None where llama.cpp cannot hold it."""
    adapter, file = paths.work / "adapter", folder / f"{recipe.name}-lora.gguf"
    if changes_tied_embeddings(adapter, base.folder):
        return None
    convert_adapter(adapter, base.folder, file, toolchain)
    return {"file": file.name, "bytes": file.stat().st_size, "sha256": sha256_of_file(file)}


def _parity(material: Material, merged: Path, gguf: Path, log: Path, toolchain: Toolchain) -> dict[str, Any]:
    """Hold the 16-bit GGUF, as llama-server serves it, against tokenizer, template and weights of the merged model."""
    from pipelines.model.distributions import next_token_logprobs

    tokenizer = material.tokenizer
    said_once = dict.fromkeys(text for row in (*material.held_out, *material.train) for text in said(row))
    texts = _token_ids(tokenizer, list(said_once)[:TEXTS])
    added = _token_ids(tokenizer, [str(token) for token in tokenizer.added_tokens_decoder.values()])
    chats = [_chat(tokenizer, row) for row in material.held_out[:CHATS]]
    examples = [example.input_ids for example in material.examples[:SERVED_PROBES]]
    context = max(map(len, examples)) + 1
    with serving(gguf, toolchain, parallel=PARALLEL, context_per_slot=context, log=log) as url:
        parity.check_tokens(url, texts, added)
        beginning = parity.check_beginning(url, chats, tokenizer.bos_token, tokenizer.bos_token_id)
        parity.check_chats(url, chats, tokenizer.bos_token)
        served = parity.served_distributions(url, examples)
    # Only now, so that a large model is in memory once.
    agreement = parity.check_distributions(served, next_token_logprobs(merged, examples))
    return {
        # No other number of differences comes this far.
        "tokens": {"texts": len(texts), "added_tokens": len(added), "different": 0},
        "template": {"chats": len(chats), "with_tools": sum(bool(chat.tools) for chat in chats), "different": 0},
        "bos": asdict(beginning),
        "hf_kl_mean": agreement.kl_mean,
        "hf_top1": agreement.top1,
        "hf_tokens": agreement.tokens,
        "limits": {
            "tokens": 0,
            "template": 0,
            "bos": 1,
            "merge_kl": MERGE_KL_LIMIT,
            "hf_kl_mean": parity.KL_LIMIT,
            "hf_top1": parity.TOP1_LIMIT,
        },
    }


def _token_ids(tokenizer: Any, texts: Sequence[str]) -> dict[str, list[int]]:
    return {text: tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts}


def _chat(tokenizer: Any, row: Row) -> Chat:
    text = chat_text(tokenizer, row["prompt"], row["tools"], asking=True)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    return Chat(row["example_id"], row["prompt"], row["tools"], text, ids)


def _imatrix(
    settings: Export, material: Material, gguf: Path, scratch: Path, toolchain: Toolchain
) -> ImportanceMatrix | None:
    if not settings.imatrix:
        return None
    sample = rendered_chats(material.tokenizer, material.train, imatrix.MOST_TOKENS)
    return importance_matrix(gguf, sample.text, sample.tokens, scratch / "imatrix.gguf", toolchain)


def _on_domain(material: Material, gguf: Path, scratch: Path, toolchain: Toolchain) -> Reference | None:
    """The 16-bit model's reading of held-out text, without control tokens, which llama-perplexity takes for words."""
    sample = plain_texts(material.tokenizer, material.held_out, perplexity.MOST_TOKENS)
    return _reference(sample, scratch / "domain.txt", gguf, toolchain)


def _on_general(
    settings: Export, material: Material, gguf: Path, scratch: Path, toolchain: Toolchain
) -> Reference | None:
    if settings.general_text is None:
        return None
    path = general_text_file(settings.general_text)
    sample = beginning_of_file(material.tokenizer, path, perplexity.MOST_TOKENS)
    found = _reference(sample, scratch / "general.txt", gguf, toolchain)
    if found is None:
        raise TinsmithError(
            f"export.general_text: {path} has {sample.tokens} tokens, {perplexity.FEWEST_TOKENS} are needed to "
            "measure; name a longer text"
        )
    return found


def _reference(sample: SampledText, text: Path, gguf: Path, toolchain: Toolchain) -> Reference | None:
    text.write_text(sample.text, encoding="utf-8")
    return reference(gguf, text, sample.tokens, text.with_suffix(".logprobs"), toolchain)


def _made_of(base: BaseModel, paths: Paths, kept: str) -> str:
    """A digest of all that made the model: base, adapter, and the weights that it was merged onto."""
    adapter = {file.name: sha256_of_file(file) for file in sorted((paths.work / "adapter").iterdir())}
    return sha256_of_json({"base": base.sha256, "adapter": adapter, "merged_onto": kept})


def _quants(
    recipe: Recipe, original: Original, folder: Path, toolchain: Toolchain
) -> tuple[list[MadeQuant], list[MadeQuant]]:
    """The quants that the recipe names; or, where it leaves the choice, the smallest close one, and those refused."""

    def make(quant: Quant) -> MadeQuant:
        return make_quant(quant, original, folder / f"{recipe.name}-{quant}.gguf", toolchain)

    tolerance = recipe.export.tolerance
    if recipe.export.quants != "auto":
        if original.on_domain is None:
            print(  # noqa: T201
                f"export: there are fewer than {perplexity.FEWEST_TOKENS} tokens of text to measure on, so that no "
                "quant is held against export.tolerance",
                flush=True,
            )
        made = []
        for quant in recipe.export.quants:
            made.append(make(quant))
            check_within(made[-1], tolerance)
        return made, []
    if original.on_domain is None:
        raise TinsmithError(
            f"export.quants: auto needs {perplexity.FEWEST_TOKENS} tokens of held-out text to measure on, and there "
            "are fewer; name the quants, or raise data.split.validation"
        )
    refused: list[MadeQuant] = []
    for quant in ladder(original, toolchain):
        tried = make(quant)
        if not tried.beyond(tolerance):
            return [tried], refused
        tried.file.unlink()
        refused.append(tried)
    raise TinsmithError("export.tolerance: not even the 16-bit weights themselves stay within it; allow more")


if __name__ == "__main__":
    run(export)
