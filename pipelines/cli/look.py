"""`tinsmith look`: examples as the model is taught them, with trained tokens coloured."""

from rich.console import Console
from rich.text import Text

from pipelines.data.examples_page import chosen_examples, examples_page
from pipelines.errors import TinsmithError
from pipelines.files import write_text
from pipelines.model.base import base_model, load_tokenizer
from pipelines.paths import Paths
from pipelines.printable import printable
from pipelines.recipe_reader import checked_name, read_resolved

ON_PAGE = 20


def look_at(name: str, count: int) -> None:
    """Print `count` examples of a recipe's splits, and write a page with at least 20 to work/<recipe>/look.html.

    Raises:
        TinsmithError: prepare has not run.
    """
    paths = Paths(checked_name(name))
    recipe = read_resolved(name)
    if not (paths.work / "train.parquet").exists():
        raise TinsmithError(f"{paths.work}: no examples there yet; run `dvc repro prepare@{name}` first")
    tokenizer = load_tokenizer(base_model(recipe.model).folder)
    examples = chosen_examples(paths.work, tokenizer, recipe.train.loss_on, max(count, ON_PAGE))
    console = Console(highlight=False, markup=False)
    for example in examples[:count]:
        row = printable(example.example_id)
        console.print(f"{row}: {example.side}, {example.tokens} tokens, {example.trained} trained", style="bold")
        pieces = ((printable(text), "bold green" if trained else "") for text, trained in example.pieces)
        console.print(Text.assemble(*pieces))
        console.print()
    page = paths.work / "look.html"
    write_text(page, examples_page(name, examples))
    console.print(f"green: trained, the rest is only read; {page} shows {len(examples)} (it holds data: keep it here)")
