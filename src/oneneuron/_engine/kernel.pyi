from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .._typing import Float64Array, FloatArray

class Neuron:
    def __init__(
        self,
        tiles: FloatArray,
        weights: FloatArray,
        weighted: bool,
        num_positive: int,
        loss: int,
        intercept: bool,
        parameters: Float64Array,
        totals: Float64Array,
        limits: Float64Array,
        models: Float64Array,
        costs: Float64Array,
        blocks: Float64Array,
        marks: NDArray[np.int64],
        scaled: FloatArray,
        sums: FloatArray,
        rows: Float64Array,
    ) -> None: ...
    @property
    def diverged(self) -> bool: ...
    @property
    def flat(self) -> bool: ...
    def descend(self, eta: float, alpha: float, last_step: int, budget: int) -> None: ...
    def abandon(self) -> None: ...
    def help(self, rank: int) -> None: ...
    def muster(self) -> None: ...
    def dismiss(self) -> None: ...

_Neuron: TypeAlias = Neuron

# The kernel is built as several modules; `dispatch.import_kernel` chooses one of them.
class Kernel(Protocol):
    SUM_LANES: int
    TILE_SAMPLES: int
    NARROW_TILE_SAMPLES: int
    Neuron: type[_Neuron]
