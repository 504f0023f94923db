"""What the benchmark programs share tells when it finds nothing."""

import pytest

from tables import data_sets


def test_a_folder_without_a_fitting_data_set_ends_a_program_with_a_word(tmp_path):
    with pytest.raises(SystemExit, match="no data set with 'levir' in its path that has the splits test, train"):
        next(data_sets(tmp_path, {"train", "test"}, "levir"))
