"""The speeds that the choice of a type to compute in rests on."""

from benchmarks.precision import compare


def test_every_type_has_its_speed_and_one_is_chosen():
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in compare(0.01).splitlines()[2:]]
    assert [name for name, *_ in rows] == ["float32", "bfloat16", "float16"]
    assert all(float(speed) > 0 for _, speed, _ in rows)
    assert sum(chosen == "yes" for *_, chosen in rows) == 1
