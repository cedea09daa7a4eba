import json

import pytest

from pipelines.errors import TinsmithError
from pipelines.gguf.convert import convert, make_gguf, quantise
from pipelines.gguf.toolchain import find_toolchain

pytestmark = pytest.mark.e2e


def test_a_file_that_is_no_gguf_gives_one_line_and_leaves_no_file(tmp_path):
    (tmp_path / "broken.gguf").write_bytes(b"GGUF but not really")
    with pytest.raises(TinsmithError, match=r"^quantising to Q4_K_M failed: .") as failure:
        quantise(tmp_path / "broken.gguf", tmp_path / "out" / "model.gguf", "Q4_K_M", find_toolchain())
    assert "\n" not in str(failure.value)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("make", ["convert", "make_gguf"])
def test_an_architecture_that_llama_cpp_does_not_know(tmp_path, make):
    folder = tmp_path / "odd_model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"architectures": ["OddForCausalLM"], "model_type": "odd"}))
    target, toolchain = tmp_path / "out" / "model.gguf", find_toolchain()
    with pytest.raises(TinsmithError, match=r"^converting odd_model to GGUF failed: .*OddForCausalLM") as failure:
        convert(folder, target, toolchain) if make == "convert" else make_gguf(folder, target, "Q8_0", toolchain)
    assert "\n" not in str(failure.value)
    assert list((tmp_path / "out").iterdir()) == []
