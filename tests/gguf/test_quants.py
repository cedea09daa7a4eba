import re
import subprocess
from typing import get_args

import pytest

from pipelines.errors import TinsmithError
from pipelines.files import sha256_of_file
from pipelines.gguf.convert import convert
from pipelines.gguf.imatrix import CONTEXT, FEWEST_TOKENS, importance_matrix
from pipelines.gguf.metadata import CHAT_TEMPLATE, END_OF_TURN, check_metadata, description, read_metadata
from pipelines.gguf.perplexity import Closeness, closeness, reference
from pipelines.gguf.quants import LADDER, MadeQuant, Original, check_within, ladder, make_quant
from pipelines.gguf.server import serving
from pipelines.gguf.speed import speed
from pipelines.model.base import base_model
from pipelines.recipe import Model
from pipelines.recipe_export import NEED_IMATRIX, Quant, Tolerance

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

BASE = {"name": "org/base", "revision": "f" * 40, "license": "apache-2.0", "sha256": "0" * 64}
PROSE = "".join(f"On day {number} the {word} went to the harbour.\n" for number in range(99) for word in ("cat", "dog"))
TOKENS = 2_400


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    file = tmp_path_factory.mktemp("text") / "text.txt"
    file.write_text(PROSE)
    return file


@pytest.fixture(scope="module")
def original(tiny_gguf, text, toolchain, tmp_path_factory):
    folder = tmp_path_factory.mktemp("original")
    matrix = importance_matrix(tiny_gguf, PROSE, TOKENS, folder / "imatrix.gguf", toolchain)
    about = description("triage", BASE, "a" * 64, 2)
    on_domain = reference(tiny_gguf, text, TOKENS, folder / "domain.logprobs", toolchain, chunks=2)
    return Original(tiny_gguf, matrix, about, on_domain, None)


@pytest.fixture(scope="module")
def q4(original, toolchain, tmp_path_factory):
    return make_quant("Q4_K_M", original, tmp_path_factory.mktemp("q4") / "triage-Q4_K_M.gguf", toolchain)


def test_the_figures_are_those_of_llama_perplexity_by_hand(q4, original, text, toolchain, tmp_path):
    program = toolchain.program("llama-perplexity")
    base = ["--kl-divergence-base", tmp_path / "logits"]
    subprocess.run([program, "-m", original.file, "-f", text, "--chunks", "2", *base], check=True, capture_output=True)
    told = subprocess.run(
        [program, "-m", q4.file, "-f", text, "--chunks", "2", *base, "--kl-divergence"],
        check=True,
        capture_output=True,
        text=True,
    )

    def figure(name):
        return float(re.search(rf"{name}\s*:\s*(-?[\d.]+)", told.stdout)[1])

    near = q4.on_domain
    assert near.perplexity == pytest.approx(figure(r"Mean PPL\(Q\)"), rel=1e-4)
    assert original.on_domain.perplexity == pytest.approx(figure(r"Mean PPL\(base\)"), rel=1e-3)
    assert near.perplexity_ratio == pytest.approx(figure(r"Mean PPL\(Q\)/PPL\(base\)"), rel=1e-3)
    assert near.kl_mean == pytest.approx(figure("Mean    KLD"), rel=1e-3)
    assert near.kl_p99 == pytest.approx(figure("99.0%   KLD"), rel=1e-3)
    assert near.top1 == pytest.approx(figure("Same top p") / 100, abs=1e-4)
    assert near.kl_mean > 1e-4


def test_a_larger_quant_is_closer(q4, original, toolchain, tmp_path):
    q8 = make_quant("Q8_0", original, tmp_path / "q8.gguf", toolchain)
    assert q8.on_domain.kl_mean < q4.on_domain.kl_mean / 2
    assert q8.file.stat().st_size > q4.file.stat().st_size
    whole = make_quant("BF16", original, tmp_path / "bf16.gguf", toolchain)
    assert whole.on_domain.kl_mean == pytest.approx(0, abs=1e-4)
    assert whole.on_domain.top1 > 0.995


