import hashlib

import pytest

from pipelines.errors import TinsmithError
from pipelines.exported import judged_file, judged_quant
from pipelines.files import write_json
from pipelines.paths import Paths


def test_the_judged_quant_need_not_be_the_first():
    assert judged_quant({"judged": "Q8_0", "quants": {"Q4_K_M": {}, "Q8_0": {}}}) == "Q8_0"


@pytest.mark.parametrize("export", [{"quants": {"Q8_0": {}}}, {"judged": "Q6_K", "quants": {"Q8_0": {}}}])
def test_an_export_that_names_none_is_told(export):
    with pytest.raises(TinsmithError, match=r"^export\.json does not name a judged quant; run the export stage again$"):
        judged_quant(export)


def test_the_judged_file_is_refused_when_it_is_another_than_was_exported(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = Paths("triage")
    (paths.work / "gguf").mkdir(parents=True)
    gguf = paths.work / "gguf" / "triage-Q8_0.gguf"
    gguf.write_bytes(b"what was exported")
    entry = {"file": gguf.name, "sha256": hashlib.sha256(b"what was exported").hexdigest()}
    write_json(paths.reports / "export.json", {"judged": "Q8_0", "quants": {"Q8_0": entry}, "llama_cpp": "1.2.3"})
    found = judged_file(paths)
    assert (found.quant, found.gguf, found.sha256, found.entry) == ("Q8_0", gguf, entry["sha256"], entry)
    assert found.llama_cpp == "1.2.3"
    gguf.write_bytes(b"what was exporteD")
    with pytest.raises(TinsmithError, match=r"is not the file that .*export\.json describes; run the export stage"):
        judged_file(paths)
