"""Tables in memory, and what counts as on disk."""

import numpy as np
import pandas as pd
import pytest

from oneneuron import _tables


@pytest.mark.parametrize("X", [[[0.0]], np.zeros((1, 1)), pd.DataFrame({"a": [0.0]}), None, 1])
def test_values_in_memory_are_not_on_disk(X):
    assert not _tables.is_on_disk(X)


def test_paths_are_on_disk_whether_they_exist_or_not(tmp_path):
    assert _tables.is_on_disk(tmp_path / "none.npy") and _tables.is_on_disk("none.npy")


def test_an_array_in_memory_is_read_without_a_copy():
    X, y = np.arange(6.0, dtype=np.float32).reshape(3, 2), np.array(["a", "b", "a"])
    table, labels, weights = _tables.open_table(X, y)
    assert table.shape == (3, 2) and table.dtype == np.float32 and table.names is None
    assert len(labels) == 3 and weights is None
    assert np.shares_memory(table.read(1, 3), X) and np.shares_memory(labels.read(1, 3), y)
    assert np.array_equal(table.read(1, 3), X[1:]) and labels.read(1, 2).tolist() == ["b"]


def test_an_array_in_memory_is_checked():
    with pytest.raises(ValueError, match="found nan in sample 1, feature 0"):
        _tables.open_table(np.array([[0.0], [np.nan]]), [0, 1])
