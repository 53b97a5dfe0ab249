from collections.abc import Callable
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .._typing import Float64Array, FloatArray

class Tiles:
    def __init__(
        self,
        values: FloatArray,
        weights: FloatArray | None,
        runs: NDArray[np.int64],
        unit: float,
        tiles_per_weight: float,
    ) -> None: ...
    def choose_shifts(self, shifts: Float64Array) -> float: ...
    def measure(
        self,
        shifts: Float64Array,
        bands: NDArray[np.int64],
        num_threads: int,
        turn: Callable[[], object],
        out: Float64Array,
    ) -> None: ...
    def add_products(
        self,
        first_run: int,
        end_run: int,
        every: int,
        moments: Float64Array | None,
        centred: bool,
        with_ones: bool,
        products: Float64Array,
    ) -> None: ...
    def add_product_with(
        self, first_run: int, end_run: int, intercept: float, x: Float64Array, out: Float64Array
    ) -> None: ...

_Tiles: TypeAlias = Tiles

# Built as several modules; `dispatch.import_moments` chooses one of them.
class Moments(Protocol):
    Tiles: type[_Tiles]
    def finish(
        self,
        shifts: Float64Array,
        sums: Float64Array,
        total: float,
        epsilon: float,
        moments: Float64Array,
    ) -> None: ...
    def keep_to_taken_tiles(
        self, products: Float64Array, total: float, least: float, moments: Float64Array
    ) -> None: ...
    def whiten(
        self,
        products: Float64Array,
        moments: Float64Array,
        centred: bool,
        curvature: float,
        alpha: float,
        ridge: float,
        out: Float64Array,
    ) -> bool: ...
    def fill_start(self, x: Float64Array) -> None: ...
    def multiply(self, matrix: Float64Array, x: Float64Array, out: Float64Array) -> None: ...
    def orthogonalise(
        self, basis: Float64Array, k: int, diagonal: Float64Array, beside: Float64Array
    ) -> None: ...
    def largest_ritz_value(
        self, diagonal: Float64Array, beside: Float64Array, n: int
    ) -> tuple[float, float]: ...
    def is_bound(self, matrix: Float64Array, n: int, bound: float, work: Float64Array) -> bool: ...
