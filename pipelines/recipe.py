"""The recipe's schema: with the files recipe_*.py beside it, the only place where a field is defined.

Every model is frozen and refuses unknown fields; every field has a reader somewhere in the stages (a test proves it).
Units and meaning stand in each field's description, from which docs/recipes.md and the editors' JSON Schema are made.
"""

import datetime
import string
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from pipelines.recipe_evaluate import Evaluate, misfits
from pipelines.recipe_export import Export
from pipelines.recipe_figures import known_figures
from pipelines.recipe_gate import Gate, check_measured
from pipelines.recipe_sources import Section, Source, Text

Fraction = Annotated[float, Field(ge=0, le=1)]
NAME_PATTERN = r"^[a-z][a-z0-9_]{0,62}$"
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Entity = Literal[
    "name", "address", "email", "phone", "card", "iban", "ssn", "driver_license", "id_number", "crypto", "ip", "url",
    "date", "age",
]  # fmt: skip
Action = Literal["mask", "pseudonymise", "drop_row", "keep"]
Engine = Literal["local", "daft", "ray"]


class Split(Section):
    """Which rows train, which choose, which judge."""

    group_by: tuple[Text, ...] = Field(
        (), description="Columns whose equal values never stand on two sides; the first that a row has is its group."
    )
    by_time: Text | None = Field(
        None, description="A date or timestamp column: the newest rows judge. Without it, a hash of the group decides."
    )
    test: Annotated[float, Field(gt=0, lt=0.9)] = Field(0.15, description="Share of groups that judge the model.")
    validation: Annotated[float, Field(ge=0, lt=0.9)] = Field(0.10, description="Share of groups that watch training.")

    @model_validator(mode="after")
    def _something_left(self) -> Self:
        if self.test + self.validation >= 0.95:
            raise ValueError("test and validation together leave less than 5% of the rows to train on")
        return self


class JsonAnswer(Section):
    """An answer that is a JSON object made of columns."""

    json_: tuple[Text, ...] = Field(
        alias="json",
        min_length=1,
        description="The columns, in the order answered. An object's column gives the object, and `label.total` its "
        "field, under the key `total`.",
    )

    @model_validator(mode="after")
    def _keys_differ(self) -> Self:
        if len(set(map(answer_key, self.json_))) < len(self.json_):
            raise ValueError("gives two values the same key; a field's key is the last part of its name")
        return self


# Tags stand in pydantic's error locations; the brackets tell them from fields.
Answer = Annotated[
    Annotated[Text, Tag("<text>")] | Annotated[JsonAnswer, Tag("<json>")],
    Discriminator(lambda answer: "<text>" if isinstance(answer, str) else "<json>"),
]


class Example(Section):
    """How one row becomes one chat: by a question and an answer, or as a whole conversation."""

    system: Text | None = Field(
        None, description="Instructions that stand before every chat, but for one that brings instructions of its own."
    )
    history: Text | None = Field(
        None,
        description="A column with the turns before the question as JSON, [{role, content}, ...], calls of tools too.",
    )
    user: Text | None = Field(None, description="The user's turn; {column} is replaced by the row's value.")
    assistant: Answer | None = Field(
        None,
        description="The answer: text with {column}, or {json: [columns]}; of an object's field, as label.total, the "
        "key is its own name.",
    )
    messages: Text | None = Field(
        None,
        description="Instead of user and assistant: a column with the whole conversation as JSON, whose last turn is "
        "the answer, be it text or calls of tools.",
    )
    tools: Text | None = Field(
        None,
        description="A column with the tools that may be called as JSON, [{type: function, function: {name, "
        "parameters}}, ...]; the base's chat template must take tools.",
    )

    @field_validator("system", "user", "assistant")
    @classmethod
    def _braces_match(cls, template: object) -> object:
        if isinstance(template, str):
            template_columns(template)
        return template

    @field_validator("user", "assistant")
    @classmethod
    def _differs_by_row(cls, template: object) -> object:
        if isinstance(template, str) and not template_columns(template):
            raise ValueError(f'is the same for every row; write a column in braces, such as "{{{template.strip()}}}"')
        return template

    @model_validator(mode="after")
    def _asks_one_way(self) -> Self:
        if self.messages is None and (self.user is None or self.assistant is None):
            missing = "assistant" if self.user else "user"
            raise ValueError(f"{missing} is missing; give user and assistant, or messages")
        if self.messages is not None and (self.user or self.assistant or self.history):
            raise ValueError("messages is a whole conversation; take history, user and assistant out")
        return self


