import hashlib
import zipfile

import pytest

from pipelines.errors import TinsmithError
from pipelines.pinned import PinnedFile, fetch

WHEEL = "tinsmith_sample-1.0-py3-none-any.whl"


@pytest.fixture
def pinned(tmp_path, monkeypatch) -> PinnedFile:
    """A small wheel that pip finds in a local folder only, and an empty cache."""
    monkeypatch.setenv("TINSMITH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    (tmp_path / "index").mkdir()
    wheel = tmp_path / "index" / WHEEL
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(
            "tinsmith_sample-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tinsmith-sample\nVersion: 1.0\n"
        )
        archive.writestr("tinsmith_sample-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("tinsmith_sample-1.0.dist-info/RECORD", "")
    return PinnedFile("tinsmith-sample", "1.0", WHEEL, hashlib.sha256(wheel.read_bytes()).hexdigest())


def place(pinned: PinnedFile, content: bytes) -> None:
    pinned.cached.parent.mkdir(parents=True)
    pinned.cached.write_bytes(content)


def test_the_file_is_fetched_once(pinned, tmp_path):
    first = fetch(pinned)
    (tmp_path / "index" / WHEEL).unlink()
    assert fetch(pinned) == first == tmp_path / "cache" / "downloads" / WHEEL
    assert hashlib.sha256(first.read_bytes()).hexdigest() == pinned.sha256


def test_a_file_placed_by_hand_is_taken(pinned, tmp_path):
    """A machine without a network: nothing but the cache has the file."""
    wheel = tmp_path / "index" / WHEEL
    place(pinned, wheel.read_bytes())
    wheel.unlink()
    assert fetch(pinned) == pinned.cached


def test_a_wrong_file_in_the_cache_is_refused_and_not_fetched_over(pinned):
    """The right file could be had, but what lies there is the user's to delete."""
    place(pinned, b"somebody else's wheel")
    with pytest.raises(TinsmithError) as caught:
        fetch(pinned)
    assert str(caught.value) == (
        f"{pinned.cached}: its checksum is not the pinned one ({pinned.sha256[:12]}...); delete the file and run again"
    )
    assert pinned.cached.read_bytes() == b"somebody else's wheel"


def test_another_file_on_the_index_never_reaches_the_cache(pinned, tmp_path):
    with (tmp_path / "index" / WHEEL).open("ab") as wheel:
        wheel.write(b"one byte more")
    with pytest.raises(TinsmithError) as caught:
        fetch(pinned)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"cannot fetch {WHEEL}: ")
    assert not pinned.cached.exists()


def test_without_the_file_the_place_for_it_is_told(pinned, tmp_path):
    (tmp_path / "index" / WHEEL).unlink()
    with pytest.raises(TinsmithError) as caught:
        fetch(pinned)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(f"without a network, place the file at {pinned.cached}")
