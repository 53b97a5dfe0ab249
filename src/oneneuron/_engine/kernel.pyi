from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .._typing import Float64Array, FloatArray

class Pass:
    problem: Any
    hook: Callable[[Any], Float64Array] | None
    def __init__(
        self,
        values: FloatArray,
        weights: FloatArray | None,
        runs: NDArray[np.int64],
        blocks: NDArray[np.int64],
        own_classes: NDArray[np.int64],
        loss: int,
        chunk_blocks: int,
        first_block: int,
        num_threads: int,
        turn: Callable[[], None],
    ) -> None: ...
    @property
    def subtrees(self) -> Sequence[tuple[int, int]]: ...
    @property
    def num_helpers(self) -> int: ...

_Pass: TypeAlias = Pass

# The kernel is built as several modules; `dispatch.import_kernel` chooses one of them.
class Kernel(Protocol):
    Pass: type[_Pass]
    def predict(
        self,
        samples: FloatArray,
        parameters: FloatArray,
        output: int,
        reals: FloatArray | None,
        codes: NDArray[np.int64] | None,
        num_threads: int,
        turn: Callable[[], None],
    ) -> int: ...
