from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._typing import Float64Array, FloatArray

class Pass:
    problem: Any
    def __init__(
        self,
        kernel: Any,
        values: FloatArray,
        weights: FloatArray | None,
        runs: NDArray[np.int64],
        blocks: NDArray[np.int64],
        own_classes: NDArray[np.int64],
        loss: int,
        layer: int,
        chunk_blocks: int,
        first_block: int,
        num_threads: int,
        turn: Callable[[], None],
    ) -> None: ...
    def sums(
        self, parameters: Float64Array, active: NDArray[np.uint8]
    ) -> list[tuple[int, int, Float64Array]]: ...
    @property
    def num_helpers(self) -> int: ...
