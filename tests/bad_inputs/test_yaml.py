"""Recipes and contracts that would hang or fool a reader of YAML."""

import pytest

from tests.bad_inputs.line import COLUMNS, CONTRACT, GOOD, HEADER, PATHS, edit, files, project, stage_alone, told, walk

LAUGHS = "a0: &a0 [sesame]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))


@pytest.fixture(autouse=True)
def _good_project():
    files(a_csv=HEADER + GOOD)
    project()


@pytest.mark.parametrize("path", [PATHS.recipe, CONTRACT])
def test_a_yaml_alias_bomb(path):
    path.write_text(LAUGHS + path.read_text())
    assert f"{path}:1: anchors and aliases are not allowed; write the value out" in told(project_too=False)


def test_a_yaml_alias_bomb_is_refused_in_little_memory():
    walk(project_too=False)
    PATHS.resolved.write_text(LAUGHS)
    ended = stage_alone("collect")
    assert (ended.code, ended.error.startswith("error: resolved/notes.yaml:1: anchors and aliases")) == (2, True)


@pytest.mark.parametrize("path", [PATHS.recipe, CONTRACT])
def test_yaml_that_would_run_code(path):
    path.write_text(path.read_text() + "more: !!python/object/apply:os.system [touch sesame]\n")
    assert f"{path}:{path.read_text().count(chr(10))}: tags such as !!str are not allowed" in told(project_too=False)


def test_yaml_keys_given_twice():
    edit(CONTRACT, "required: true}", "required: true, required: false}")
    assert f"{CONTRACT}:10: `required` is given twice; keep one" in told(project_too=False)
    edit(PATHS.recipe, "purpose: Sort notes.\n", "purpose: Sort notes.\npurpose: sesame\n")
    assert f"{PATHS.recipe}:3: `purpose` is given twice; keep one" in told(project_too=False)


def test_yaml_nested_without_end():
    CONTRACT.write_text("a: " + "[" * 200_000)
    assert f"{CONTRACT}: nested too deeply to be read" in told(project_too=False)


def test_a_yaml_word_that_is_read_as_something_else():
    files(a_csv=HEADER.replace(b"label", b"country") + b"1,x,NO\n")
    columns = COLUMNS.replace("name: label", "name: country").replace("{value: good}", "{value: NO}")
    columns += "  - {name: label, logicalType: string}\n"
    project(columns=columns)
    assert str(CONTRACT) in told(project_too=False)
