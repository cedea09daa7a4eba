import pytest

from pipelines.errors import TinsmithError
from pipelines.gguf.perplexity import Reference, closeness
from pipelines.gguf.toolchain import Toolchain

FIGURES = """\
Mean PPL(Q)                   : 274.116721 ±   1.759949
Mean PPL(Q)/PPL(base)         :   0.998017 ±   0.000339
Mean    KLD:   0.000042 ±   0.000000
99.0%   KLD:   0.000067
Same top p: 93.307 ± 1.110 %
"""


def told_at_last(folder, times):
    """A toolchain whose llama-perplexity loses the end of its messages, but for the last of so many times."""
    (folder / "figures").write_text(FIGURES)
    script = f"""\
#!/bin/sh
cd {folder}
echo run >> runs
if [ $(wc -l < runs) -ge {times} ]; then cat figures; else head -n 2 figures; fi
"""
    (folder / "llama-perplexity").write_text(script)
    (folder / "llama-perplexity").chmod(0o755)
    return Toolchain("here", "0.5.0", folder, folder)


def test_figures_that_llama_perplexity_lost_at_its_end_are_measured_again(tmp_path):
    near = closeness(tmp_path / "q.gguf", Reference(tmp_path / "logprobs", 256, 274.7), told_at_last(tmp_path, 2))
    assert near.perplexity_ratio == 0.998017
    assert (near.perplexity, near.kl_mean, near.kl_p99, near.top1) == (274.116721, 0.000042, 0.000067, 0.93307)


def test_a_measurement_without_figures_ends_in_a_line(tmp_path):
    toolchain = told_at_last(tmp_path, 9)
    with pytest.raises(TinsmithError, match=r"^measuring q\.gguf: llama-perplexity gave no figures; is the disk full"):
        closeness(tmp_path / "q.gguf", Reference(tmp_path / "logprobs", 256, 274.7), toolchain)
