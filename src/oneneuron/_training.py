"""A gradient descent in progress, which its caller watches step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Literal

import numpy as np

from ._diagnostics import (
    ENOUGH_STEPS,
    Advice,
    Ending,
    warn_of_descent,
    warn_of_divergence,
    warn_of_one_class,
)
from ._engine.second_moments import SecondMoments, infinite_squares
from ._engine.shards import AnySamples, Shards, pass_over
from ._engine.solvers import GradientDescent, Models, State
from ._engine.sparse_samples import SparseSamples
from ._losses import QUADRATIC
from ._results import Descent, Model, as_history
from ._typing import Float64Array, Which

_NEVER = -1.0  # a limit that no derivative is within

# The `tol` within which the cost counts as flat at the end. The classifier's default is far
# smaller, but nobody expects a descent of a fixed number of steps to reach the minimum.
_FLAT_TOL = 1e-2


class Training:
    """Gradient descent of one neuron on the quadratic cost, of class 1 against class 0.

    The start is scored at once, as step 0.

    Parameters
    ----------
    samples : Shards
    start : ndarray of shape (d + 1,), float64
        The weights and the bias, the bias last.
    eta : float or "auto"
        The step size. "auto" means 1/L.
    alpha : float, default 0.0

    Attributes
    ----------
    eta : float
    solver : GradientDescent
    """

    def __init__(
        self, samples: Shards, start: Float64Array, *, eta: float | Literal["auto"],
        alpha: float = 0.0,
    ) -> None:  # fmt: skip
        self._samples, self._alpha = samples, alpha
        self._moments = SecondMoments(samples)
        self.eta = self._safe_eta() if eta == "auto" else eta
        self.solver = GradientDescent(
            pass_over(samples, [1], QUADRATIC), eta=self.eta, alpha=alpha, intercept=True,
            limits=_NEVER, means=0.0, single=samples.dtype == np.float32,
        )  # fmt: skip
        self.solver.start(start[None])

    @property
    def parameters(self) -> Float64Array:
        """The weights and the bias, of shape (d + 1,), in float64."""
        parameters: Float64Array = self.solver.last.parameters[0].copy()
        return parameters

    @property
    def step(self) -> int:
        """The number of updates made so far."""
        return int(self.solver.last.step[0])

    @property
    def diverged(self) -> bool:
        """True if the next step would have infinite parameters or an infinite cost."""
        return bool(self.solver.state[0] == State.DIVERGED)

    @property
    def best_accuracy(self) -> float:
        """The highest accuracy so far."""
        return accuracy(self.solver.best.wrong[0], self._samples.total_weight)

    def walk(
        self, last_step: int, strides: Sequence[int] = (), offset: int = 0,
        advance_to: Callable[[int], object] | None = None,
    ) -> Iterator[int]:  # fmt: skip
        """Descend to `last_step`, pausing on the way to yield each step that is due.

        A step is due if it is `offset` plus a multiple of a stride, or the last. The steps end
        early if the training diverges.

        Parameters
        ----------
        last_step : int
        strides : sequence of int
        offset : int, default 0
        advance_to : callable, default None
            What to call instead of the solver's method of this name.

        Yields
        ------
        step : int
            The step reached, greater than the one yielded before.
        """
        while self.step < last_step and not self.diverged:
            before = self.step
            due = next_due(before, last_step, strides, offset)
            (advance_to or self.solver.advance_to)(due)
            if self.step > before:
                yield self.step

    def advance(self, num_steps: int) -> None:
        """Make `num_steps` steps of gradient descent, or fewer if it diverges."""
        self.solver.advance(num_steps)

    def model(self, which: Which = "last") -> Model:
        """Return a model of the training so far.

        Parameters
        ----------
        which : {"last", "best", "lowest"}, default "last"
        """
        return as_model(getattr(self.solver, which), 0, self._samples)

    def diagnose(self, advice: Advice) -> None:
        """Warn if the training, which is at its end, went wrong.

        Parameters
        ----------
        advice : Advice
            The remedies that the caller offers.
        """
        samples = self._samples
        if self.diverged:
            warn_of_divergence(self.step, self.eta, self._safe_eta)
            return
        if not samples.class_weights.all():
            if self.step >= ENOUGH_STEPS:
                warn_of_one_class(int(samples.class_weights.argmax()))
            return
        ending = Ending(
            num_steps=self.step, cost=float(self.solver.last.cost[0]),
            guess_cost=QUADRATIC.cost_of_guess(samples.class_weights[1], samples.total_weight),
            num_rises=int(self.solver.num_rises[0]), eta=self.eta,
            is_flat=self._is_flat, means=lambda: self._moments.means,
            scales=lambda: self._moments.scales, safe_eta=self._safe_eta,
        )  # fmt: skip
        with suppress(ValueError):  # there is nothing to compare with if squares of X overflow
            warn_of_descent(ending, advice)

    def _safe_eta(self) -> float:
        """Return 1/L, a step size that is guaranteed never to raise the cost."""
        return self._moments.safe_eta(self._alpha, QUADRATIC.max_curvature)

    def _is_flat(self) -> bool:
        """Return whether all derivatives of the cost, with centred features, are nearly 0."""
        rarer = np.array([[self._samples.class_weights.min()]])
        sizes = sizes_of_derivatives(self._moments, rarer, self._alpha)[0]
        if not np.isfinite(sizes).all():
            raise infinite_squares()
        gradient = self.solver.gradient[0].copy()
        gradient[:-1] -= self._moments.means * gradient[-1]
        return bool((np.abs(gradient) <= _FLAT_TOL * sizes).all())

    def result(self, history: Sequence[Model] = ()) -> Descent:
        """Return the training so far.

        Parameters
        ----------
        history : sequence of Model
            The models recorded on the way.
        """
        return Descent(
            last=self.model("last"),
            best=self.model("best"),
            lowest=self.model("lowest"),
            history=as_history(history, self._samples.num_features, self._samples.dtype),
            num_steps=self.step,
            eta=self.eta,
            stop_reason="diverged" if self.diverged else "num_steps",
        )


def sizes_of_derivatives(moments: SecondMoments, rarer: Float64Array, alpha: float) -> Float64Array:
    """Return the size of each derivative of the cost to which `tol` is relative.

    It is relative to the rarer side of each neuron, since only that can pull it away from the
    constant guess.

    Parameters
    ----------
    moments : SecondMoments
    rarer : ndarray of shape (K, 1)
        The weight of the samples on the rarer side of each neuron.
    alpha : float

    Returns
    -------
    ndarray of shape (K, d + 1)
        For the weights, it is that of the derivative with centred features. It may be infinite.
    """
    with np.errstate(over="ignore"):
        # For features that are zero, alpha stands in for the curvature of the samples.
        of_weights = np.hypot(rarer * moments.scales, np.sqrt(rarer * alpha))
    return np.hstack([of_weights, rarer])


def next_due(step: int, last_step: int, strides: Sequence[int], offset: int = 0) -> int:
    """Return the first step after `step` that is due, as in `Training.walk`."""
    return min([last_step, *(step + stride - (step - offset) % stride for stride in strides)])


def as_model(models: Models, k: int, samples: AnySamples) -> Model:
    """Return model k, a neuron or a layer, with weights in the dtype of the samples."""
    rows = models.parameters[k].reshape(-1, samples.num_features + 1)
    if isinstance(samples, SparseSamples):
        rows = samples.scatter(rows)
    weights, bias = rows[:, :-1].astype(samples.dtype), rows[:, -1].copy()
    is_layer = len(rows) > 1
    return Model(
        weights if is_layer else weights[0], bias if is_layer else bias.item(),
        int(models.step[k]),
        accuracy(models.wrong[k], samples.total_weight), float(models.cost[k]),
    )  # fmt: skip


def accuracy(wrong: float, total_weight: float) -> float:
    """Return the share of the weight of all samples that is not on the wrong side.

    It is exactly 1 if no sample is wrong, regardless of the order of additions.
    """
    return max(0.0, float((total_weight - wrong) / total_weight))
