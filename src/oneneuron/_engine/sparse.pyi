from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._typing import Float64Array, FloatArray

def are_canonical(
    values: FloatArray,
    places: NDArray[np.signedinteger[Any]],
    starts: NDArray[np.signedinteger[Any]],
    num_columns: int,
) -> bool: ...
def count_places(places: NDArray[np.int32], counts: NDArray[np.int64]) -> None: ...

class SparseRows:
    def __init__(
        self,
        values: FloatArray,
        places: NDArray[np.int32],
        starts: NDArray[np.int64],
        ranges: NDArray[np.int64],
    ) -> None: ...
    @property
    def num_rows(self) -> int: ...
    def multiply(
        self,
        x: Float64Array,
        constants: Float64Array,
        weights: Float64Array | None,
        out: Float64Array,
        num_threads: int,
        turn: Callable[[], object],
    ) -> None: ...
    def multiply_transpose(
        self, x: Float64Array, out: Float64Array, num_threads: int, turn: Callable[[], object]
    ) -> None: ...
    def measure(
        self,
        weights: Float64Array | None,
        total: float,
        counts: NDArray[np.int64],
        moments: Float64Array,
        num_threads: int,
        turn: Callable[[], object],
    ) -> None: ...

class SparsePass:
    problem: Any
    def __init__(
        self,
        kernel: Any,
        rows: SparseRows,
        lanes: NDArray[np.int32],
        weights: Float64Array | None,
        runs: NDArray[np.int64],
        blocks: NDArray[np.int64],
        own_classes: NDArray[np.int64],
        loss: int,
        layer: int,
        num_threads: int,
        turn: Callable[[], None],
    ) -> None: ...
    @property
    def num_helpers(self) -> int: ...
