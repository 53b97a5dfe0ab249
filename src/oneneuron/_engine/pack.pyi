from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .._typing import AnyArray, Float64Array, FloatArray

class Packer:
    patience: int
    num_tiles: int
    band_tiles: NDArray[np.int64]
    runs: NDArray[np.int64]
    def __init__(
        self,
        codes: AnyArray,
        num_classes: int,
        band_rows: int,
        tile: int,
        n_threads: int,
        turn: Callable[[], object],
    ) -> None: ...
    def pack(self, X: FloatArray, tiles_out: FloatArray) -> None: ...

def weigh_runs(weights: FloatArray, runs: NDArray[np.int64], weights_out: Float64Array) -> None: ...
def cut_into_blocks(
    in_band: NDArray[np.int64],
    band_tiles: NDArray[np.int64],
    runs: NDArray[np.int64],
    blocks_out: NDArray[np.int64],
) -> None: ...
