"""Sparse samples, validated: any format of SciPy becomes rows in canonical form."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from .._checks import ParameterError
from .._engine.sparse import are_canonical

_MOST_PLACES = np.iinfo(np.int32).max

# The formats that have a pointer to the first index of each row, column or row of blocks.
_KINDS = {"csr": sparse.csr_array, "csc": sparse.csc_array, "bsr": sparse.bsr_array}


def as_canonical_rows(X: Any, dtype: type[np.floating[Any]]) -> Any:
    """Return a sparse matrix by rows, with sorted places, each at most once, and without zeros.

    So equal matrices give the same bits in a fit, however they are stored. The caller's matrix
    stays as it is, and shares its memory with the result if that has the same format.

    Parameters
    ----------
    X : sparse array or matrix of shape (n, d)
    dtype : float32 or float64
        The type of the values. They may be infinite or NaN.

    Returns
    -------
    csr_array of shape (n, d)
        With places in int32, and all arrays contiguous and aligned.

    Raises
    ------
    ValueError
        If X does not hold numbers, if it has not two dimensions, if its index arrays do not
        describe a matrix, or if a dimension is too large.
    """
    if X.dtype.kind not in "biuf":
        raise ParameterError(f"X must hold numbers, found dtype {X.dtype}: convert it first.")
    if X.ndim != 2:
        raise ValueError(
            f"X must have two dimensions, samples by features, found shape {X.shape}: reshape it."
        )
    if max(X.shape) > _MOST_PLACES:
        raise ValueError(
            f"X must have at most {_MOST_PLACES} rows and columns if it is sparse, found shape "
            f"{X.shape}: leave some out."
        )
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            rows = _checked(X).astype(dtype, copy=False).tocsr()
            _require_plain_arrays(rows, dtype)
            if not are_canonical(rows.data, rows.indices, rows.indptr, rows.shape[1]):
                if X.format == "csr":
                    rows = rows.copy()
                rows.sum_duplicates()
                rows.eliminate_zeros()
    except ValueError as error:
        raise ValueError(
            f"X has index arrays that do not describe a matrix of shape {X.shape}: {error}. Build "
            "it again from its rows, columns and values."
        ) from error
    rows.indices = rows.indices.astype(np.int32, copy=False)
    if rows.nnz <= _MOST_PLACES:  # SciPy is quicker if both index types are the same
        rows.indptr = rows.indptr.astype(np.int32, copy=False)
    return rows


def _checked(X: Any) -> Any:
    """Return another view of a sparse matrix, whose index arrays are known to be sound.

    Otherwise, SciPy's compiled code could read or write elsewhere in memory. A matrix by rows is
    left to `are_canonical`.
    """
    if X.format == "dok":
        X = X.tocoo()
    if X.format == "coo":
        return sparse.coo_array((X.data, (X.row, X.col)), shape=X.shape)
    if X.format == "dia":
        return sparse.dia_array((X.data, X.offsets), shape=X.shape)
    if X.format in _KINDS:
        view = _KINDS[X.format]((X.data, X.indices, X.indptr), shape=X.shape)
    else:
        view = _of_lists(X)
    view.check_format(full_check=X.format != "csr")
    return view


def _require_plain_arrays(rows: Any, dtype: type[np.floating[Any]]) -> None:
    """Make the arrays of a matrix by rows contiguous and aligned, with one type of index."""
    index = np.result_type(rows.indices, rows.indptr)
    rows.data = np.require(rows.data, dtype, ["C", "A"])
    rows.indices = np.require(rows.indices, index, ["C", "A"])
    rows.indptr = np.require(rows.indptr, index, ["C", "A"])


def _of_lists(X: Any) -> Any:
    """Return a matrix of lists by rows."""
    columns, values = (list(map(len, lists)) for lists in (X.rows, X.data))
    if columns != values or len(columns) != X.shape[0]:
        raise ValueError("each row must have as many values as columns")
    return sparse.csr_array(X)