class Privacy(Section):
    """What happens to personal data and secrets found in a row."""

    personal: Literal["mask", "pseudonymise", "drop_row"] = Field(
        "mask",
        description="mask writes [EMAIL], [PHONE], ... instead; pseudonymise writes the same stand-in for the same "
        "person in all rows of the recipe, drawn by the environment's TINSMITH_KEY, and masks what has not the form of "
        "its kind, such as n/a for a card.",
    )
    secrets: Literal["mask", "drop_row"] = Field("drop_row", description="Keys, tokens and passwords in the text.")
    entities: dict[Entity, Action] = Field(
        {}, description="Another action for some kinds; url, date and age are kept unless named here."
    )
    names: Text | None = Field(
        None,
        description="What finds names and addresses in free text: builtin (English), or the folder of a transformers "
        "token classifier (safetensors); none finds those of the contract's personal columns only.",
    )
    not_names: tuple[Text, ...] = Field((), description="Words that are never names, such as your products'.")
    vault: bool = Field(
        True,
        description="Keep who got which stand-in, encrypted, in work/<recipe>/vault.enc; false makes it one-way. Each "
        "recipe has its own: in another one a person may get another stand-in, and a stand-in mean somebody else.",
    )


class Curate(Section):
    """Which rows are worth learning from. Exact duplicates, and training rows that give the test away, always go."""

    near_duplicates: Literal["group", "drop"] = Field(
        "group", description="group keeps them all, on one side of the split; drop keeps the first of each cluster."
    )
    similarity: Annotated[float, Field(ge=0.5, le=1)] = Field(
        0.8, description="Jaccard similarity of runs of three words from which two texts are near duplicates."
    )
    conflicting_labels: Literal["keep", "drop"] = Field("keep", description="Rows whose prompt has several answers.")
    languages: tuple[Annotated[str, Field(pattern=r"^[a-z]{2}$")], ...] = Field(
        (), description="ISO 639-1 codes, such as en; rows surely in another language are dropped. Empty keeps all."
    )
    min_words: Annotated[int, Field(ge=1)] | None = Field(None, description="Rows that say less are dropped.")
    max_words: Annotated[int, Field(ge=1)] | None = Field(None, description="Rows that say more are dropped.")
    max_boilerplate: Fraction | None = Field(
        None, description="Share of a row in lines that 1% of all rows have, above which it is dropped."
    )
    suspicious: Literal["keep", "drop"] = Field(
        "keep", description="Rows with hidden text or a phrase bound to one label; told in the datasheet either way."
    )
    benchmarks: tuple[Text, ...] = Field(
        (), description="Files (.jsonl, .csv, .parquet, .txt) whose runs of 13 words no training row may have."
    )
    max_per_label: Annotated[int, Field(ge=1)] | None = Field(None, description="Training rows of one answer at most.")
    max_per_group: Annotated[int, Field(ge=1)] | None = Field(None, description="Training rows of one group at most.")


class Data(Section):
    """Where the rows come from and how they become examples."""

    sources: Annotated[dict[Name, Source], Field(min_length=1)] = Field(
        description="By a name of yours: where rows come from, each source with its contract."
    )
    as_of: datetime.date | None = Field(
        None, description="The day (UTC) from whose beginning a contract's latency, freshness and retention count."
    )
    engine: Engine = Field(
        "local",
        description="What the slow steps on each row run on: local is processes of this machine, daft is Daft on this "
        "machine, ray is Daft on the Ray cluster at the environment's RAY_ADDRESS. The result is the same.",
    )
    split: Split = Split()
    example: Example
    privacy: Privacy = Privacy()
    curate: Curate = Curate()
    max_too_long: Fraction = Field(
        0.05, description="Share of examples longer than train.max_length above which prepare stops."
    )
    canaries: Annotated[int, Field(ge=0, le=100)] = Field(
        0,
        description="Made-up secrets planted among the training rows, so many each at 1, 4 and 16 copies: 21 rows for "
        "each; the safety stage measures how many the model learnt by heart.",
    )

    @model_validator(mode="after")
    def _something_becomes_examples(self) -> Self:
        if not self.example_sources:
            raise ValueError("every source is a reference; give at least one of data.sources `use: examples`")
        return self

    @property
    def example_sources(self) -> dict[str, Source]:
        """The sources whose rows become examples, by name."""
        return {name: source for name, source in self.sources.items() if source.use == "examples"}


class Model(Section):
    """The open model that is tuned."""

    base: Text = Field(
        description="embedded:NAME, a hub id with its exact commit (org/name@40 hex digits), or a local folder."
    )
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        None, description="Digest of the base's weights, tokenizer and template; needed for a local folder."
    )
    license: Text | None = Field(None, description="The base's licence, where its files do not say it.")


