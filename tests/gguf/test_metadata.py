import gguf
import pytest

from pipelines.errors import TinsmithError
from pipelines.gguf.metadata import trained_context


def test_the_trained_context_is_the_architectures(tmp_path):
    file = tmp_path / "base.gguf"
    writer = gguf.GGUFWriter(file, "qwen2")
    writer.add_context_length(32_768)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert trained_context(file) == 32_768
    file.write_bytes(b"GGUF")
    with pytest.raises(TinsmithError, match="is no whole GGUF"):
        trained_context(file)
