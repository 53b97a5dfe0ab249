"""Two ways to lower a cost, over one kernel: the lecture's descent, and L-BFGS.

Both take a `Training` at its start and ``watch(step, costs)``, which they call as they go with the
step they are at and the costs since the last call; where it returns true they stop. Both return
the steps they made and why they stopped:

- ``"converged"``: no derivative of the cost is beyond its limit;
- ``"max_iter"``: that many steps were made;
- ``"precision"``: the cost can't be lowered any further with the digits that there are;
- ``"diverged"``: the next step would have left the finite numbers;
- ``"callback"``: `watch` wanted it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ._typing import Float64Array
from .training import COSTS_KEPT, Training

Reason: TypeAlias = Literal["converged", "max_iter", "precision", "diverged", "callback"]
Watch: TypeAlias = Callable[[int, ArrayLike], bool]
_Map: TypeAlias = Callable[[Float64Array], Float64Array]

# L-BFGS keeps so many pairs of steps and gradients: with 10 it takes a third more on raw data.
_PAIRS = 20

# It ends where a step lowers the cost by less than so many units of its last digit.
_LAST_DIGITS = 64

# Helpers pay if so many evaluations do.
_FEW_STEPS = 10


def descend(
    training: Training, max_iter: int, watch: Watch, strides: Iterable[int] = ()
) -> tuple[int, Reason]:
    """Gradient descent; `watch` is called at least where a stride divides the step."""
    while not training.flat:
        step = training.step
        if step == max_iter:
            return step, "max_iter"
        stop = min([max_iter, *((step // k + 1) * k for k in (COSTS_KEPT, *strides))])
        training.advance(stop - step)
        wanted = watch(training.step, training.costs(step + 1))
        if training.diverged:
            return training.step, "diverged"
        if wanted:
            return training.step, "callback"
    return training.step, "converged"


def lbfgs(
    training: Training, scale: Float64Array, max_iter: int, watch: Watch
) -> tuple[int, Reason]:
    """L-BFGS in coordinates v, of which scale v is how far the parameters are from the start.

    `scale` is a preconditioner as `curvature` gives it.
    """
    from scipy.optimize import minimize

    if training.flat:
        return 0, "converged"
    objective = _Objective(training, scale)
    step = 0
    stopped = False

    def accepted(intermediate_result: Any) -> None:  # by this name SciPy makes no copies for it
        nonlocal step, stopped
        step += 1
        stopped = watch(step, [training.cost])
        if stopped or training.flat:
            raise StopIteration

    with training.helped(_FEW_STEPS):
        found = minimize(
            objective.cost, np.zeros(len(scale)), jac=objective.gradient, method="L-BFGS-B",
            callback=accepted,
            options=dict(
                maxiter=max_iter, maxfun=2**31 - 1, maxcor=_PAIRS, gtol=0.0,
                ftol=_LAST_DIGITS * training.epsilon,
            ),
        )  # fmt: skip
        objective.cost(found.x)  # if the line search gave up, the last it tried was another
    if training.flat:
        return step, "converged"
    return step, "callback" if stopped else "max_iter" if found.status == 1 else "precision"


class _Objective:
    """The cost of a training in the coordinates v, and its gradient.

    Two functions, because SciPy takes 7 us longer over one that gives both.
    """

    def __init__(self, training: Training, scale: Float64Array) -> None:
        self._training, self._start = training, training.parameters
        self._cost, self._gradient = training.cost, training.gradient
        self._at = np.zeros(len(scale)).tobytes()
        to_gradient: _Map = scale.__mul__ if scale.ndim == 1 else scale.T.dot
        # The first step of the line search has length 1; in this unit it goes where the bound on
        # the Hessian would have it.
        scale = np.linalg.norm(to_gradient(self._gradient)) * scale
        self._to_parameters: _Map = scale.__mul__ if scale.ndim == 1 else scale.dot
        self._to_gradient: _Map = scale.__mul__ if scale.ndim == 1 else scale.T.dot

    def _move(self, v: Float64Array) -> None:
        """Score the parameters at v, unless that was the last thing done."""
        at = v.tobytes()
        if at != self._at:
            self._at = at
            change = self._to_parameters(v)
            self._cost, self._gradient = self._training.evaluate(self._start + change)

    def cost(self, v: Float64Array) -> float:
        self._move(v)
        return np.inf if self._training.diverged else self._cost

    def gradient(self, v: Float64Array) -> Float64Array:
        self._move(v)
        return self._to_gradient(self._gradient)
