"""The second moments of sparse samples."""

from __future__ import annotations

import numpy as np

from .._typing import Float64Array
from .second_moments import SecondMoments
from .sparse_samples import SparseSamples
from .turns import turn


class SparseMoments(SecondMoments):
    """Second moments of sparse samples: as `SecondMoments` for very many features.

    So preconditioners are diagonal. Parameters and attributes are those of `SecondMoments`.
    """

    def _prepare(self, samples: SparseSamples) -> None:
        self._rows, self._columns = samples.rows, samples.columns
        self._weights = None if samples.weights is None else samples.weights / self._unit

    @property
    def _is_wide(self) -> bool:
        return True

    def _fill(self, found: Float64Array) -> None:
        self._columns.measure(
            self._weights, self.total / self._unit, found, self._num_threads, turn
        )

    def _product(self, x: Float64Array, out: Float64Array) -> None:
        """Write Z^T U Z x to `out`."""
        products = np.empty((self._rows.num_lines, 1))
        constants = x[-1:] * self._intercept
        self._rows.multiply(
            x[:-1, None], constants, self._weights, products, self._num_threads, turn
        )
        self._columns.multiply(products, None, None, out[:-1, None], self._num_threads, turn)
        out[-1] = products.sum() if self._intercept else 0.0