def test_the_same_model_and_text_give_the_same_bytes_and_no_path(q4, original, tiny_gguf, toolchain, tmp_path):
    matrix = importance_matrix(tiny_gguf, PROSE, TOKENS, tmp_path / "imatrix.gguf", toolchain)
    assert matrix.sha256 == original.imatrix.sha256
    assert matrix.tokens == TOKENS // CONTEXT * CONTEXT
    again = make_quant("Q4_K_M", Original(tiny_gguf, matrix, original.metadata, None, None), tmp_path / "q", toolchain)
    assert sha256_of_file(again.file) == sha256_of_file(q4.file)
    texts = [str(value) for value in read_metadata(again.file).values() if isinstance(value, str)]
    assert not [value for value in texts if str(tmp_path) in value or "/tmp" in value]


def test_every_gguf_says_what_it_is(q4, original, tokenizer):
    found = read_metadata(q4.file)
    assert found["general.name"] == found["tinsmith.recipe"] == "triage"
    assert found["general.license"] == "apache-2.0"
    assert found["general.base_model.count"] == 1
    assert (found["general.base_model.0.name"], found["general.base_model.0.version"]) == ("org/base", "f" * 40)
    assert found["tinsmith.made_of"] == "a" * 64
    assert found[CHAT_TEMPLATE] == tokenizer.chat_template
    assert found[END_OF_TURN] == tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert found["quantize.imatrix.chunks_count"] == TOKENS // CONTEXT
    check_metadata(q4.file, {**original.metadata, CHAT_TEMPLATE: tokenizer.chat_template})
    with pytest.raises(TinsmithError, match=r"triage-Q4_K_M\.gguf: says something else of general\.license than was"):
        check_metadata(q4.file, {**original.metadata, "general.license": "mit"})


def test_a_long_base_name_is_cut_within_a_character(original, toolchain, tmp_path):
    about = description("triage", {**BASE, "name": "é" * 100}, "a" * 64, 2)
    made = make_quant("Q8_0", Original(original.file, None, about, None, None), tmp_path / "q8.gguf", toolchain)
    assert read_metadata(made.file)["general.base_model.0.name"] == "é" * 63
    check_metadata(made.file, about)


@pytest.mark.parametrize("kept", [0.999, 0.5, 0.0001])
def test_a_gguf_cut_short_is_told_by_all_that_read_it(q4, original, toolchain, tmp_path, kept):
    whole = q4.file.read_bytes()
    short = tmp_path / "short.gguf"
    short.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(TinsmithError, match=r"short\.gguf: is no whole GGUF \(\w+\); delete it and run the export"):
        check_metadata(short, original.metadata)
    with pytest.raises(TinsmithError, match=r"^timing short\.gguf failed: .") as failure:
        speed(short, toolchain)
    assert "\n" not in str(failure.value)
    with pytest.raises(TinsmithError, match=r"^measuring short\.gguf failed: .") as failure:
        closeness(short, original.on_domain, toolchain)
    assert "\n" not in str(failure.value)
    with (
        pytest.raises(TinsmithError, match=r"short\.gguf"),
        serving(short, toolchain, parallel=1, context_per_slot=128, log=tmp_path / "log"),
    ):
        pass


def test_too_little_text_is_not_measured(tiny_gguf, text, toolchain, tmp_path):
    assert reference(tiny_gguf, text, 255, tmp_path / "logprobs", toolchain) is None
    assert importance_matrix(tiny_gguf, "word " * 99, FEWEST_TOKENS - 1, tmp_path / "i.gguf", toolchain) is None
    made = make_quant("Q8_0", Original(tiny_gguf, None, {}, None, None), tmp_path / "q8.gguf", toolchain)
    entry = made.as_json(speed(made.file, toolchain))
    assert [entry[name] for name in ("perplexity", "perplexity_ratio", "kl_mean", "kl_p99", "top1", "general")] == [
        None
    ] * 6
    assert entry["sha256"] == sha256_of_file(made.file)
    assert entry["prompt_tokens_per_second"] > entry["decode_tokens_per_second"] > 0
    check_within(made, Tolerance())


