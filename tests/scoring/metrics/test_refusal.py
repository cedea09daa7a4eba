from pipelines.scoring.metrics.refusal import refusal_as_expected
from tests.scoring.metrics.strategies import rows_expecting


def test_a_row_is_right_where_it_refuses_as_expected():
    rows = rows_expecting("I cannot tell you that.", "It opens at nine.")
    assert refusal_as_expected(rows, ["I'm sorry, but no.", "I can't say."]).tolist() == [1, 0]
