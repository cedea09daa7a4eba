import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import strict_yaml
from pipelines.errors import TinsmithError

# PyYAML does not read control characters and Unicode's own line breaks as it writes them.
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]) | st.sampled_from("\n\t"))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("yaml") / "a.yaml"


@settings(max_examples=60, deadline=None)
@given(value=st.dictionaries(TEXT, VALUES, max_size=4))
def test_what_is_dumped_loads_as_it_was(scratch, value):
    scratch.write_text(strict_yaml.dump(value), encoding="utf-8", newline="")
    assert strict_yaml.load(scratch).value == value


@settings(max_examples=60, deadline=None)
@given(text=TEXT | st.text("ab:-[]{}\"'&*!|>#, \n", max_size=60))
def test_any_text_is_a_mapping_or_a_mistake_that_names_the_file(scratch, text):
    scratch.write_text(text, encoding="utf-8", newline="")
    try:
        told = None
        value = strict_yaml.load(scratch).value
    except TinsmithError as error:
        told = str(error)
    assert isinstance(value, dict) if told is None else told.startswith(str(scratch))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb: 2\na: 3\n", ":3: `a` is given twice; keep one"),
        ("a:\n  b: 1\n  b: 2\n", ":3: `b` is given twice; keep one"),
        ("a: &x [1]\nb: *x\n", ":1: anchors and aliases are not allowed"),
        ("a: *x\n", ":1: anchors and aliases are not allowed"),
        ("a: !!timestamp x\n", ":1: tags such as !!str are not allowed"),
        ("a:\n- 2026-02-30\n", ":2: looks like a number or a date and is none"),
        ('a: "x\\0"\n', ":1: holds a NUL character"),
        ('a: "\\ud800"\n', ":1: holds a NUL character or half of a surrogate pair"),
        ("a: 0x_\n", ":1: looks like a number or a date and is none"),
        (f"a: {'9' * 5000}\n", ":1: looks like a number or a date and is none"),
        ("no: 1\n", ":1: the key `no` is read as bool; put it in quotes"),
        ("a: 1\n2: b\n", ":2: the key `2` is read as int; put it in quotes"),
        ("- a\n", ":1: expected `field: value` lines, found a list"),
        ("word\n", ":1: expected `field: value` lines, found a single value"),
        ("", ":1: expected `field: value` lines, found an empty file"),
        ("a: [1\nb: 2\n", ":2: "),
        ("a: !!python/object/apply:os.getcwd []\n", ":1: tags such as !!str are not allowed"),
        ("a: 1\n---\nb: 2\n", ":2: "),
        ("a: " + "[" * 5000 + "]" * 5000 + "\n", ": nested too deeply"),
    ],
)
def test_what_yaml_would_let_pass_or_trip_over(tmp_path, text, told):
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(TinsmithError) as raised:
        strict_yaml.load(path)
    assert str(raised.value).startswith(f"{path}{told}")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "told"), [(None, "there is no such file"), (b"a: \xe9\n", "not UTF-8 text; save the file as UTF-8")]
)
def test_files_that_cannot_be_read(tmp_path, content, told):
    path = tmp_path / "a.yaml"
    if content:
        path.write_bytes(content)
    with pytest.raises(TinsmithError) as raised:
        strict_yaml.load(path)
    assert str(raised.value) == f"{path}: {told}"


@pytest.mark.parametrize("control", ["\0", "\x1b", "\ufffe"])
def test_control_characters_are_a_mistake_of_one_line(tmp_path, control):
    path = tmp_path / "a.yaml"
    path.write_text(f"a: 1{control}\n", encoding="utf-8")
    with pytest.raises(TinsmithError, match="not valid YAML"):
        strict_yaml.load(path)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(TinsmithError, match="this is a folder"):
        strict_yaml.load(tmp_path)


def test_every_field_knows_its_line(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: 1\nb:\n  c: [x,\n    y]\n  d: {e: 2}\n")
    document = strict_yaml.load(path)
    assert [document.line(field) for field in [("a",), ("b", "c", 1), ("b", "d", "e")]] == [1, 4, 5]


def test_a_missing_field_is_told_where_its_section_begins(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("# head\n\na: 1\nb:\n  c: 1\n")
    document = strict_yaml.load(path)
    assert document.line(("b", "nowhere", "deep")) == 4
    assert document.line(("nowhere",)) == 3
