"""The training runs of one fit: one neuron for each class against the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial, reduce
from operator import add
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _diagnostics
from .._engine.passes import as_num_threads, make_pass
from .._engine.samples import Samples, lay_out, take_part
from .._engine.second_moments import (
    SecondMoments,
    infinite_alpha,
    infinite_squares,
    infinite_weights,
)
from .._engine.sharing import Pass
from .._engine.solvers import LBFGS, GradientDescent, Solver, State
from .._engine.training import as_model, next_due
from .._results import Model
from .._typing import Float64Array, FloatArray
from .callbacks import Tasks
from .options import Options
from .recording import Recorder
from .validation import refuse_infinite

Reason: TypeAlias = Literal[
    "converged", "precision", "callback", "max_iter", "saturated", "diverged"
]

# Why a neuron has ended, by the state of its solver. One that could go on had no steps left.
_REASON_OF_STATE: dict[int, Reason] = {
    State.FLAT: "converged", State.PRECISION: "precision", State.RUNNING: "max_iter",
    State.DIVERGED: "diverged",
}  # fmt: skip

# The reasons for stopping, from worst to best.
_REASONS: tuple[Reason, ...] = (
    "diverged", "saturated", "max_iter", "callback", "precision", "converged",
)  # fmt: skip

# The standard deviation of w.x, and of the bias, over the random starts. On data with far outliers,
# 10 leads to lower costs than 3 and takes less time than 30 (`benchmarks/label_noise.py`).
_SPREAD_OF_STARTS = 10.0

# If the cost rises, there is a warning only for step sizes above this multiple of 1/L. Smaller ones
# may be fine, since the bound L is cautious.
_FAR_ABOVE_SAFE = 4.0

# L-BFGS first drafts a neuron on a part of the samples, one in this many, if there are enough in
# all, for each parameter, and on the rarer side of the neuron. With fewer, a draft is too far from
# the result, or takes longer than it saves.
_DRAFT_EVERY = 16
_DRAFT_SAMPLES = 2**16
_DRAFT_SAMPLES_PER_PARAMETER = 2048
_DRAFT_RARER_SAMPLES_PER_PARAMETER = 256

# The least `tol` of a draft. The minimum of a part is only about this close to that of all samples.
_DRAFT_TOL = 1e-4

# Each call of the callbacks leaves a task in memory. A run of gradient descent therefore makes at
# most this many calls.
_MOST_STRETCHES = 100


class TrainedNeuron(NamedTuple):
    """A neuron after its training.

    Attributes
    ----------
    model : Model
        The model that is kept.
    curve : ndarray of shape (num_steps + 1,)
        The cost at the start and after each step.
    models : list of Model
        The recorded models.
    num_steps : int
    reason : str
        The reason for stopping.
    """

    model: Model
    curve: Float64Array
    models: list[Model]
    num_steps: int
    reason: Reason


class OneVsRest:
    """One neuron for each class against the rest; with two classes, one neuron for the second.

    Parameters
    ----------
    options : Options
    X : ndarray of shape (n, d), float32 or float64
        It may hold infinities or NaN, which are refused.
    codes : ndarray of shape (n,)
        The index of each sample's class.
    num_classes : int
    sample_weight : ndarray of shape (n,), with the dtype of X, or None
    """

    def __init__(
        self, options: Options, X: FloatArray, codes: NDArray[np.integer[Any]], num_classes: int,
        sample_weight: FloatArray | None,
    ) -> None:  # fmt: skip
        self._options = options
        self._samples = lay_out(
            X, codes, num_classes, sample_weight, n_threads=as_num_threads(options.n_threads)
        )
        self._moments = SecondMoments(self._samples, options.fit_intercept, options.n_threads)
        if not np.isfinite(self._moments.means).all():
            refuse_infinite(X)  # but squares may be infinite even if X is not
        self._own_classes = np.array([1]) if num_classes == 2 else np.arange(num_classes)

    @property
    def eta(self) -> float:
        """The step size of gradient descent."""
        return self._safe_eta() if self._options.eta == "auto" else self._options.eta

    def _safe_eta(self) -> float:
        return self._moments.safe_eta(self._options.alpha, self._options.loss)

    def _limits(self, classes: NDArray[np.intp], tol: float) -> Float64Array:
        """Return the sizes up to which derivatives count as zero, of shape (K, d + 1).

        They are relative to the rarer side of each neuron, since only that can pull it away from
        the constant guess.
        """
        samples = self._samples
        own = samples.class_weights[classes]
        rarer = np.minimum(own, samples.total_weight - own)
        rarer = np.where(rarer > 0.0, rarer, samples.total_weight)[:, None]
        with np.errstate(over="ignore"):
            of_samples = rarer * self._moments.scales
            # For features that are zero, alpha stands in for the curvature of the samples.
            of_weights = np.hypot(of_samples, np.sqrt(rarer * self._options.alpha))
        if not np.isfinite(of_weights).all():  # any derivative would count as zero
            if not np.isfinite(self._moments.scales).all():
                raise infinite_squares()
            raise infinite_alpha() if np.isfinite(of_samples).all() else infinite_weights()
        return tol * np.hstack([of_weights, rarer])

    @property
    def num_stretches(self) -> int:
        """The largest number of stretches of steps in the fit."""
        return -(-self._options.max_iter // self._stretch)

    @property
    def _stretch(self) -> int:
        """The number of steps between two calls of the callbacks."""
        if self._options.solver == "lbfgs":
            return 1
        return -(-self._options.max_iter // _MOST_STRETCHES)

    def starts(self, first: Float64Array) -> Float64Array:
        """Return the starts of each neuron: the given one, then the random ones.

        Parameters
        ----------
        first : ndarray of shape (num_neurons, d + 1)

        Returns
        -------
        ndarray of shape (num_neurons, n_init, d + 1)
        """
        num_neurons, side = first.shape
        if self._options.n_init == 1:
            return first[:, None]
        size = num_neurons, self._options.n_init - 1, side
        draws = _SPREAD_OF_STARTS * self._options.random_state.standard_normal(size)
        scales = self._moments.scales
        draws[..., :-1] /= np.sqrt(side - 1) * np.where(scales > 0.0, scales, np.inf)
        draws[..., -1] -= (draws[..., :-1] * self._moments.means).sum(axis=-1)
        draws[..., -1] *= self._options.fit_intercept
        return np.concatenate([first[:, None], draws], axis=1)

    def step(self, starts: Float64Array) -> list[Model]:
        """Make one step of gradient descent with each neuron.

        Parameters
        ----------
        starts : ndarray of shape (num_neurons, d + 1)

        Returns
        -------
        list of num_neurons Model
        """
        solver = self._descent(self._own_classes, limits=-1.0, means=0.0)
        self._start(solver, starts)
        solver.advance(1)
        for k in np.flatnonzero(solver.state == State.DIVERGED):
            _diagnostics.warn_of_divergence(int(solver.last.step[k]), self.eta)
        return [as_model(solver.last, k, self._samples) for k in range(len(starts))]

    def train(self, starts: Float64Array, tasks: Tasks | None) -> list[TrainedNeuron]:
        """Train each neuron from each of its starts, and keep the run with the lowest cost.

        Parameters
        ----------
        starts : ndarray of shape (num_neurons, n_init, d + 1)
        tasks : Tasks or None
            The callbacks to keep informed.

        Returns
        -------
        list of num_neurons TrainedNeuron
        """
        num_neurons, num_starts, side = starts.shape
        classes = np.repeat(self._own_classes, num_starts)
        solver = self._solver(classes, starts.reshape(-1, side))
        self._current: Callable[[], list[Model]] = partial(
            self._lowest_of_each, solver, num_neurons, num_starts
        )
        names = self._names(num_neurons, num_starts) if self._options.verbose else None
        recorder = Recorder(solver, self._samples, self._options.record_every, names)
        stopped = self._run(solver, recorder, tasks)
        runs = [self._trained(solver, recorder, k, c, stopped) for k, c in enumerate(classes)]
        trained = [
            min(runs[k : k + num_starts], key=lambda run: run.model.cost)
            for k in range(0, len(runs), num_starts)
        ]
        self._current = lambda: [neuron.model for neuron in trained]
        if tasks is not None:
            tasks.end()
        return trained

    def _lowest_of_each(self, solver: Solver, num_neurons: int, num_starts: int) -> list[Model]:
        """Return the last model of each neuron, from the start with the lowest cost so far."""
        best = solver.last.cost.reshape(num_neurons, num_starts).argmin(axis=1)
        return [
            as_model(solver.last, num_starts * k + int(start), self._samples)
            for k, start in enumerate(best)
        ]

    def coefficients(self) -> tuple[FloatArray, FloatArray]:
        """Return the current weights (num_neurons, d) and biases (num_neurons,)."""
        return coefficients_of(self._current(), self._samples.dtype)

    def _solver(self, classes: NDArray[np.intp], starts: Float64Array) -> Solver:
        """Return a solver at its starts, for a neuron of each of the classes."""
        options = self._options
        if options.solver == "gd":
            descent = self._descent(classes, self._limits(classes, options.tol), self._means)
            self._start(descent, starts)
            return descent
        preconditioner = self._moments.preconditioner(options.alpha, options.loss)
        solver = self._lbfgs(self._samples, classes, options.tol, preconditioner)
        self._start(solver, starts)
        self._draft(solver, classes, starts, preconditioner)
        return solver

    def _draft(
        self, solver: LBFGS, classes: NDArray[np.intp], starts: Float64Array,
        preconditioner: Float64Array,
    ) -> None:  # fmt: skip
        """Let the solver begin with the minimum of a part of the samples, if there are enough."""
        neurons = self._neurons_to_draft(classes)
        if len(neurons) > 0:
            part = take_part(self._samples, _DRAFT_EVERY)
            tol = max(self._options.tol, _DRAFT_TOL)
            draft = self._lbfgs(part, classes[neurons], tol, preconditioner)
            draft.start(np.ascontiguousarray(starts[neurons]))
            draft.advance(self._options.max_iter)
            solver.adopt(draft, neurons)

    def _neurons_to_draft(self, classes: NDArray[np.intp]) -> NDArray[np.int64]:
        """Return the neurons that have enough samples for a draft."""
        n, side = self._samples.num_samples, self._samples.num_features + 1
        if n < max(_DRAFT_SAMPLES, _DRAFT_SAMPLES_PER_PARAMETER * side):
            return np.empty(0, np.int64)
        own = self._samples.class_sizes[classes]
        rarer = np.minimum(own, n - own)
        return np.flatnonzero(rarer >= _DRAFT_RARER_SAMPLES_PER_PARAMETER * side)

    def _lbfgs(
        self, samples: Samples, classes: NDArray[np.intp], tol: float,
        preconditioner: Float64Array,
    ) -> LBFGS:  # fmt: skip
        options = self._options
        return LBFGS(
            self._pass(samples, classes), alpha=options.alpha, intercept=options.fit_intercept,
            limits=self._limits(classes, tol), means=self._means,
            single=samples.dtype == np.float32, preconditioner=preconditioner,
        )  # fmt: skip

    @property
    def _means(self) -> ArrayLike:
        return self._moments.means if self._options.fit_intercept else 0.0

    def _descent(
        self, classes: NDArray[np.intp], limits: ArrayLike, means: ArrayLike
    ) -> GradientDescent:
        options = self._options
        return GradientDescent(
            self._pass(self._samples, classes), eta=self.eta, alpha=options.alpha,
            intercept=options.fit_intercept, limits=limits, means=means,
            single=self._samples.dtype == np.float32,
        )  # fmt: skip

    def _pass(self, samples: Samples, classes: NDArray[np.intp]) -> Pass:
        options = self._options
        return make_pass(samples, classes, options.loss, n_threads=options.n_threads)

    @staticmethod
    def _start(solver: Solver, starts: Float64Array) -> None:
        solver.start(np.ascontiguousarray(starts))
        if State.DIVERGED in solver.state.tolist():
            raise _diagnostics.infinite_start("X")

    @staticmethod
    def _names(num_neurons: int, num_starts: int) -> list[str]:
        """Return what the lines of progress of each run begin with."""
        return [
            f"neuron {k + 1} of {num_neurons}"
            + (f", start {i + 1} of {num_starts}" if num_starts > 1 else "")
            for k in range(num_neurons)
            for i in range(num_starts)
        ]

    def _run(self, solver: Solver, recorder: Recorder, tasks: Tasks | None) -> bool:
        """Run the solver to its end, and return whether a callback stopped it."""
        strides = recorder.strides if tasks is None else [*recorder.strides, self._stretch]
        if tasks is not None:
            tasks.begin()
        step, last_step, stopped = 0, self._options.max_iter, False
        while not stopped and step < last_step and State.RUNNING in solver.state.tolist():
            due = next_due(step, last_step, strides)
            solver.advance(due - step)
            step = due
            recorder()
            if tasks is not None and step % self._stretch == 0:
                stopped = tasks.next_stretch()
        return stopped

    def _trained(
        self, solver: Solver, recorder: Recorder, k: int, own_class: int, stopped: bool
    ) -> TrainedNeuron:
        reason = _REASON_OF_STATE[int(solver.state[k])]
        if stopped and reason == "max_iter":
            reason = "callback"
        at_rest = reason in ("converged", "precision")
        if at_rest and _diagnostics.is_saturated(solver.last.cost[k], self._guess_cost(own_class)):
            reason = "saturated"
        recorder.print_line(k, f" ({reason})")
        return TrainedNeuron(
            as_model(getattr(solver, self._options.keep), k, self._samples), recorder.curve(k),
            recorder.models[k], int(solver.last.step[k]), reason,
        )  # fmt: skip

    def _guess_cost(self, own_class: int) -> float:
        """Return the cost of the best constant prediction of a neuron."""
        total = self._samples.total_weight
        share = self._samples.class_weights[own_class] / total
        if share in (0.0, 1.0):
            return 0.0
        if not self._options.fit_intercept:
            share = 0.5
        return total * self._options.loss.guess_cost(share)

    def diagnose(self, trained: list[TrainedNeuron]) -> None:
        """Warn about what went wrong in training."""
        options = self._options
        reasons = [neuron.reason for neuron in trained]
        if "diverged" in reasons:
            num_steps = trained[reasons.index("diverged")].num_steps
            _diagnostics.warn_of_divergence(num_steps, self.eta)
        if "saturated" in reasons:
            _diagnostics.warn_of_saturation()
        rises = [int(np.count_nonzero(t.curve[1:] > t.curve[:-1])) for t in trained]
        worst = np.argmax(rises)
        if options.solver == "gd" and rises[worst] > 0 and self._is_far_above_safe():
            num_steps = trained[worst].num_steps
            _diagnostics.warn_of_large_eta(self.eta, self._safe_eta(), rises[worst], num_steps)
        elif "max_iter" in reasons:
            scales = self._moments.scales if options.solver == "gd" else None
            _diagnostics.warn_of_max_iter(options.max_iter, scales)

    def _is_far_above_safe(self) -> bool:
        return self.eta > _FAR_ABOVE_SAFE * self._safe_eta()


def coefficients_of(models: Iterable[Model], dtype: np.dtype[Any]) -> tuple[FloatArray, FloatArray]:
    """Return the weights (num_neurons, d) and biases (num_neurons,), given one model per neuron."""
    return np.array([m.weights for m in models], dtype), np.array([m.bias for m in models], dtype)


def worst_reason(trained: Iterable[TrainedNeuron]) -> Reason:
    """Return the worst of the reasons for stopping."""
    return min((neuron.reason for neuron in trained), key=_REASONS.index)


def total_cost(models: Iterable[Model]) -> float:
    """Return the sum of the costs, rounded after each addition, unlike sum() since Python 3.12."""
    return reduce(add, (model.cost for model in models))


def total_curve(trained: Sequence[TrainedNeuron]) -> Float64Array:
    """Return the total cost by step. A neuron whose training has ended keeps its last cost."""
    total = np.zeros(max(len(neuron.curve) for neuron in trained))
    for neuron in trained:
        total[: len(neuron.curve)] += neuron.curve
        total[len(neuron.curve) :] += neuron.curve[-1]
    return total
