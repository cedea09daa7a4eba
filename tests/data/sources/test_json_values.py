"""The values of a JSON file, which are the same in whatever pieces it is read."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.data.sources import json_values
from pipelines.data.sources.json_values import values_in

SPACE = st.text(" \t\r\n", max_size=3)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text('a"\\é😀[]{},', max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def arrays(draw) -> str:
    values = [f"{draw(SPACE)}{json.dumps(draw(VALUES), ensure_ascii=False)}{draw(SPACE)}" for _ in range(4)]
    return f"{draw(SPACE)}[{','.join(values)}]{draw(SPACE)}"


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=arrays(), piece=st.integers(1, 9), data=st.data())
def test_the_size_of_a_piece_changes_nothing(tmp_path, monkeypatch, text, piece, data):
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(text) - 1))
        text = text[:at] + data.draw(st.sampled_from(["", "]", "}", '"', ",", "1", "x"])) + text[at + 1 :]
    content = text.encode()
    (tmp_path / "a.json").write_bytes(content)
    whole = list(values_in(tmp_path / "a.json", "utf-8"))
    with monkeypatch.context() as patch:
        patch.setattr(json_values, "_PIECE", piece)
        assert list(values_in(tmp_path / "a.json", "utf-8")) == whole
    for value in whole:
        assert content[value.offset :].startswith(value.text.encode())
        assert value.line == content[: value.offset].count(b"\n") + 1


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=arrays())
def test_the_values_of_a_sound_array_are_those_of_the_array(tmp_path, text):
    (tmp_path / "a.json").write_text(text, encoding="utf-8", newline="")
    found = list(values_in(tmp_path / "a.json", "utf-8"))
    assert [repr(json.loads(value.text)) for value in found] == [repr(value) for value in json.loads(text)]
    assert not any(value.fault for value in found)


@pytest.mark.parametrize(
    ("content", "last"),
    [
        ('[{"a": 1}, "%s", {"a": 2}]', (False, '{"a": 2}', None)),
        ('[{"a": 1}, "%s%s%s", {"a": 2}]', (True, None, "row: broken JSON, or longer than 2000 characters")),
        ('[{"a": 1}, {"a": "%s%s%s', (True, None, "row: broken JSON, or longer than 2000 characters")),
        ('[{"a": 1}, {x: "%s%s%s', (True, None, "row: broken JSON, or longer than 2000 characters")),
    ],
)
def test_behind_a_value_longer_than_memory_should_hold_nothing_is_told_apart(tmp_path, monkeypatch, content, last):
    monkeypatch.setattr(json_values, "LONGEST_ROW", 1000)
    monkeypatch.setattr(json_values, "_LONGEST_VALUE", 2000)
    monkeypatch.setattr(json_values, "_PIECE", 100)
    text = content.replace("%s", "x" * 1500)
    (tmp_path / "a.json").write_text(text)
    *before, end = values_in(tmp_path / "a.json", "utf-8")
    is_cut, whole, fault = last
    assert before[0].text == '{"a": 1}'
    assert end.fault == fault
    assert 1000 <= len(end.text) < len(text) if is_cut else end.text == whole
