"""The second moments of the samples, for step sizes, preconditioners and feature scales.

Throughout, Z = [X, 1], or [X, 0] without an intercept, and U is the diagonal matrix of the sample
weights. The Hessian of a cost is at most c Z^T U Z, plus alpha for the weights, where c is the
largest curvature of the loss.

The loops over the samples are in `moments.pyx`. Results have the same bits on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import itemgetter
from typing import Any

import numpy as np

from .._typing import Float64Array
from .shard import Scale, moments
from .shards import AnySamples

# With fewer features than this, Z^T U Z is computed. With more, only its products with vectors are,
# and preconditioners are diagonal.
_DENSE_SIDE = 512

# A preconditioner is computed from at least this number of samples, and as many for each parameter.
# With few features, it may take more: samples that hold this number of values cost little.
_SAMPLED_ROWS = 2048
_SAMPLED_ROWS_PER_PARAMETER = 16
_SAMPLED_VALUES = 2**17

# A feature is taken as uncorrelated with others if the tiles that are taken have less than this
# share of its variance.
_LEAST_SHARE = 0.25

# Added to the diagonal of the correlation matrix, which may otherwise be singular.
_RIDGE = 1e-8

# Lanczos iterations end when the estimate is this close to an eigenvalue, in proportion, or after
# this number of products. For many features, the estimate is raised at least by the allowance.
_LANCZOS_TOLERANCE = 2**-11
_LANCZOS_PRODUCTS = 60
_LANCZOS_ALLOWANCE = 1e-3

# The first margin that is tried above an estimate to get a bound, and an allowance for the rounding
# errors of sums over up to 10^10 samples.
_MARGIN = 2**-13
_ROUNDING = 2**-16

# Rows of the moments.
_MEAN, _SCALE, _DEVIATION, _SIZE = range(4)


class SecondMoments:
    """Second moments of the samples, each computed when it is first needed.

    Parameters
    ----------
    samples : Shards
    fit_intercept : bool, default True

    Attributes
    ----------
    total : float
        The sum of the sample weights.

    Raises
    ------
    ValueError
        If the sum of the sample weights is infinite.
    """

    def __init__(self, samples: AnySamples, fit_intercept: bool = True) -> None:
        self._samples: Any = samples
        self._intercept = fit_intercept
        self.total = _total(samples)
        # The compiled code divides weights by this power of two, so that they sum to about 1 and
        # nothing overflows but X itself.
        self._unit = 1.0
        if samples.is_weighted:
            self._unit = 4.0 ** min(max(math.frexp(self.total)[1] // 2, -500), 500)
        self._moments: Float64Array | None = None
        self._largest: float | None = None

    @property
    def _scale(self) -> Scale:
        return Scale(self._unit, self._samples.num_tiles / self._total_in_unit)

    @property
    def _total_in_unit(self) -> float:
        return self.total / self._unit

    def _fill(self, found: Float64Array) -> None:
        """Write the mean, scale, standard deviation and root mean square of each feature."""
        _, shifts = max(self._samples.ask("heaviest_tile"), key=itemgetter(0))
        sums = self._samples.add_up("deviations", self._scale, shifts)
        epsilon = float(np.finfo(self._samples.dtype).eps)
        moments.finish(shifts, sums, self._total_in_unit, epsilon, found)

    @property
    def _is_wide(self) -> bool:
        return bool(self._samples.num_features >= _DENSE_SIDE)

    @property
    def means(self) -> Float64Array:
        """The mean of each feature, of shape (d,)."""
        means: Float64Array = self._measure()[_MEAN]
        return means

    @property
    def scales(self) -> Float64Array:
        """The standard deviation of each feature, of shape (d,); its size if it is constant.

        The means and the scales are infinite where squares of X overflow or X is not finite.
        """
        scales: Float64Array = self._measure()[_SCALE]
        return scales

    def _measure(self) -> Float64Array:
        """Return the mean, scale, standard deviation and root mean square of each feature."""
        if self._moments is None:
            found = np.empty((4, self._samples.num_features))
            self._fill(found)
            self._moments = found
        return self._moments

    # --- The preconditioner ---

    def preconditioner(self, alpha: float, curvature: float) -> Float64Array:
        """Return the matrix P of (weights, bias) = P v, where v are coordinates that suit L-BFGS.

        In these coordinates, the bound on the Hessian is close to the identity matrix. With an
        intercept, P is the product of two changes of coordinates. The first one centres the
        features, which separates the bias from the weights. The second one makes the features
        uncorrelated, as far as a part of the samples tells, and of the same size. So the weights'
        rows of P are an upper triangle, and the bias's row takes their means off again.

        Parameters
        ----------
        alpha : float
        curvature : float
            The largest curvature of the loss, c.

        Returns
        -------
        ndarray of shape (d + 1, d + 1), or (d + 1,) for many features, where P is diagonal

        Raises
        ------
        ValueError
            If the bound is not finite.
        """
        d, found = self._samples.num_features, self._measure()
        if self._is_wide:
            return self._diagonal_preconditioner(alpha, curvature)
        every = max(1, self._samples.num_samples // _sampled_rows(d))
        products = self._products(every, found, with_ones=False)
        if every > 1:
            found = found.copy()
            moments.keep_to_taken_tiles(products, self._total_in_unit, _LEAST_SHARE, found)
        out, c = np.empty((d + 1, d + 1)), curvature * self.total
        if not moments.whiten(products, found, self._intercept, c, alpha, _RIDGE, out):
            raise self._overflow(curvature)
        return out

    def _diagonal_preconditioner(self, alpha: float, curvature: float) -> Float64Array:
        c = curvature * self.total
        with np.errstate(over="ignore"):
            squares = self._measure()[_SIZE] ** 2
            diagonal = np.append(c * squares + alpha, c if self._intercept else 1.0)
        if not np.isfinite(diagonal).all():
            raise self._overflow(curvature)
        return 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))

    def _products(self, every: int, scaling: Float64Array | None, with_ones: bool) -> Float64Array:
        """Return the sums of products of all pairs of features, as an upper triangle."""
        products: Float64Array = self._samples.add_up(
            "products", self._scale, every, scaling, self._intercept, with_ones
        )
        return products

    # --- The step size ---

    def safe_eta(self, alpha: float, curvature: float) -> float:
        """Return 1/L, a step size that is guaranteed never to raise the cost.

        L is c times the largest eigenvalue of Z^T U Z, plus alpha. The eigenvalue is rounded up and
        1/L is rounded down to 12 bits, together by less than 0.1 % (0.2 % for many features).

        Parameters
        ----------
        alpha : float
        curvature : float
            The largest curvature of the loss, c.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If L is not finite.
        """
        if self._largest is None:
            self._largest = self._largest_eigenvalue()
        bound = curvature * self._largest * self._unit + alpha
        if not math.isfinite(bound):
            raise self._overflow(curvature)
        mantissa, exponent = math.frexp(1.0 / max(bound, np.finfo(np.float64).tiny))
        return math.ldexp(math.floor(mantissa * 2**12) / 2**12, exponent)

    def _largest_eigenvalue(self) -> float:
        """Return a bound on the eigenvalues of Z^T U Z, in the compiled code's unit, or NaN."""
        d = self._samples.num_features
        if self._is_wide:
            scale = _scale_to_one(float(self._measure()[_SIZE].max())) ** 2

            def product(x: Float64Array, out: Float64Array) -> None:
                self._product(x, out)
                out *= scale

            estimate, distance = _lanczos(product, d + 1)
            return (estimate + max(distance, _LANCZOS_ALLOWANCE * estimate)) / scale
        side = d + self._intercept
        products = self._products(1, None, self._intercept)
        if not np.isfinite(products).all():
            return math.nan
        scale = _scale_to_one(float(products.max()))
        products *= scale

        def times(x: Float64Array, out: Float64Array) -> None:
            moments.multiply(products, x, out)

        estimate, _ = _lanczos(times, side)
        if not moments.is_bound(products, side, estimate * (1 + _MARGIN), np.empty_like(products)):
            # It was close to a smaller eigenvalue.
            estimate, _ = _lanczos(times, side, tolerance=0.0)
        return _bound_on_eigenvalues(products, side, estimate) * (1 + _ROUNDING) / scale

    def _product(self, x: Float64Array, out: Float64Array) -> None:
        """Write Z^T U Z x to `out`."""
        out[:] = self._samples.add_up("products_with", self._scale, float(self._intercept), x)

    def _overflow(self, curvature: float) -> ValueError:
        """Return the error for an infinite bound on the Hessian."""
        size = float(self._measure()[_SIZE].max())
        square = size * size * self._samples.num_features
        if not math.isfinite(square * curvature * self.total):
            no_weights = not self._samples.is_weighted
            return infinite_squares() if no_weights or math.isinf(square) else infinite_weights()
        return infinite_alpha()


