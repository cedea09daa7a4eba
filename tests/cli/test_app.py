import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ["duckdb", "mlflow", "pydantic", "torch", "transformers"]


def test_help_lists_every_command(tinsmith):
    code, out, _ = tinsmith("--help")
    assert code == 0
    for command in (
        "check",
        "new",
        "sync",
        "schema",
        "look",
        "serve",
        "summary",
        "report",
        "doctor",
        "toolchain",
        "base-gguf",
    ):
        assert f"\n  {command} " in out


@pytest.mark.parametrize(
    "words", [["polish"], ["check", "--verbose"], ["new", "x"], ["serve"], ["serve", "x", "--port", "a"]]
)
def test_a_mistyped_command_line_ends_with_2_and_no_traceback(tinsmith, words):
    code, out, err = tinsmith(*words)
    assert code == 2
    assert "Error: " in err
    assert "Traceback" not in out + err


def test_help_is_quick_because_nothing_heavy_is_imported():
    loaded = f"import sys, pipelines.cli; print([name for name in {HEAVY} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True).stdout.strip() == "[]"


def test_a_mistake_of_several_lines_is_told_on_as_many(tinsmith, good_recipe):
    good_recipe.write_text(good_recipe.read_text().replace("epochs", "epoch").replace("user:", "usr:"))
    code, _, err = tinsmith("check")
    assert code == 2
    lines = err.splitlines()
    assert len(lines) >= 2
    assert all(line.startswith("error: recipes/tickets.yaml:") for line in lines)


def test_another_folder_is_told(tinsmith):
    Path("dvc.yaml").unlink()
    code, _, err = tinsmith("check")
    assert (code, err) == (
        2,
        "error: this is no project folder, since it has no dvc.yaml; go to the top of your clone\n",
    )


def test_a_file_named_to_command_the_terminal_is_told_and_does_not(tinsmith):
    Path("notes\x1bc.txt").write_text("x")
    code, _, err = tinsmith("new", "refunds", "--from", "notes\x1bc.txt")
    assert code == 2
    assert err.startswith("error: notes\\x1bc.txt: is not one of ")
    assert "\x1b" not in err