Targets = Annotated[
    Annotated[Literal["all-linear"], Tag("<word>")] | Annotated[tuple[Text, ...], Tag("<list>")],
    Discriminator(lambda targets: "<word>" if isinstance(targets, str) else "<list>"),
]


class Lora(Section):
    """Low-rank adapters, Hu et al. 2021 (arXiv:2106.09685)."""

    r: Annotated[int, Field(ge=1, le=1024)] = Field(16, description="Rank.")
    alpha: Annotated[int, Field(ge=1)] = Field(32, description="Scale; updates are multiplied by alpha / r.")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(0.0, description="Share of the adapter's inputs left out.")
    targets: Targets = Field("all-linear", description="Names of adapted modules.")


class Train(Section):
    """QLoRA, Dettmers et al. 2023 (arXiv:2305.14314): an NF4 base with LoRA adapters."""

    epochs: Annotated[float, Field(gt=0)] = Field(2.0, description="Passes over the training examples.")
    max_steps: Annotated[int, Field(ge=1)] | None = Field(None, description="Stop after so many optimiser steps.")
    learning_rate: Annotated[float, Field(gt=0, lt=1)] = Field(1.0e-3, description="At its highest.")
    warmup: Fraction = Field(0.1, description="Share of the steps in which the learning rate rises.")
    max_length: Annotated[int, Field(ge=16)] = Field(512, description="Tokens of the longest example, answer included.")
    loss_on: Literal["assistant", "completion"] = Field(
        "assistant",
        description="What is trained: every turn of the assistant, or its last one, the completion, alone.",
    )
    packing: bool = Field(
        True, description="Short examples share a row of max_length tokens, without seeing each other."
    )
    batch_size: Annotated[int, Field(ge=1)] = Field(2, description="Rows in one forward pass.")
    gradient_accumulation: Annotated[int, Field(ge=1)] = Field(1, description="Forward passes in one optimiser step.")
    checkpoint_every: Annotated[int, Field(ge=1)] = Field(20, description="Steps between two checkpoints.")
    seed: Annotated[int, Field(ge=0)] = Field(42, description="Of the adapter's first weights and the order of rows.")
    lora: Lora = Lora()


class Register(Section):
    """The handoff."""

    model: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")] = Field(
        description="Name in the MLflow Model Registry."
    )


class Recipe(Section):
    """One use case."""

    name: Name = Field(description="The same as the file's name: small letters, digits and _.")
    purpose: Text = Field(description="One sentence: what the model is for.")
    owner: Text = Field(description="Who answers for it.")
    data: Data
    model: Model
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    gate: Gate = Gate()
    export: Export = Export()
    handoff: Register = Field(alias="register")

    @model_validator(mode="after")
    def _metrics_fit_the_answer(self) -> Self:
        example = self.data.example
        kind: Literal["json", "text", "conversation"] = "conversation" if example.messages else "text"
        if mistakes := misfits(self.evaluate.metrics, "json" if isinstance(example.assistant, JsonAnswer) else kind):
            raise ValueError("evaluate.metrics: " + "; ".join(mistakes))
        return self

    @model_validator(mode="after")
    def _gate_is_measured(self) -> Self:
        known = known_figures(self.evaluate, self.data.canaries, self.export.general_text)
        check_measured(self.gate, known)
        return self


def answer_key(column: str) -> str:
    """The key of a column in a JSON answer: its name, of an object's field the last part of it."""
    return column.rpartition(".")[2]


def template_columns(template: str) -> tuple[str, ...]:
    """The columns that a template names, in order, each once; raises ValueError where the braces do not match."""
    return tuple(dict.fromkeys(column for _, column in template_parts(template) if column))


def template_parts(template: str) -> list[tuple[str, str | None]]:
    """A template as runs of text, each with the column behind it, None where none follows.

    A column may be an object's field, as in {label.total}. Raises ValueError where the braces do not match.
    """
    parts: list[tuple[str, str | None]] = []
    for text, name, spec, conversion in string.Formatter().parse(template):
        if name is not None and (not all(map(str.isidentifier, name.split("."))) or spec or conversion):
            raise ValueError(f"{{{name}}} is not a column's name; write {{{{ and }}}} for plain braces")
        parts.append((text, name))
    return parts


def example_columns(example: Example) -> tuple[str, ...]:
    """Every column that the example names, in order, each once."""
    answer = example.assistant
    templates = [example.system, example.user, answer if isinstance(answer, str) else None]
    named = [column for template in templates if template for column in template_columns(template)]
    named += [column for column in (example.history, example.messages, example.tools) if column]
    named += answer.json_ if isinstance(answer, JsonAnswer) else ()
    return tuple(dict.fromkeys(named))


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a recipe, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Recipe.model_json_schema(by_alias=True)}
