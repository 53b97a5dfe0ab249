"""A gradient descent in progress, which its caller watches step by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from .._losses import QUADRATIC
from .._results import Descent, Model, as_history
from .._typing import Float64Array, Which
from .shards import AnySamples, Shards, pass_over
from .solvers import GradientDescent, Models, State
from .sparse_samples import SparseSamples

_NEVER = -1.0  # a limit that no derivative is within


class Training:
    """Gradient descent of one neuron on the quadratic cost, of class 1 against class 0.

    The start is scored at once, as step 0.

    Parameters
    ----------
    samples : Shards
    start : ndarray of shape (d + 1,), float64
        The weights and the bias, the bias last.
    eta : float
        The step size.
    alpha : float, default 0.0

    Attributes
    ----------
    eta : float
    """

    def __init__(
        self, samples: Shards, start: Float64Array, *, eta: float, alpha: float = 0.0
    ) -> None:
        self.eta = eta
        self._samples = samples
        self._solver = GradientDescent(
            pass_over(samples, [1], QUADRATIC), eta=eta, alpha=alpha, intercept=True,
            limits=_NEVER, means=0.0, single=samples.dtype == np.float32,
        )  # fmt: skip
        self._solver.start(start[None])

    @property
    def parameters(self) -> Float64Array:
        """The weights and the bias, of shape (d + 1,), in float64."""
        parameters: Float64Array = self._solver.last.parameters[0].copy()
        return parameters

    @property
    def step(self) -> int:
        """The number of updates made so far."""
        return int(self._solver.last.step[0])

    @property
    def diverged(self) -> bool:
        """True if the next step would have infinite parameters or an infinite cost."""
        return bool(self._solver.state[0] == State.DIVERGED)

    @property
    def best_accuracy(self) -> float:
        """The highest accuracy so far."""
        return accuracy(self._solver.best.wrong[0], self._samples.total_weight)

    def walk(self, last_step: int, strides: Sequence[int] = (), offset: int = 0) -> Iterator[int]:
        """Descend to `last_step`, pausing on the way to yield each step that is due.

        A step is due if it is `offset` plus a multiple of a stride, or the last. The steps end
        early if the training diverges.

        Parameters
        ----------
        last_step : int
        strides : sequence of int
        offset : int, default 0

        Yields
        ------
        step : int
            The step reached, greater than the one yielded before.
        """
        while self.step < last_step and not self.diverged:
            before = self.step
            self.advance(next_due(before, last_step, strides, offset) - before)
            if self.step > before:
                yield self.step

    def advance(self, num_steps: int) -> None:
        """Make `num_steps` steps of gradient descent, or fewer if it diverges."""
        self._solver.advance(num_steps)

    def model(self, which: Which = "last") -> Model:
        """Return a model of the training so far.

        Parameters
        ----------
        which : {"last", "best", "lowest"}, default "last"
        """
        return as_model(getattr(self._solver, which), 0, self._samples)

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
