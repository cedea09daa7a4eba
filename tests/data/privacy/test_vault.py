import pytest

from pipelines.data.privacy.vault import company_key, read_vault, write_vault
from pipelines.errors import TinsmithError

CONTENT = {"NAME": {"okafor": "López"}}


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("TINSMITH_KEY", "a" * 32)


def test_a_vault_gives_back_what_was_put_in_and_shows_none_of_it(tmp_path):
    path = tmp_path / "vault.enc"
    assert read_vault(path) == {}
    write_vault(path, CONTENT)
    assert read_vault(path) == CONTENT
    first = path.read_bytes()
    assert b"okafor" not in first
    write_vault(path, CONTENT)
    assert path.read_bytes() == first


def test_another_key_and_a_changed_file_do_not_open(tmp_path, monkeypatch):
    path = tmp_path / "vault.enc"
    write_vault(path, CONTENT)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(TinsmithError, match="cannot be opened with this TINSMITH_KEY"):
        read_vault(path)
    write_vault(path, CONTENT)
    monkeypatch.setenv("TINSMITH_KEY", "b" * 32)
    with pytest.raises(TinsmithError, match="cannot be opened with this TINSMITH_KEY"):
        read_vault(path)


@pytest.mark.parametrize(("value", "what"), [("", "is not set"), ("short", "is too short")])
def test_a_missing_or_short_key_is_told_without_its_value(value, what, monkeypatch):
    monkeypatch.setenv("TINSMITH_KEY", value)
    with pytest.raises(TinsmithError, match=f"TINSMITH_KEY {what}") as caught:
        company_key("vault")
    assert "short;" in str(caught.value) or "not set" in str(caught.value)


def test_purposes_have_different_keys():
    assert company_key("vault") != company_key("forget")
