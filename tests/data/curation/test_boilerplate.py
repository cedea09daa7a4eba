from pipelines.data.curation.boilerplate import boilerplate_lines, boilerplate_shares, without_boilerplate

FOOTER = "This message is confidential and meant for its addressee alone."


def test_a_line_of_many_rows_is_boilerplate_and_one_of_few_is_not():
    texts = [f"row {number} says something of its own\n{FOOTER}" for number in range(100)]
    texts += ["a line that only a few rows have in common"] * 19
    lines = boilerplate_lines(texts)
    assert len(lines) == 1
    shares = list(boilerplate_shares([FOOTER.upper(), texts[0], "something else entirely", ""], lines))
    assert shares[0] == 1
    assert 0.5 < shares[1] < 0.8
    assert shares[2:] == [0, 0]


def test_short_lines_are_never_boilerplate():
    assert boilerplate_lines(["Hello,\nthanks!"] * 1000) == set()


def test_what_is_left_without_boilerplate_is_the_row_s_own():
    lines = boilerplate_lines([f"row {number}\n{FOOTER}" for number in range(100)])
    assert without_boilerplate(f"row 7\n{FOOTER}\nbye", lines) == "row 7\nbye"
    assert without_boilerplate(FOOTER, lines) == FOOTER
