"""Types that several signatures share."""

from os import PathLike
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

AnyArray: TypeAlias = NDArray[Any]
FloatArray: TypeAlias = NDArray[np.floating[Any]]  # float32 or float64
Float64Array: TypeAlias = NDArray[np.float64]

RandomState: TypeAlias = int | np.random.RandomState | np.random.Generator | None

Which: TypeAlias = Literal["last", "best", "lowest"]
# Two dict types, because a type checker does not accept a dict of int as a dict of float.
ClassWeight: TypeAlias = dict[Any, float] | dict[Any, int] | Literal["balanced"] | None


class SparseMatrix(Protocol):
    """A sparse matrix or array of SciPy, which is no ArrayLike."""

    def tocsr(self, copy: bool = ...) -> Any:
        """Return it by rows."""


SamplesLike: TypeAlias = ArrayLike | SparseMatrix | PathLike[str]  # of shape (n, d)


class RandomDraws(Protocol):
    """A source of random numbers: NumPy's global state, a RandomState or a Generator."""

    def random(self, size: int, /) -> Float64Array:
        """Return uniform draws from [0, 1)."""

    def standard_normal(self, size: tuple[int, ...], /) -> Float64Array:
        """Return draws from the standard normal distribution."""
