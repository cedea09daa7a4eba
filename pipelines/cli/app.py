"""Every command of `tinsmith` with its arguments; what a command does is in the file that it imports.

The imports stand inside the commands so that `tinsmith --help` and a mistyped option are answered at once.
"""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.errors import TinsmithError

app = typer.Typer(
    name="tinsmith",
    help="A small-model factory: company data and one recipe in, a proven, registered GGUF out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

contract_app = typer.Typer(help="Draft a data contract, or compare two versions of one.", no_args_is_help=True)
app.add_typer(contract_app, name="contract")
quarantine_app = typer.Typer(help="Look at the rows that ingest refused, and bring them back.", no_args_is_help=True)
app.add_typer(quarantine_app, name="quarantine")

# They need nothing of a project.
_ANYWHERE = ("doctor", "toolchain", "contract")

RecipeName = Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe's name, such as support_triage.")]


@app.callback()
def in_project(context: typer.Context) -> None:
    """A small-model factory: company data and one recipe in, a proven, registered GGUF out."""
    if context.invoked_subcommand not in _ANYWHERE and not Path("dvc.yaml").exists():
        raise TinsmithError("this is no project folder, since it has no dvc.yaml; go to the top of your clone")


@app.command()
def check(
    recipes: Annotated[list[str] | None, typer.Argument(metavar="NAME_OR_FILE", help="Default: all recipes.")] = None,
) -> None:
    """Tell every mistake in the recipes, their contracts and params.yaml, each with its file and line."""
    from pipelines.cli.check import check_recipes

    check_recipes(recipes or [])


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The new recipe's name: small letters, digits and _.")],
    sample: Annotated[
        Path, typer.Option("--from", metavar="SAMPLE_FILE", help="Rows of the use case: CSV, JSON, Parquet or XLSX.")
    ],
) -> None:
    """Draft a recipe and its data contract from a sample of the data."""
    from pipelines.cli.new import new_recipe

    new_recipe(name, sample)


@app.command()
def sync() -> None:
    """Bring params.yaml, from which DVC knows the recipes, up to date with the recipes folder."""
    from pipelines.cli.sync import sync_params

    sync_params()


@app.command()
def schema() -> None:
    """Write recipes.schema.json (for editors) and the field table in docs/recipes.md from the recipe's classes."""
    from pipelines.cli.schema import write_schema

    write_schema()


@app.command()
def look(
    recipe: RecipeName,
    count: Annotated[int, typer.Option(min=1, help="Examples to print.")] = 3,
) -> None:
    """Show examples as the model is taught them, trained tokens coloured; also as a page, work/RECIPE/look.html."""
    from pipelines.cli.look import look_at

    look_at(recipe, count)


@app.command()
def serve(
    recipe: RecipeName,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8080,
    quant: Annotated[str | None, typer.Option(help="Default: the one that was judged.")] = None,
) -> None:
    """Serve a recipe's model with llama-server, OpenAI-compatible, on this machine only, until Ctrl-C."""
    from pipelines.cli.serve import serve_model

    serve_model(recipe, port, quant)


@app.command()
def base_gguf(
    recipe: RecipeName,
    quant: Annotated[str, typer.Option(help="A type of llama-quantize that needs no importance matrix.")] = "Q8_0",
) -> None:
    """Make the GGUF of the base onto which a recipe's adapter belongs, and print how both are served together."""
    from pipelines.cli.base_gguf import make_base_gguf

    make_base_gguf(recipe, quant)


@app.command()
def summary(recipe: RecipeName) -> None:
    """Show what the line made of a recipe: verdict, figures, files, registered version, time and cost."""
    from pipelines.cli.summary import print_summary

    print_summary(recipe)


@app.command()
def report(
    recipe: Annotated[str | None, typer.Argument(metavar="RECIPE", help="A recipe's name.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Write reports/index.html over all recipes instead.")] = False,
) -> None:
    """Print a recipe's report as Markdown and say where its page is; --all: one page over all recipes."""
    from pipelines.cli.report import print_report, write_leaderboard

    if (recipe is None) != every:
        raise TinsmithError("name one recipe, or say --all: tinsmith report RECIPE")
    if recipe is None:
        write_leaderboard()
    else:
        print_report(recipe)


@app.command()
def forget(
    subject: Annotated[str, typer.Option(metavar="ID", help="The person, as in the column marked subjectId.")],
) -> None:
    """Tell which data sets and models hold a person, and leave the person out of every later build."""
    from pipelines.cli.forget import forget as forget_person

    forget_person(subject)


@app.command()
def doctor() -> None:
    """Tell what the line finds on this machine, what is missing and how to get it; exit 2 when it cannot run."""
    from pipelines.cli.doctor import diagnose

    if not diagnose():
        raise typer.Exit(2)


@app.command()
def toolchain() -> None:
    """Make sure that llama.cpp is there and does its work; built once, from the pinned source, where it is not."""
    from pipelines.gguf.toolchain import find_toolchain
    from pipelines.gguf.toolchain_check import check_toolchain

    found = find_toolchain()
    check_toolchain(found)
    print(f"llama.cpp {found.version} ({found.origin}): {found.programs}")


@contract_app.command("infer")
def contract_infer(
    sample: Annotated[Path, typer.Argument(metavar="FILE", help="Rows of the data set: CSV, JSON, Parquet or XLSX.")],
) -> None:
    """Draft data_contracts/<file's name>.odcs.yaml from the rows of a file."""
    from pipelines.cli.contract import infer_contract

    infer_contract(sample)


@contract_app.command("diff")
def contract_diff(
    old: Annotated[Path, typer.Argument(help="The contract as it was.")],
    new: Annotated[Path, typer.Argument(help="The contract as it is to be.")],
) -> None:
    """Tell what changed between two versions of a contract; exit 1 when a change breaks."""
    from pipelines.cli.contract import diff_contracts

    if diff_contracts(old, new):
        raise typer.Exit(1)


@quarantine_app.command("summary")
def quarantine_summary(recipe: RecipeName) -> None:
    """Count the refused rows by source and reason; shows no values."""
    from pipelines.cli.quarantine import print_summary

    print_summary(recipe)


@quarantine_app.command("show")
def quarantine_show(
    recipe: RecipeName,
    reason: Annotated[str, typer.Option(help="Only rows with such a reason, as `product: enum`.")] = "",
    rows: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
) -> None:
    """Show refused rows as they are, on a terminal only: they may hold personal data."""
    from pipelines.cli.quarantine import show_rows

    show_rows(recipe, reason, rows)


@quarantine_app.command("release")
def quarantine_release(recipe: RecipeName) -> None:
    """Read the mended sources and contracts anew: tells which rows came back, and where the others are to be mended."""
    from pipelines.cli.quarantine import release_rows

    if not release_rows(recipe):
        raise typer.Exit(2)
