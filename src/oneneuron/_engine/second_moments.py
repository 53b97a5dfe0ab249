"""The second moments of the samples, for step sizes, preconditioners and feature scales.

Throughout, Z = [X, 1], or [X, 0] without an intercept, and U is the diagonal matrix of the sample
weights. The Hessian of a cost is at most c Z^T U Z, plus alpha for the weights, where c is the
largest curvature of the loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from .._losses import Loss
from .._typing import Float64Array, FloatArray

# With fewer features than this, Z^T U Z is computed and decomposed. With more, only its diagonal is
# computed, and Lanczos iterations find the largest eigenvalue.
_DENSE_SIDE = 512
_LANCZOS_ERROR = 1e-3
_LANCZOS_VECTORS = 8  # more would hardly save a pass over X

# Added to the diagonal of the correlation matrix, which may otherwise be singular.
_RIDGE = 1e-8

# A feature whose variance is below this share of its mean square counts as constant.
_CONSTANT = 1e-12

_SLAB_DOUBLES = 2**17


class SecondMoments:
    """Second moments of the samples, each computed when it is first needed.

    Parameters
    ----------
    X : ndarray of shape (n, d), float32 or float64
    sample_weight : ndarray of shape (n,), default None
    fit_intercept : bool, default True

    Attributes
    ----------
    total : float
        The sum of the sample weights.
    """

    def __init__(
        self, X: FloatArray, sample_weight: FloatArray | None = None, fit_intercept: bool = True
    ) -> None:
        self._X, self._sample_weight = X, sample_weight
        self._intercept = float(fit_intercept)
        self.total = len(X) if sample_weight is None else float(sample_weight.sum(dtype=np.float64))

    @property
    def _is_dense(self) -> bool:
        return bool(self._X.shape[1] < _DENSE_SIDE)

    @cached_property
    def _gram(self) -> Float64Array:
        """X^T U X of shape (d, d), or for many features only its diagonal, of shape (d,)."""
        d = self._X.shape[1]
        gram = np.zeros((d, d) if self._is_dense else d)
        with np.errstate(over="ignore", invalid="ignore"):
            for rows, u in self._slabs():
                # A matrix times its own transpose, with weights or without. For two different
                # matrices, BLAS would sum in a different order.
                half = rows if self._sample_weight is None else rows * np.sqrt(u)[:, None]
                gram += half.T @ half if self._is_dense else (half * half).sum(axis=0)
        return gram

    @cached_property
    def _sums(self) -> Float64Array:
        """X^T u, of shape (d,)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return sum((u @ rows for rows, u in self._slabs()), np.zeros(self._X.shape[1]))

    def _slabs(self) -> Iterator[tuple[Float64Array, Float64Array]]:
        """Yield the rows of X in float64 and their weights, a slab at a time."""
        size = max(1, _SLAB_DOUBLES // self._X.shape[1])
        for first in range(0, len(self._X), size):
            # BLAS sums in a different order if the rows are not in C order.
            rows = np.ascontiguousarray(self._X[first : first + size], dtype=np.float64)
            if self._sample_weight is None:
                yield rows, np.ones(len(rows))
            else:
                u = self._sample_weight[first : first + size]
                yield rows, u.astype(np.float64, copy=False)

    @property
    def means(self) -> Float64Array:
        """The mean of each feature, of shape (d,)."""
        return self._sums / self.total

    @cached_property
    def scales(self) -> Float64Array:
        """The standard deviation of each feature, of shape (d,); its size if it is constant."""
        mean_squares = (self._gram.diagonal() if self._is_dense else self._gram) / self.total
        with np.errstate(over="ignore", invalid="ignore"):
            variances = mean_squares - self.means**2
        return np.sqrt(np.where(variances > _CONSTANT * mean_squares, variances, mean_squares))

    def preconditioner(self, alpha: float, loss: Loss) -> Float64Array:
        """Return the matrix P of (weights, bias) = P v, where v are coordinates that suit L-BFGS.

        In these coordinates, the bound on the Hessian is close to the identity matrix. With many
        features, only its diagonal elements are 1.

        Parameters
        ----------
        alpha : float
        loss : Loss

        Returns
        -------
        ndarray of shape (d + 1, d + 1), or (d + 1,) for many features, where P is diagonal

        Raises
        ------
        ValueError
            If the bound is not finite.
        """
        bound = loss.max_curvature * self._bordered_gram
        if not np.isfinite(bound).all():
            raise infinite_squares()
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
        """Z^T U Z with the intercept last, or for many features only its diagonal."""
        if not self._is_dense:
            return np.append(self._gram, self._intercept * self.total)
        d = len(self._gram)
        bordered = np.empty((d + 1, d + 1))
        bordered[:d, :d] = self._gram
        bordered[d, :d] = bordered[:d, d] = self._intercept * self._sums
        bordered[d, d] = self._intercept * self.total
        return bordered

    def safe_eta(self, alpha: float, loss: Loss) -> float:
        """Return 1/L, the largest step size that is guaranteed never to raise the cost.

        L is c times the largest eigenvalue of Z^T U Z, plus alpha. 1/L is rounded down to 12 bits.
        This removes the last digits of the eigenvalue, which depend on the linear algebra library.

        Parameters
        ----------
        alpha : float
        loss : Loss

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If L is not finite.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            largest = loss.max_curvature * self._largest_eigenvalue() + alpha
        if not np.isfinite(largest):
            raise infinite_squares()
        mantissa, exponent = np.frexp(1.0 / max(largest, np.finfo(np.float64).tiny))
        return float(np.ldexp(np.floor(mantissa * 2**12) / 2**12, exponent))

    def _largest_eigenvalue(self) -> float:
        """Return the largest eigenvalue of Z^T U Z, or NaN if it overflows."""
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

        # Seeded, so that the same samples always give the same step size.
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


def infinite_squares() -> ValueError:
    """Return the error for features whose second moments overflow."""
    return ValueError("X has features whose squares are infinite: scale X.")
