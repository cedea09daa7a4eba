"""The part of the recipe's schema that says where rows come from, and what every part of it is made of.

recipe.py holds the rest, and reads on from here.
"""

import datetime
import os
import re
import string
import urllib.parse
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

Text = Annotated[str, Field(min_length=1)]
Encoding = Literal["utf-8", "utf-16", "latin-1", "cp1252"]
Format = Literal["csv", "jsonl", "json", "parquet", "xlsx"]
Shape = Literal["messages", "sharegpt", "alpaca", "completion", "preference", "thumbs"]

_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.I)
_USER = re.compile(r"[^:]+://[^/]*@")
_PARAMETER = re.compile(r"[?#&;]([^=&;#]+)=([^&;#]*)")
# As the large clouds and common interfaces name them: X-Amz-Signature, sig, Key-Pair-Id's Signature, api_key, ...
_SECRET_PARAMETER = re.compile(
    r"token|secret|passw|pwd|signature|credential|jwt|(api|access|account|shared|subscription)[-_]?key"
    r"|(^|[^a-z])(sig|key|auth|pass)($|[^a-z])",
    re.I,
)
_FROM_ENVIRONMENT = re.compile(r"\$\{\w+\}")


def _check_url(url: str) -> None:
    """Raise ValueError where a URL holds a user, a password or a key; of those the message tells nothing."""
    if _USER.match(url):
        raise ValueError("holds a user or password; recipes are committed, so name secrets in the environment")
    for name, value in _PARAMETER.findall(url):
        if _SECRET_PARAMETER.search(urllib.parse.unquote(name)) and not _FROM_ENVIRONMENT.fullmatch(value):
            raise ValueError(
                f"holds a secret, its parameter {name}; recipes are committed, so keep it in the environment: "
                f"a source's path may say {name}=${{NAME}}, or be ${{NAME}} as a whole"
            )


class Section(BaseModel):
    """A part of a recipe: frozen, without unknown fields, without conversions, and without secrets in its URLs."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _urls_without_secrets(cls, value: Any) -> Any:
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str) and _URL.fullmatch(text):
                _check_url(text)
        return value


class _Source(Section):
    contract: Text = Field(description="The ODCS contract that every row of this source must keep.")
    use: Literal["examples", "reference"] = Field(
        "examples", description="Its rows become examples, or are only looked up (people's names, related keys)."
    )


class _FoundByPath(_Source):
    path: Text = Field(
        description="A file, a glob such as data/raw/tickets/*.csv, or a URL such as s3://bucket/tickets/*.parquet; "
        "${NAME} is replaced from the environment."
    )
    members: Text = Field("*", description="Which files of a zip or tar archive are read, as a glob on their names.")
    encoding: Encoding = Field("utf-8", description="How the files' bytes are text; a row that is not is refused.")

    def expanded_path(self) -> str:
        """The path with `${NAME}` replaced; raises KeyError with the missing variable's name."""
        return string.Template(self.path).substitute(os.environ)


class FilesSource(_FoundByPath):
    """Files of rows, all of one form: CSV, JSON, Parquet or XLSX, also compressed or in archives."""

    type: Literal["files"] = Field(description="The kind of source.")
    format: Format | None = Field(None, description="Read from the file's ending when not given.")
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = Field(",", description="Between fields of a CSV.")
    sheet: Text | None = Field(None, description="The sheet of an XLSX; the first where none is named.")
    shape: Shape | None = Field(
        None, description="Conversations in a form of the field, which become the columns that docs/recipes.md lists."
    )


class DocumentsSource(_FoundByPath):
    """Documents and mails, whose text is split into passages by its headings and paragraphs, a row each."""

    type: Literal["documents"] = Field(description="The kind of source.")
    passage_characters: Annotated[int, Field(ge=100, le=100_000)] = Field(
        2000, description="Characters of the longest passage."
    )


class DatabaseSource(_Source):
    """A table or a query of a database as it was at the beginning of a day, read in the order of the primary key."""

    type: Literal["database"] = Field(description="The kind of source.")
    dsn_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = Field(
        description="The environment variable that holds the database's URL, such as postgresql://user@host/name."
    )
    table: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*([.][A-Za-z_][A-Za-z0-9_]*)?$")] | None = Field(
        None, description="A table or view, with its schema where needed; or give a query."
    )
    query: Text | None = Field(None, description="One SELECT that uses :as_of; or give a table.")
    as_of: datetime.date = Field(description="The day (UTC) before whose beginning the rows were written.")
    as_of_column: Text | None = Field(None, description="The table's column that says when a row was written.")

    @model_validator(mode="after")
    def _one_snapshot(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("needs either a table or a query")
        if self.table and not self.as_of_column:
            raise ValueError("needs as_of_column, the column of the table that says when a row was written")
        if self.query and (self.as_of_column or ":as_of" not in self.query):
            raise ValueError("the query itself must say which rows were there, as in WHERE created_at < :as_of")
        return self


class HubSource(_Source):
    """Files of a Hugging Face data set at one revision; no code of the data set runs."""

    type: Literal["hub"] = Field(description="The kind of source.")
    dataset: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+@[0-9a-f]{40}$")] = Field(
        description="Its id with its exact commit: org/name@40 hex digits."
    )
    path: Text = Field(description="Which of its files are read, as a glob such as data/train-*.parquet.")
    shape: Shape | None = Field(None, description="As in files.")


Source = Annotated[
    Annotated[FilesSource, Tag("<files>")]
    | Annotated[DocumentsSource, Tag("<documents>")]
    | Annotated[DatabaseSource, Tag("<database>")]
    | Annotated[HubSource, Tag("<hub>")],
    Discriminator(lambda source: f"<{source.get('type') if isinstance(source, dict) else source.type}>"),
]

SOURCE_TYPES = ("files", "documents", "database", "hub")