@pytest.mark.parametrize(("tokens", "context"), [(256, 128), (600, 256), (1_100, 512)])
def test_short_texts_are_measured_in_shorter_pieces(tiny_gguf, tokenizer, toolchain, tmp_path, tokens, context):
    ids = tokenizer(PROSE, add_special_tokens=False)["input_ids"][:tokens]
    (tmp_path / "short.txt").write_text(tokenizer.decode(ids))
    found = reference(tiny_gguf, tmp_path / "short.txt", tokens, tmp_path / "logprobs", toolchain)
    assert found.context == context
    assert closeness(tiny_gguf, found, toolchain).kl_mean == pytest.approx(0, abs=1e-4)


def test_a_quant_too_far_away_is_told_with_its_figures(tmp_path):
    far = MadeQuant("Q2_K", tmp_path / "q2", Closeness(20.0, 1.31, 0.5, 3.0, 0.61), None)
    with pytest.raises(
        TinsmithError,
        match=r"^export\.quants: Q2_K is too far .* KL 0\.5000 nats per token \(export\.tolerance\.kl_mean allows "
        r"0\.1\) on text of the recipe, KL 3\.0000 at one place in a hundred \(tolerance\.kl_p99 allows 1\.0\) on text "
        r"of the recipe, the same likeliest token at 61\.0% of places \(tolerance\.top1 asks for 80%\) on text of "
        r"the recipe, 1\.310 times the perplexity \(tolerance\.perplexity_ratio allows 1\.2\) on text of the recipe",
    ):
        check_within(far, Tolerance())
    with pytest.raises(
        TinsmithError,
        match=r"16-bit model: KL 3\.0000 at one place in a hundred \([^)]+\) on text of the recipe; choose",
    ):
        check_within(far, Tolerance(kl_mean=0.6, kl_p99=2, top1=0.6, perplexity_ratio=1.4))
    check_within(far, Tolerance(kl_mean=0.6, kl_p99=3, top1=0.6, perplexity_ratio=1.4))
    elsewhere = MadeQuant("Q2_K", tmp_path / "q2", Closeness(20.0, 1.0, 0.01, 0.1, 0.99), far.on_domain)
    with pytest.raises(TinsmithError, match=r"at one place in a hundred \([^)]+\) on the general text; choose"):
        check_within(elsewhere, Tolerance(kl_mean=0.6, kl_p99=2, top1=0.6, perplexity_ratio=1.4))


def test_types_that_need_a_matrix_are_refused_without_one(original, toolchain, tmp_path):
    bare = Original(original.file, None, {}, None, None)
    with pytest.raises(TinsmithError, match=r"IQ2_M needs an importance matrix, and the training text is shorter than"):
        make_quant("IQ2_M", bare, tmp_path / "iq2.gguf", toolchain)
    assert make_quant("IQ2_M", original, tmp_path / "iq2.gguf", toolchain).file.exists()


@pytest.mark.parametrize("quant", get_args(Quant))
def test_llama_quantize_needs_a_matrix_for_those_that_we_say(original, toolchain, quant):
    command = [toolchain.program("llama-quantize"), "--dry-run", original.file, quant]
    told = subprocess.run(command, check=True, capture_output=True, text=True)
    assert ("require an imatrix" in told.stdout + told.stderr) == (quant in NEED_IMATRIX)


def test_the_ladder_climbs(original, toolchain, tmp_path):
    climbed = ladder(original, toolchain)
    sizes = [make_quant(quant, original, tmp_path / quant, toolchain).file.stat().st_size for quant in climbed]
    assert sizes == sorted(sizes)
    assert set(climbed) == set(LADDER)


def test_the_ladder_climbs_where_rows_do_not_fit_the_blocks(toolchain, tmp_path):
    # Its rows are of 576, and many blocks of 256: what falls back to larger types is not the same in each.
    convert(base_model(Model(base="embedded:smollm2-135m-instruct")).folder, tmp_path / "16bit.gguf", toolchain)
    narrow = Original(tmp_path / "16bit.gguf", None, {}, None, None)
    climbed = ladder(narrow, toolchain)
    assert climbed.index("IQ4_XS") < climbed.index("Q3_K_M")
