"""Types that several signatures share."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

AnyArray: TypeAlias = NDArray[Any]
FloatArray: TypeAlias = NDArray[np.floating[Any]]  # float32 or float64
Float64Array: TypeAlias = NDArray[np.float64]

RandomState: TypeAlias = int | np.random.RandomState | np.random.Generator | None
