"""Whether a llama.cpp does all that the line asks of it, tried on a model of a few kilobytes before hours are spent."""

import tempfile
from pathlib import Path

import gguf
import numpy as np

from pipelines.errors import TinsmithError
from pipelines.gguf.convert import quantise
from pipelines.gguf.imatrix import FEWEST_TOKENS, importance_matrix
from pipelines.gguf.metadata import check_metadata
from pipelines.gguf.server import serving
from pipelines.gguf.speed import speed
from pipelines.gguf.toolchain import Toolchain
from pipelines.llama_client import Continuation, likelihoods
from pipelines.paths import user_cache

_WIDTH = 256
_FIRST_BYTE = 3
_ABOUT = {"general.name": "toolchain check"}


def check_toolchain(toolchain: Toolchain) -> None:
    """Quantise with an importance matrix, time, serve, and ask with a grammar of token ids, as the stages do.

    Raises:
        TinsmithError: one of them refused or failed; with its last line (PAINS 22).
    """
    log = user_cache() / "toolchain_check.log"
    try:
        with tempfile.TemporaryDirectory() as folder:
            _try_all(Path(folder), log, toolchain)
    except TinsmithError as error:
        raise TinsmithError(
            f"llama.cpp {toolchain.version} ({toolchain.origin}: {toolchain.programs}) does not do what this line asks "
            f"of it: {error} (the server's log is {log}); choose another, or take it out of PATH and "
            "TINSMITH_LLAMA_CPP, and one is built"
        ) from None


def _try_all(folder: Path, log: Path, toolchain: Toolchain) -> None:
    original, quant = folder / "16bit.gguf", folder / "quant.gguf"
    _write_model(original)
    matrix = importance_matrix(original, "a" * FEWEST_TOKENS, FEWEST_TOKENS, folder / "imatrix.gguf", toolchain)
    quantise(original, quant, "Q4_K_M", toolchain, matrix.file if matrix else None, _ABOUT)
    check_metadata(quant, _ABOUT)
    speed(quant, toolchain)
    with serving(quant, toolchain, parallel=1, context_per_slot=64, log=log) as url:
        likelihoods(url, [Continuation((1,), tuple(_FIRST_BYTE + byte for byte in b"ab"))])


def _write_model(target: Path) -> None:
    """A Llama of one layer with small random weights, whose tokens are bytes."""
    model = gguf.GGUFWriter(target, "llama")
    model.add_context_length(FEWEST_TOKENS)
    model.add_embedding_length(_WIDTH)
    model.add_block_count(1)
    model.add_feed_forward_length(_WIDTH)
    model.add_head_count(1)
    model.add_layer_norm_rms_eps(1e-5)
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    kinds = [gguf.TokenType.UNKNOWN, *2 * [gguf.TokenType.CONTROL], *256 * [gguf.TokenType.BYTE]]
    model.add_tokenizer_model("llama")
    model.add_token_list(tokens)
    model.add_token_scores([0.0] * len(tokens))
    model.add_token_types(kinds)
    products = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
    shapes = {
        "token_embd": (len(tokens), _WIDTH),
        "output_norm": (_WIDTH,),
        **{f"blk.0.{name}": (_WIDTH, _WIDTH) for name in products},
        **{f"blk.0.{name}": (_WIDTH,) for name in ("attn_norm", "ffn_norm")},
    }
    generator = np.random.default_rng(0)
    for name, shape in shapes.items():
        model.add_tensor(f"{name}.weight", generator.normal(0, 0.1, shape).astype(np.float32))
    model.write_header_to_file()
    model.write_kv_data_to_file()
    model.write_tensors_to_file()
    model.close()
