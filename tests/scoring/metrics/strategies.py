"""JSON objects, and rows, that tests of metrics share."""

from hypothesis import strategies as st

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
objects = st.dictionaries(st.text(), values, min_size=1, max_size=5)


def rows_expecting(*answers, **more):
    return [{"example_id": f"row {number}", "answer": answer, **more} for number, answer in enumerate(answers)]
