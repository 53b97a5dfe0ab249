"""Types that several signatures share."""

from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

AnyArray: TypeAlias = NDArray[Any]
FloatArray: TypeAlias = NDArray[np.floating[Any]]  # float32 or float64
Float64Array: TypeAlias = NDArray[np.float64]

RandomState: TypeAlias = int | np.random.RandomState | np.random.Generator | None

Loss: TypeAlias = Literal["quadratic", "log"]
Which: TypeAlias = Literal["last", "best", "lowest"]
# Of whole numbers, too: a checker takes a dict of int for none of float.
ClassWeight: TypeAlias = dict[Any, float] | dict[Any, int] | Literal["balanced"] | None


class Draws(Protocol):
    """Where random numbers come from: NumPy's global state, a RandomState or a Generator."""

    def random(self, size: int, /) -> Float64Array:
        """Uniform draws from [0, 1)."""

    def standard_normal(self, size: tuple[int, ...], /) -> Float64Array:
        """Draws from the normal distribution."""
