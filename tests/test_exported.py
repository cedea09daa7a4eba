import pytest

from pipelines.errors import TinsmithError
from pipelines.exported import judged_quant


def test_the_judged_quant_need_not_be_the_first():
    assert judged_quant({"judged": "Q8_0", "quants": {"Q4_K_M": {}, "Q8_0": {}}}) == "Q8_0"


@pytest.mark.parametrize("export", [{"quants": {"Q8_0": {}}}, {"judged": "Q6_K", "quants": {"Q8_0": {}}}])
def test_an_export_that_names_none_is_told(export):
    with pytest.raises(TinsmithError, match=r"^export\.json does not name a judged quant; run the export stage again$"):
        judged_quant(export)
