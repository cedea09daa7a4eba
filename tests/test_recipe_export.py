import subprocess
from typing import get_args

import pytest
from pydantic import ValidationError

from pipelines.gguf.toolchain import find_toolchain
from pipelines.recipe_export import NEED_IMATRIX, Export, Quant


def test_small_types_are_refused_without_an_importance_matrix():
    with pytest.raises(ValidationError, match="IQ2_M cannot be made without an importance matrix; set imatrix: true"):
        Export(quants=("IQ2_M", "Q8_0"), imatrix=False)
    assert Export(quants="auto", imatrix=False).quants == "auto"


@pytest.mark.e2e
def test_the_types_are_those_that_llama_quantize_makes():
    told = subprocess.run([find_toolchain().program("llama-quantize"), "--help"], capture_output=True, text=True).stdout
    lines = [line for line in told.splitlines() if " : " in line and "alias" not in line]
    made = {line.split(" : ")[0].split()[-1] for line in lines} - {"COPY"}
    assert set(get_args(Quant)) == made
    assert made > NEED_IMATRIX


def test_a_quant_is_named_once():
    with pytest.raises(ValidationError, match="names a type twice"):
        Export(quants=("Q8_0", "Q4_K_M", "Q8_0"))
