import pytest

from benchmarks import merge_memory


@pytest.mark.slow
def test_merging_holds_less_than_one_and_a_half_of_the_largest_file(tmp_path, capsys):
    # Files of several tensors, as real ones are: of these, the embeddings alone are 131 MB.
    found = merge_memory.main(gigabytes=0.9, shard_mb=400, folder=tmp_path)
    assert found["16bit"]["ratio"] < 1.5
    assert found["nf4"]["ratio"] < 1.5
    assert found["peft"]["bytes"] > 2 * found["16bit"]["bytes"]
    said = capsys.readouterr().out
    assert merge_memory.largest_difference(tmp_path / "16bit", tmp_path / "peft") <= 2
    assert "peft's merge_and_unload" in said
