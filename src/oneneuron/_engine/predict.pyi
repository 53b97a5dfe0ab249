from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._typing import FloatArray

def predict(
    kernel: Any,
    samples: FloatArray,
    parameters: FloatArray | None,
    output: int,
    reals: FloatArray | None,
    codes: NDArray[np.int64] | None,
    num_threads: int,
    turn: Callable[[], None],
) -> int: ...
