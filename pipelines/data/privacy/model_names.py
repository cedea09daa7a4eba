"""Names and addresses by a transformers token classifier in a local folder, in place of the one that comes along."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipelines.data.privacy.rule import Span
from pipelines.errors import TinsmithError

# The usual tags of such models, without B- and I-.
_KIND_OF: Mapping[str, str] = {
    "PER": "NAME",
    "PERSON": "NAME",
    "NAME": "NAME",
    "ADDRESS": "ADDRESS",
    "STREET_ADDRESS": "ADDRESS",
}

_USUAL_TOKENS = 512
# Tokens that one window of a long text shares with the next, so that each name has its surroundings in one of them.
_OVERLAP = 64


class ModelNames:
    """A token classifier that finds names, in long texts window by window; loaded from safetensors, never running code
    from its folder."""

    def __init__(self, folder: Path) -> None:
        """Load the model.

        Raises:
            TinsmithError: the folder holds no such model, or none whose tags name persons, or no fast tokenizer.
        """
        if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
            raise TinsmithError(
                f"data.privacy.names: {folder} needs config.json, a tokenizer and safetensors weights of a "
                "transformers token classifier; or write `builtin`"
            )
        from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline

        model = AutoModelForTokenClassification.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, trust_remote_code=False
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        if not tokenizer.is_fast:
            raise TinsmithError(
                f"data.privacy.names: {folder} has no tokenizer.json, by which places in texts are told"
            )
        # Some models count positions from 2 on.
        most = getattr(model.config, "max_position_embeddings", _USUAL_TOKENS) - 2
        tokenizer.model_max_length = min(tokenizer.model_max_length, most)
        self._folder = folder.absolute()
        # Without a stride a longer text is cut off or ends in an error.
        self._classify: Any = pipeline(
            "token-classification",
            model=model,
            tokenizer=tokenizer,
            aggregation_strategy="simple",
            stride=min(_OVERLAP, tokenizer.model_max_length // 4),
        )
        labels = {label.split("-")[-1].upper() for label in self._classify.model.config.id2label.values()}
        if not labels & {tag for tag, kind in _KIND_OF.items() if kind == "NAME"}:
            raise TinsmithError(
                f"data.privacy.names: the model in {folder} has no tag for persons (PER, PERSON or NAME)"
            )

    def __reduce__(self) -> tuple[type["ModelNames"], tuple[Path]]:
        """Each worker loads the model from its own copy of the folder."""
        return ModelNames, (self._folder,)

    def __call__(self, text: str) -> Iterator[Span]:
        """Names and addresses in a normalised text."""
        for found in self._classify(text) if text.strip() else ():
            if kind := _KIND_OF.get(found["entity_group"].upper()):
                yield Span(int(found["start"]), int(found["end"]), kind)
