"""Validated arrays, laid out as the engine needs them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from .._engine.passes import as_num_threads
from .._engine.samples import lay_out
from .._engine.shards import AnySamples, InMemory
from .._engine.sparse_samples import lay_out_sparse
from .._typing import Float64Array, FloatArray


def laid_out(
    X: FloatArray, codes: NDArray[np.integer[Any]], num_classes: int,
    sample_weight: FloatArray | None, first: Float64Array, n_threads: int | None,
) -> AnySamples:  # fmt: skip
    """Return samples in memory, laid out.

    Parameters
    ----------
    X : ndarray or csr_array of shape (n, d), float32 or float64
        It may hold infinities or NaN, but not if it is sparse.
    codes : ndarray of shape (n,)
        The index of each sample's class.
    num_classes : int
    sample_weight : ndarray of shape (n,), with the dtype of X, or None
    first : ndarray of shape (num_neurons, d + 1)
        The first start. Sparse samples keep the columns whose weights are not zero there.
    n_threads : int or None

    Returns
    -------
    Shards or SparseSamples
    """
    threads = as_num_threads(n_threads)
    if issparse(X):
        needed = np.flatnonzero(first[:, :-1].any(axis=0))
        return lay_out_sparse(
            X, codes, num_classes, sample_weight, needed=needed, n_threads=threads
        )
    return InMemory([lay_out(X, codes, num_classes, sample_weight, n_threads=threads)], n_threads)
