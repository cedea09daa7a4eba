import re
from dataclasses import replace
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from pipelines.scoring.report.page import report_markdown, report_page
from pipelines.scoring.report.quants import quants


def places(svg, words):
    """Where the dots and the named words are."""
    drawn = ElementTree.fromstring(svg)
    found = {text.text: (float(text.get("x")), float(text.get("y"))) for text in drawn.iter("text")}
    dots = [(float(dot.get("cx")), float(dot.get("cy"))) for dot in drawn.iter("circle")]
    return dots, {word: found[word] for word in words}


def test_a_larger_quant_lies_right_and_a_closer_one_low(full):
    made = full.export["quants"]
    dots, _ = places(quants(full).view["picture"], made)
    by_size = [dot for _, dot in sorted(zip([quant["bytes"] for quant in made.values()], dots, strict=True))]
    by_loss = [dot for _, dot in sorted(zip([quant["kl_mean"] for quant in made.values()], dots, strict=True))]
    assert [x for x, _ in by_size] == sorted(x for x, _ in dots)
    assert [y for _, y in by_loss] == sorted((y for _, y in dots), reverse=True)


def test_no_name_lies_on_another_though_three_quants_are_alike(full):
    _, names = places(quants(full).view["picture"], full.export["quants"])
    boxes = [(x, y - 9, x + len(name) * 6.2, y + 2) for name, (x, y) in names.items()]
    for number, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[:number]:
            assert left >= other[2] or right <= other[0] or top >= other[3] or bottom <= other[1]


@given(st.lists(st.tuples(st.integers(1, 10**12), st.floats(1e-9, 50)), min_size=2, max_size=12))
def test_any_figures_make_a_picture(full, figures):
    made = {
        f"Q{number}": {"bytes": size, "kl_mean": loss, "file": "f", "sha256": "s"}
        for number, (size, loss) in enumerate(figures)
    }
    drawn = quants(replace(full, export={"quants": made})).view["picture"]
    assert ElementTree.fromstring(drawn).get("aria-label").startswith("Size against KL: Q0 ")


def test_the_judged_one_is_marked_and_every_figure_told(full):
    page = re.sub(r"\s+", " ", report_page(full))
    assert re.search(r'<tr class="judged"><th scope="row">Q4_K_M<small>judged</small>', page)
    assert "Q4_K_M (judged) | 105.5 MiB | 14.91 | 0.0421 | 0.3789 | 91.4% | 990 | 176 |" in report_markdown(full)
    assert "On general text" in page


def test_limits_and_the_rows_they_are_of_are_told(full):
    told = report_page(full)
    assert "On the recipe's held-out text, against" in told
    assert "Past these the export stops: kl_mean 0.1, kl_p99 1" in told
    assert "Chats and figures are of validation rows." in told
    on_training = report_page(replace(full, export={**full.export, "measured_on": "train"}))
    assert "held-out text, against" not in on_training
    assert "On the recipe's training text, since nothing is held out for validation, against" in on_training
    assert "Nothing is held out for validation, so that all figures are of training rows." in on_training


def test_quants_that_were_not_measured_are_called_so(full):
    unmeasured = {name: {**quant, "kl_mean": None} for name, quant in full.export["quants"].items()}
    told = report_page(replace(full, export={**full.export, "quants": unmeasured}))
    assert "no quant was held against export.tolerance" in told


def test_without_measurements_there_are_sizes_alone(sample):
    without = {name: {key: quant[key] for key in ("file", "bytes", "sha256")} for name, quant in SIZES.items()}
    view = quants(replace(sample, export={"quants": without})).view
    assert view["picture"] is None
    assert [column.heading for column in view["columns"]] == ["size"]


SIZES = {name: {"file": name, "bytes": 2**20, "sha256": "ab"} for name in ("Q4_K_M", "Q8_0")}
