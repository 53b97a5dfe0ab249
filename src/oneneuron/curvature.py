"""How much the quadratic cost can curve, and so how large a step may be."""

import numpy as np

# The largest second derivative of 1/2 (sigma(z) - y)^2 in z, at sigma = (15 - sqrt(33)) / 24.
MAX_CURVATURE = 0.07702928506

# Up to here all eigenvalues are computed; beyond, the largest alone, which never needs X^T X.
_DENSE_SIDE = 512
_LANCZOS_ERROR = 1e-3

_SLAB_DOUBLES = 2**17


def safe_eta(X, sample_weight=None, alpha=0.0):
    """1/L for samples X of shape (n, d): no step of this size raises the quadratic cost.

    L is MAX_CURVATURE times the largest eigenvalue of Z^T U Z, plus alpha, with Z = [X, 1] and U
    the weights of the samples, shape (n,). 1/L is rounded down to 12 bits, so that the last digits
    of the eigenvalue, which are the linear algebra library's, don't reach the descent.

    Raises
    ------
    ValueError
        If that eigenvalue is not finite.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        largest = _largest_eigenvalue(X, np.ones(1) if sample_weight is None else sample_weight)
    if not np.isfinite(largest):
        raise ValueError("eta = 'auto' needs features whose squares are finite: scale X first.")
    mantissa, exponent = np.frexp(1.0 / (MAX_CURVATURE * largest + alpha))
    return float(np.ldexp(np.floor(mantissa * 2**12) / 2**12, exponent))


def _largest_eigenvalue(X, weights):
    """Of Z^T U Z, which has the eigenvalues of U^1/2 Z Z^T U^1/2; NaN if it overflows."""
    n, d = X.shape
    if min(n, d + 1) > _DENSE_SIDE:
        return _largest_by_lanczos(X, weights)
    gram = _gram_of_features(X, weights) if d < n else _gram_of_samples(X, weights)
    return float(np.linalg.eigvalsh(gram)[-1]) if np.isfinite(gram).all() else np.nan


def _slabs(X, weights):
    """Rows of X in float64 and their weights, a few at a time."""
    size = max(1, _SLAB_DOUBLES // X.shape[1])
    weights = np.broadcast_to(weights, len(X))
    for first in range(0, len(X), size):
        rows = slice(first, first + size)
        yield X[rows].astype(np.float64, copy=False), weights[rows]


def _gram_of_features(X, weights):
    side = X.shape[1] + 1
    gram = np.zeros((side, side))
    for rows, u in _slabs(X, weights):
        Z = np.column_stack([rows, np.ones(len(rows))])
        gram += (Z.T * u) @ Z
    return gram


def _gram_of_samples(X, weights):
    roots = np.sqrt(np.broadcast_to(weights, len(X)).astype(np.float64))
    gram = np.ones((len(X), len(X)))
    for columns, _ in _slabs(X.T, np.ones(1)):
        gram += columns.T @ columns
    return roots[:, None] * gram * roots


def _largest_by_lanczos(X, weights):
    from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

    side = X.shape[1] + 1

    def product(vector):
        out = np.zeros(side)
        for rows, u in _slabs(X, weights):
            t = u * (rows @ vector[:-1] + vector[-1])
            out[:-1] += t @ rows
            out[-1] += t.sum()
        return out

    # A seeded start, so that the same samples give the same step.
    start = np.random.RandomState(0).standard_normal(side)
    if not np.isfinite(product(start)).all():
        return np.nan
    try:
        found = eigsh(
            LinearOperator((side, side), matvec=product, dtype=np.float64),
            k=1, which="LA", v0=start, tol=_LANCZOS_ERROR, return_eigenvectors=False,
        )  # fmt: skip
    except ArpackError:
        return np.nan
    return float(found[0]) * (1 + _LANCZOS_ERROR)
