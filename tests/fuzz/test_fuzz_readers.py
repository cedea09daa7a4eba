"""Files that once broke the readers, and a first few fresh ones; `make fuzz` goes on for ten minutes."""

import itertools
import random

import pytest

from tests.fuzz.fuzz_readers import FOUND, Reader, check, fuzzed
from tests.fuzz.seed_files import DOCUMENTS, FILES


@pytest.fixture
def reader():
    started = Reader()
    yield started
    started.stop()


@pytest.mark.parametrize("path", sorted(FOUND.iterdir()), ids=lambda path: path.name)
def test_what_was_found_once_stays_mended(reader, path):
    end, told = reader.end_of(path)
    assert end != "broken", told


@pytest.mark.parametrize("kind", [*FILES, *DOCUMENTS])
def test_the_files_that_are_broken_are_good_before(tmp_path, kind):
    path = tmp_path / f"good.{kind}"
    path.write_bytes({**FILES, **DOCUMENTS}[kind]())
    assert check(path) == "read"


def test_broken_files_are_read_or_refused(reader, tmp_path):
    for kind, content in itertools.islice(fuzzed(random.Random(0)), 100):
        path = tmp_path / f"fuzzed.{kind}"
        path.write_bytes(content)
        end, told = reader.end_of(path)
        assert end != "broken", f"{kind}: {told}"
