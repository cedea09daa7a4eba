"""Documents."""

from collections.abc import Iterator

from pipelines.data.contract import Contract
from pipelines.data.sources.rows import Part
from pipelines.recipe import DocumentsSource


def read_documents(source: DocumentsSource, contract: Contract) -> Iterator[Part]:
    """Not yet."""
    raise NotImplementedError
