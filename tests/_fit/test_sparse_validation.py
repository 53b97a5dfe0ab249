"""Sparse samples in canonical format, whatever arrays they are made of."""

import numpy as np
import pytest
from helpers import unaligned
from scipy import sparse

from oneneuron._fit.sparse_validation import as_canonical_rows


def draw_matrix():
    rng = np.random.default_rng(0)
    return sparse.csr_array(rng.standard_normal((20, 6)) * (rng.random((20, 6)) < 0.4))


def strided(array):
    return np.repeat(array, 2)[::2]


def big_endian(array):
    return array.astype(array.dtype.newbyteorder(">"))


def int64(array):
    return array.astype(np.int64) if array.dtype.kind == "i" else array


@pytest.mark.parametrize("convert", [strided, unaligned, big_endian, int64])
@pytest.mark.parametrize("name", ["data", "indices", "indptr"])
def test_arrays_of_any_kind_become_what_compiled_code_takes(convert, name):
    X = draw_matrix()
    expected = as_canonical_rows(X, np.float64)
    given = sparse.csr_array(X)
    setattr(given, name, convert(getattr(X, name)))
    found = as_canonical_rows(given, np.float64)
    for part in ("data", "indices", "indptr"):
        assert getattr(found, part).flags.carray
        assert getattr(found, part).dtype == getattr(expected, part).dtype
        assert getattr(found, part).tolist() == getattr(expected, part).tolist()


def test_rows_in_canonical_format_are_not_copied():
    X = draw_matrix()
    assert np.shares_memory(as_canonical_rows(X, np.float64).data, X.data)


def test_duplicates_are_added_up_and_the_caller_keeps_them():
    X = sparse.csr_array((np.ones(3), np.array([1, 0, 1]), np.array([0, 3])), shape=(1, 2))
    assert as_canonical_rows(X, np.float64).toarray().tolist() == [[1.0, 2.0]]
    assert X.indices.tolist() == [1, 0, 1]


def test_small_integers_do_not_overflow_where_duplicates_are_added_up():
    X = sparse.coo_array((np.array([100, 100], np.int8), (np.zeros(2, int), np.zeros(2, int))))
    assert as_canonical_rows(X, np.float64).toarray().tolist() == [[200.0]]


@pytest.mark.skipif(sparse.coo_array(np.ones(3)).ndim == 2, reason="SciPy has no sparse vectors")
def test_a_sparse_vector_is_refused():
    with pytest.raises(ValueError, match="X must have two dimensions"):
        as_canonical_rows(sparse.coo_array(np.ones(3)), np.float64)


def test_more_columns_than_fit_into_int32_are_refused():
    with pytest.raises(ValueError, match="at most 2147483647 rows and columns"):
        as_canonical_rows(sparse.coo_array((2, 2**31)), np.float64)
