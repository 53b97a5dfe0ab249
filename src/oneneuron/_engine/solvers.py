"""Two solvers on the same kernel: gradient descent and L-BFGS.

Both take a `Training` at its start and a function ``watch(step, costs)``. They call it as they go,
with the step reached and the costs of the steps since the last call, and they stop when it returns
true. Both return the number of steps made and the reason for stopping:

- ``"converged"``: every derivative of the cost is within its limit;
- ``"max_iter"``: all the steps allowed were made;
- ``"precision"``: the cost cannot be lowered any further in this floating-point type;
- ``"diverged"``: the next step would have had infinite parameters or an infinite cost;
- ``"callback"``: `watch` asked to stop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from .._typing import Float64Array
from .training import COSTS_KEPT, Training

Reason: TypeAlias = Literal["converged", "max_iter", "precision", "diverged", "callback"]
Watch: TypeAlias = Callable[[int, ArrayLike], bool]
_Map: TypeAlias = Callable[[Float64Array], Float64Array]

# The number of pairs of steps and gradients that L-BFGS remembers. With 10, it needs a third more
# iterations on unscaled data.
_PAIRS = 20

# L-BFGS ends when a step lowers the cost by less than this many units of its last digit.
_LAST_DIGITS = 64

# The number of evaluations by L-BFGS assumed when deciding whether helpers save time.
_FEW_STEPS = 10


def gradient_descent(
    training: Training, max_iter: int, watch: Watch, strides: Sequence[int] = ()
) -> tuple[int, Reason]:
    """Run gradient descent.

    Parameters
    ----------
    training : Training
    max_iter : int
    watch : callable
        Called at every multiple of a stride, and at some other steps.
    strides : sequence of int

    Returns
    -------
    num_steps : int
    reason : Reason
    """
    seen, stopped = training.step, False
    for step in training.walk(max_iter, [COSTS_KEPT, *strides]):
        stopped = watch(step, training.costs(seen + 1))
        seen = step
        if stopped:
            break
    reason: Reason = "max_iter"
    if training.diverged:
        reason = "diverged"
    elif stopped:
        reason = "callback"
    elif training.flat:
        reason = "converged"
    return training.step, reason


def lbfgs(
    training: Training, preconditioner: Float64Array, max_iter: int, watch: Watch
) -> tuple[int, Reason]:
    """Run L-BFGS in coordinates v, where the parameters are the start plus P v.

    Parameters
    ----------
    training : Training
    preconditioner : ndarray of shape (d + 1, d + 1) or (d + 1,)
        P, or only its diagonal if P is a diagonal matrix.
    max_iter : int
    watch : callable

    Returns
    -------
    num_steps : int
    reason : Reason
    """
    from scipy.optimize import minimize

    if training.flat:
        return 0, "converged"
    objective = _Objective(training, preconditioner)
    step = 0
    stopped = False

    # SciPy makes no copies for a callback whose parameter has this name.
    def accepted(intermediate_result: Any) -> None:
        nonlocal step, stopped
        step += 1
        stopped = watch(step, [training.cost])
        if stopped or training.flat:
            raise StopIteration

    with training.helped(_FEW_STEPS):
        found = minimize(
            objective.cost, np.zeros(len(preconditioner)), jac=objective.gradient,
            method="L-BFGS-B", callback=accepted,
            options=dict(
                maxiter=max_iter, maxfun=2**31 - 1, maxcor=_PAIRS, gtol=0.0,
                ftol=_LAST_DIGITS * training.epsilon,
            ),
        )  # fmt: skip
        objective.cost(found.x)  # a line search that gave up has left the training at another point
    if training.flat:
        return step, "converged"
    return step, "callback" if stopped else "max_iter" if found.status == 1 else "precision"


class _Objective:
    """The cost of a training, and its gradient, in the coordinates v of `lbfgs`.

    With a single function that returns both, SciPy would take 7 us longer per step.
    """

    def __init__(self, training: Training, preconditioner: Float64Array) -> None:
        self._training, self._start = training, training.parameters
        self._cost, self._gradient = training.cost, training.gradient
        self._at = np.zeros(len(preconditioner)).tobytes()
        # The first step of the line search has length 1. In this unit of v, it leads to the place
        # where the minimum would be if the bound on the Hessian were the Hessian itself.
        _, to_gradient = _maps(preconditioner)
        unit = np.linalg.norm(to_gradient(self._gradient))
        self._to_parameters, self._to_gradient = _maps(unit * preconditioner)

    def _move(self, v: Float64Array) -> None:
        """Evaluate the parameters at v, unless they were evaluated last."""
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


def _maps(preconditioner: Float64Array) -> tuple[_Map, _Map]:
    """Return the products with P, for the parameters, and with its transpose, for the gradient."""
    if preconditioner.ndim == 1:
        return preconditioner.__mul__, preconditioner.__mul__
    return preconditioner.dot, preconditioner.T.dot
