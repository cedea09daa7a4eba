"""The company's key, and the encrypted file that keeps which surrogate stands for whom."""

import json
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pipelines.errors import TinsmithError
from pipelines.files import written_whole

KEY = "TINSMITH_KEY"
_SHORTEST_KEY = 32


def company_key(purpose: str) -> bytes:
    """64 bytes for one purpose, derived from the environment's TINSMITH_KEY (HKDF, RFC 5869).

    Raises:
        TinsmithError: the key is missing, or so short that surrogates could be undone by trying all keys.
    """
    secret = os.environ.get(KEY, "")
    if len(secret) < _SHORTEST_KEY:
        what = "is too short" if secret else "is not set"
        raise TinsmithError(
            f"environment: {KEY} {what}; surrogates need a secret of {_SHORTEST_KEY} characters or more, the same for "
            "every build: make one with `openssl rand -hex 32` and keep it with your other secrets"
        )
    return HKDF(SHA256(), length=64, salt=None, info=f"tinsmith {purpose}".encode()).derive(secret.encode())


def read_vault(path: Path) -> dict[str, dict[str, str]]:
    """The surrogates of earlier builds by kind and folded value; empty where there was none.

    Raises:
        TinsmithError: the vault was written under another key, or was changed.
    """
    if not path.exists():
        return {}
    try:
        content = AESSIV(company_key("vault")).decrypt(path.read_bytes(), None)
    except InvalidTag:
        raise TinsmithError(
            f"{path}: cannot be opened with this {KEY}; set the one it was made with, or delete the file to give "
            "everybody new surrogates"
        ) from None
    vault: dict[str, dict[str, str]] = json.loads(content)
    return vault


def write_vault(path: Path, surrogates: dict[str, dict[str, str]]) -> None:
    """Encrypt the surrogates (AES-SIV, RFC 5297: the same content under the same key gives the same bytes)."""
    content = json.dumps(surrogates, sort_keys=True, ensure_ascii=False).encode()
    with written_whole(path) as fresh:
        fresh.write_bytes(AESSIV(company_key("vault")).encrypt(content, None))
