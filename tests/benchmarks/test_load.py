import load


def test_many_small_samples_are_an_index_and_not_memory(tmp_path):
    rows = load.run("samples", load.SMALL, tmp_path)
    assert len(rows) == 2 and not [entry for entry in rows if entry["wrong"]]
    assert all(entry["MB"] < 100 for entry in rows)


def test_a_program_is_measured_by_itself(tmp_path):
    hungry = load.ran([load.sys.executable, "-c", "x = bytearray(200_000_000); raise SystemExit(3)"], tmp_path)
    modest = load.ran([load.sys.executable, "-c", "import sys; sys.stderr.write('said')"], tmp_path)
    assert (hungry.code, modest.code, modest.err) == (3, 0, "said")
    assert hungry.megabytes > 200 > modest.megabytes + 100