def _total(samples: AnySamples) -> float:
    try:
        total = float(samples.total_weight)
    except OverflowError:
        raise infinite_weights() from None
    if not math.isfinite(total):
        raise infinite_weights()
    return total


def _scale_to_one(x: float) -> float:
    """Return the power of two that takes x to about 1, so that squares of products stay finite."""
    return 2.0 ** -max(math.frexp(x)[1], -500)


def _sampled_rows(d: int) -> int:
    return max(_SAMPLED_ROWS, _SAMPLED_ROWS_PER_PARAMETER * (d + 1), _SAMPLED_VALUES // d)


def _lanczos(
    product: Callable[[Float64Array, Float64Array], None],
    side: int,
    tolerance: float = _LANCZOS_TOLERANCE,
) -> tuple[float, float]:
    """Estimate the largest eigenvalue of a symmetric matrix without negative eigenvalues.

    The estimate is never above the eigenvalue, but for rounding errors.

    Parameters
    ----------
    product : callable
        ``product(x, out)`` writes the product of the matrix with x.
    side : int

    Returns
    -------
    estimate : float
        NaN if a product overflows.
    distance : float
        The estimate is at most this far from an eigenvalue.
    """
    most = min(side, _LANCZOS_PRODUCTS)
    basis, (diagonal, beside) = np.empty((most + 1, side)), np.empty((2, most))
    moments.fill_start(basis[0])
    for k in range(most):
        product(basis[k], basis[k + 1])
        moments.orthogonalise(basis, k, diagonal, beside)
        estimate, distance = moments.largest_ritz_value(diagonal, beside, k + 1)
        if not distance > tolerance * estimate:  # or NaN
            break
    return estimate, distance


def _bound_on_eigenvalues(matrix: Float64Array, side: int, estimate: float) -> float:
    """Return a number that is certainly above all eigenvalues, given an estimate of the largest."""
    margin, work = _MARGIN, np.empty_like(matrix)
    while estimate > 0.0 and not moments.is_bound(matrix, side, estimate * (1 + margin), work):
        margin *= 2
    return estimate * (1 + margin)


def infinite_squares() -> ValueError:
    """Return the error for features whose second moments overflow."""
    return ValueError("X has features whose squares are infinite: scale X.")


def infinite_weights() -> ValueError:
    """Return the error for sample weights whose sums overflow."""
    return ValueError(
        "sample_weight is so large that weighted sums are infinite: divide it by its largest value."
    )


def infinite_alpha() -> ValueError:
    """Return the error for a penalty that makes the curvature overflow."""
    return ValueError("alpha is so large that the curvature is infinite: choose a smaller alpha.")
