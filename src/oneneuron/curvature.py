"""What the second moments of the samples tell: the largest step, good coordinates, the scales.

Throughout Z = [X, 1], or X without an intercept, and u are the weights of the samples. The Hessian
of a cost is at most c Z^T U Z, plus alpha on the weights, with c from MAX_CURVATURE.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from . import checks
from ._typing import Float64Array, FloatArray, Loss

# The largest second derivative in z: of 1/2 (sigma(z) - y)^2 at sigma = (15 - sqrt(33)) / 24, of
# the log loss at 1/2.
MAX_CURVATURE: dict[Loss, float] = {"quadratic": 0.07702928506, "log": 0.25}

# Up to here a matrix is decomposed; beyond, its largest eigenvalue or its diagonal has to do.
_DENSE_SIDE = 512
_LANCZOS_ERROR = 1e-3
_LANCZOS_VECTORS = 8  # more hardly save a pass over X

# Added to a correlation matrix, so that features which depend on each other don't make it singular.
_RIDGE = 1e-8

# A feature whose variance is below so much of its mean square is constant but for roundings.
_CONSTANT = 1e-12

_SLAB_DOUBLES = 2**17


def safe_eta(
    X: ArrayLike, sample_weight: ArrayLike | None = None, alpha: float = 0.0,
    loss: Loss = "quadratic",
) -> float:  # fmt: skip
    """1/L for samples X of shape (n, d): no step of this size raises the cost.

    L is c times the largest eigenvalue of Z^T U Z, plus alpha. 1/L is rounded down to 12 bits, so
    that the last digits of the eigenvalue, which are the linear algebra library's, don't reach the
    descent.

    Raises
    ------
    ValueError, TypeError
        If X and sample_weight are none to train on, alpha is no number from 0 on or loss unknown,
        or if L is not finite.
    """
    X = checks.as_samples(X)
    weights = checks.as_weights(sample_weight, len(X), X.dtype)
    alpha = checks.as_size(alpha, "alpha")
    loss = checks.as_choice(loss, "loss", tuple(MAX_CURVATURE))
    return SecondMoments(X, weights).safe_eta(alpha, loss)


class SecondMoments:
    """Those of samples X of shape (n, d) with weights (n,) or None, computed as they are needed."""

    def __init__(
        self, X: FloatArray, sample_weight: FloatArray | None = None, fit_intercept: bool = True
    ) -> None:
        self._X, self._weights = X, sample_weight
        self._intercept = float(fit_intercept)
        self.total = len(X) if sample_weight is None else float(sample_weight.sum(dtype=np.float64))

    @property
    def _is_dense(self) -> bool:
        return bool(self._X.shape[1] < _DENSE_SIDE)

    @cached_property
    def _gram(self) -> Float64Array:
        """X^T U X, of shape (d, d); its diagonal alone if that is too large."""
        d = self._X.shape[1]
        gram = np.zeros((d, d) if self._is_dense else d)
        with np.errstate(over="ignore", invalid="ignore"):
            for rows, u in self._slabs():
                # A matrix by itself, weighted or not: of two, BLAS adds up in another order.
                half = rows if self._weights is None else rows * np.sqrt(u)[:, None]
                gram += half.T @ half if self._is_dense else (half * half).sum(axis=0)
        return gram

    @cached_property
    def _sums(self) -> Float64Array:
        """X^T u, of shape (d,)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return sum((u @ rows for rows, u in self._slabs()), np.zeros(self._X.shape[1]))

    def _slabs(self) -> Iterator[tuple[Float64Array, Float64Array]]:
        """Rows of X in float64 and their weights, a few at a time."""
        size = max(1, _SLAB_DOUBLES // self._X.shape[1])
        for first in range(0, len(self._X), size):
            # In the order of C: BLAS adds up in another where samples are laid out in another.
            rows = np.ascontiguousarray(self._X[first : first + size], dtype=np.float64)
            if self._weights is None:
                yield rows, np.ones(len(rows))
            else:
                yield rows, self._weights[first : first + size].astype(np.float64, copy=False)

    @property
    def means(self) -> Float64Array:
        """Of each feature."""
        return self._sums / self.total

    @cached_property
    def scales(self) -> Float64Array:
        """The standard deviation of each feature; of a constant one its size."""
        mean_squares = (self._gram.diagonal() if self._is_dense else self._gram) / self.total
        with np.errstate(over="ignore", invalid="ignore"):
            variances = mean_squares - self.means**2
        return np.sqrt(np.where(variances > _CONSTANT * mean_squares, variances, mean_squares))

    def preconditioner(self, alpha: float, loss: Loss) -> Float64Array:
        """P, for coordinates v with (weights, bias) = P v in which the bound's diagonal is 1.

        Of shape (d + 1, d + 1), from a Cholesky factor of the bound on the Hessian, which is near 1
        as a whole then; for many features of shape (d + 1,), from its diagonal.

        Raises
        ------
        ValueError
            If the bound is not finite.
        """
        bound = MAX_CURVATURE[loss] * self._bordered_gram
        if not np.isfinite(bound).all():
            raise ValueError("solver='lbfgs' needs features whose squares are finite: scale X.")
        diagonal = bound.diagonal() if self._is_dense else bound
        diagonal = diagonal + np.append(np.full(len(bound) - 1, alpha), 0.0)
        scale = 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
        if not self._is_dense:
            return scale
        correlation = scale[:, None] * bound * scale
        np.fill_diagonal(correlation, 1.0 + _RIDGE)
        return scale[:, None] * np.linalg.inv(np.linalg.cholesky(correlation)).T

    @property
    def _bordered_gram(self) -> Float64Array:
        """Z^T U Z, the intercept last, or its diagonal."""
        if not self._is_dense:
            return np.append(self._gram, self._intercept * self.total)
        d = len(self._gram)
        bordered = np.empty((d + 1, d + 1))
        bordered[:d, :d] = self._gram
        bordered[d, :d] = bordered[:d, d] = self._intercept * self._sums
        bordered[d, d] = self._intercept * self.total
        return bordered

    def safe_eta(self, alpha: float, loss: Loss) -> float:
        """1/L, as the function of this name has it."""
        with np.errstate(over="ignore", invalid="ignore"):
            largest = MAX_CURVATURE[loss] * self._largest_eigenvalue() + alpha
        if not np.isfinite(largest):
            raise ValueError("eta = 'auto' needs features whose squares are finite: scale X first.")
        mantissa, exponent = np.frexp(1.0 / max(largest, np.finfo(np.float64).tiny))
        return float(np.ldexp(np.floor(mantissa * 2**12) / 2**12, exponent))

    def _largest_eigenvalue(self) -> float:
        """Of Z^T U Z; NaN if it overflows."""
        if not self._is_dense:
            return self._largest_by_lanczos()
        gram = self._bordered_gram
        return float(np.linalg.eigvalsh(gram)[-1]) if np.isfinite(gram).all() else np.nan

    def _largest_by_lanczos(self) -> float:
        from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

        side = self._X.shape[1] + 1

        def product(vector: Float64Array) -> Float64Array:
            out = np.zeros(side)
            for rows, u in self._slabs():
                t = u * (rows @ vector[:-1] + self._intercept * vector[-1])
                out[:-1] += t @ rows
                out[-1] += self._intercept * t.sum()
            return out

        # A seeded start, so that the same samples give the same step.
        start = np.random.RandomState(0).standard_normal(side)
        if not np.isfinite(product(start)).all():
            return np.nan
        try:
            found = eigsh(
                LinearOperator((side, side), matvec=product, dtype=np.float64),
                k=1, which="LA", v0=start, ncv=_LANCZOS_VECTORS, tol=_LANCZOS_ERROR,
                return_eigenvectors=False,
            )  # fmt: skip
        except ArpackError:
            return np.nan
        return float(found[0]) * (1 + _LANCZOS_ERROR)
