"""Whatever bytes a file holds, reading it gives rows, or one error that names it: never a crash or a hang.

TINSMITH_FUZZ_EXAMPLES sets how many damaged files of each kind are tried.
"""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.errors import TinsmithError
from tests.data.sources.reads import CONTRACT, collected, contract_of
from tests.fuzz.seed_files import DOCUMENTS, FILES

EXAMPLES = int(os.environ.get("TINSMITH_FUZZ_EXAMPLES", "40"))
PASSAGES = contract_of(text="string", page="integer")


@st.composite
def damaged(draw, whole: bytes) -> bytes:
    """The bytes with a few of them changed, cut out, doubled or put in."""
    content = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(content)))
        end = min(len(content), begin + draw(st.integers(0, 40)))
        piece = draw(st.binary(max_size=8) | st.sampled_from([b"\0", b'"', b"\xff" * 4, b"\x7f\xff\xff\xff", b"<"]))
        content[begin:end] = draw(st.sampled_from([piece, bytes(content[begin:end]) * 2, b""]))
    return bytes(content)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("ending", FILES)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_damaged_file_gives_rows_or_one_error_that_names_it(tmp_path, ending, data):
    path = tmp_path / f"damaged.{ending}"
    path.write_bytes(data.draw(damaged(FILES[ending]())))
    told = ""
    try:
        rows = collected(CONTRACT, path=str(path))
    except TinsmithError as error:
        told, rows = str(error), []
    assert f"damaged.{ending}" in told or not told
    assert all(row.faults or len(row.texts) == 2 for row in rows)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("ending", DOCUMENTS)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_damaged_document_gives_passages_or_a_reason(tmp_path, ending, data):
    path = tmp_path / f"damaged.{ending}"
    path.write_bytes(data.draw(damaged(DOCUMENTS[ending]())))
    rows = collected(PASSAGES, type="documents", path=str(path))
    assert rows
    assert all(row.faults or len(row.texts) == 2 for row in rows)
