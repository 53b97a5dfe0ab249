from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._typing import Float64Array

class JoinedPass:
    problem: Any
    def __init__(
        self,
        function: Callable[[Float64Array, NDArray[np.uint8]], Float64Array],
        num_models: int,
        num_neurons: int,
        num_features: int,
    ) -> None: ...
