from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._typing import AnyArray, Float64Array

COSTS_KEPT: int

class State(IntEnum):
    RUNNING = 0
    FLAT = 1
    PRECISION = 2
    DIVERGED = 3

class Models(NamedTuple):
    parameters: Float64Array
    cost: Float64Array
    wrong: Float64Array
    step: NDArray[np.int64]

class ProblemOwner(Protocol):
    @property
    def problem(self) -> object: ...

class Solver:
    @property
    def last(self) -> Models: ...
    @property
    def best(self) -> Models: ...
    @property
    def lowest(self) -> Models: ...
    @property
    def gradient(self) -> Float64Array: ...
    @property
    def state(self) -> NDArray[np.int8]: ...
    @property
    def costs(self) -> Float64Array: ...
    @property
    def num_rises(self) -> NDArray[np.int64]: ...
    @property
    def num_passes(self) -> int: ...
    @property
    def constants(self) -> dict[str, AnyArray]: ...
    @property
    def variables(self) -> dict[str, AnyArray]: ...
    def restore(self, variables: Mapping[str, AnyArray]) -> None: ...
    def start(self, parameters: Float64Array) -> None: ...
    def advance(self, num_steps: int) -> None: ...
    def advance_to(self, step: int, most_milliseconds: int | None = None) -> bool: ...

class GradientDescent(Solver):
    def __init__(
        self,
        owner: ProblemOwner,
        eta: float,
        alpha: float,
        intercept: bool,
        limits: ArrayLike,
        means: ArrayLike,
        single: bool,
        low_costs: ArrayLike = 0.0,
    ) -> None: ...

class LBFGS(Solver):
    def __init__(
        self,
        owner: ProblemOwner,
        alpha: float,
        intercept: bool,
        limits: ArrayLike,
        means: ArrayLike,
        single: bool,
        preconditioner: Float64Array,
        low_costs: ArrayLike = 0.0,
    ) -> None: ...
    def adopt(self, draft: LBFGS, models: NDArray[np.int64], with_pairs: bool = True) -> None: ...
