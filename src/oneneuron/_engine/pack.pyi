import numpy as np
from numpy.typing import NDArray

from .._typing import FloatArray

def pack(
    X: FloatArray,
    y: NDArray[np.uint8],
    negative: float,
    num_positive: int,
    tiles: FloatArray,
    placed: NDArray[np.intp],
) -> None: ...
