import sys

import pytest

from pipelines.errors import TinsmithError
from pipelines.gguf.programs import run_program


def test_results_and_messages_come_apart_from_where_it_ran(tmp_path):
    code = "import os, sys; print(os.getcwd()); print('said', file=sys.stderr)"
    output = run_program("trying", sys.executable, "-c", code, folder=tmp_path)
    assert (output.stdout.strip(), output.stderr.strip()) == (str(tmp_path), "said")


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import sys; print('a'); sys.exit('the reason\\n')", "the reason"),
        ("import sys; sys.stdout.buffer.write(b'\\xff reason'); sys.exit(1)", "\ufffd reason"),
        ("import sys; sys.exit(3)", "no message"),
    ],
)
def test_a_failure_is_one_line_with_its_last_words(code, told):
    with pytest.raises(TinsmithError) as failure:
        run_program("trying", sys.executable, "-c", code)
    assert str(failure.value) == f"trying failed: {told}"
