"""The training runs of one fit: neurons of their own, or a layer of neurons with a softmax."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial, reduce
from operator import add
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _diagnostics
from .._checkpoint import AdvanceTo, Checkpoint, running
from .._engine.passes import AnyPass
from .._engine.second_moments import (
    SecondMoments,
    infinite_alpha,
    infinite_squares,
    infinite_weights,
)
from .._engine.shards import AnySamples, Shards, pass_over
from .._engine.solvers import LBFGS, GradientDescent, Solver, State
from .._engine.sparse_moments import SparseMoments
from .._engine.sparse_samples import SparseSamples
from .._losses import LOG, Loss
from .._results import Model
from .._training import as_model, next_due, sizes_of_derivatives
from .._typing import Float64Array, FloatArray
from .callbacks import Tasks
from .options import Options
from .recording import Recorder

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

# L-BFGS first drafts a neuron on a part of the samples, one in this many, if there are enough in
# all, for each parameter, and on the rarer side of the neuron. With fewer, a draft is too far from
# the result, or takes longer than it saves.
_DRAFT_EVERY = 16
_DRAFT_SAMPLES = 2**16
_DRAFT_SAMPLES_PER_PARAMETER = 2048
_DRAFT_RARER_SAMPLES_PER_PARAMETER = 256

# The cost for each sample of the rarer side below which a neuron has nearly all samples right.
_LOW_COST = 0.02

# The `tol` of a draft by the log loss. It need not be precise, since it only chooses a minimum.
_LOG_DRAFT_TOL = 0.03

# The least `tol` of a draft on a part, as its minimum is only about this close to that of all.
_DRAFT_TOL = 1e-4

# The largest sum of weights that are shares of 1, with some room for rounding.
_MOST_OF_SHARES = 1.0 + 1e-6

# The factor s in the step size for a piece (`partial_fit`). Over 60 rounds of single samples, 3
# makes the weights of breast cancer 4 % too large, and 5 makes them 6 % too small.
_SPREAD_OF_PIECES = 4.0

# Each call of the callbacks leaves a task in memory. A run of gradient descent therefore makes at
# most this many calls.
_MOST_STRETCHES = 100


class Trained(NamedTuple):
    """A neuron or a layer after its training.

    Attributes
    ----------
    model : Model
        The model that is kept.
    curve : ndarray of shape (num_steps + 1,)
        The cost at the start and after each step.
    models : list of Model
        The recorded models.
    reason : str
        The reason for stopping.
    ending : Ending
        How the run ended, for the rules that look for what went wrong.
    is_from_zero : bool
        Whether training started at zero.
    separates : bool
        Whether the last state has all samples on the right side.
    """

    model: Model
    curve: Float64Array
    models: list[Model]
    reason: Reason
    ending: _diagnostics.Ending
    is_from_zero: bool
    separates: bool


class Neurons:
    """The neurons of one fit, and their training.

    With two classes, there is one neuron, for the second class. With more, there is one for each
    class. Either each is a model of its own, which tells its class from the rest, or all are one
    model: a layer with a softmax.

    Parameters
    ----------
    options : Options
    samples : Shards or SparseSamples
    first : ndarray of shape (num_neurons, d + 1)
        The first start.
    penalty_share : float, default 1.0
        The share of the penalty that belongs to these samples.

    Attributes
    ----------
    alpha : float
        The strength of the penalty.
    """

    def __init__(
        self, options: Options, samples: AnySamples, first: Float64Array,
        penalty_share: float = 1.0,
    ) -> None:  # fmt: skip
        self._options, self._samples = options, samples
        self._moments: SecondMoments
        if isinstance(samples, SparseSamples):
            first = samples.gather(first)
            self._moments = SparseMoments(samples, options.fit_intercept, options.n_threads)
        else:
            self._moments = SecondMoments(samples, options.fit_intercept)
        self._first = first
        num_classes = samples.num_classes
        self._own_classes = np.array([1]) if num_classes == 2 else np.arange(num_classes)
        self._is_layer = options.multi_class == "softmax" and num_classes > 2
        loss = options.loss
        self._curvature = loss.layer_max_curvature if self._is_layer else loss.max_curvature
        alpha = options.alpha
        if alpha == "auto":
            default = loss.layer_alpha if self._is_layer else loss.alpha
            alpha = default * _mean_of_shares(samples)
        self.alpha = penalty_share * alpha

    @property
    def means_are_finite(self) -> bool:
        """Whether the means and the squares of all features are finite."""
        return bool(np.isfinite(self._moments.means).all())

    @property
    def total_weight(self) -> float:
        """The sum of the sample weights."""
        return self._moments.total

    @property
    def eta(self) -> float:
        """The step size of gradient descent."""
        return self._safe_eta() if self._options.eta == "auto" else self._options.eta

    def _safe_eta(self) -> float:
        return self._moments.safe_eta(self.alpha, self._curvature)

    def _flatness(self, classes: NDArray[np.intp], tol: float) -> dict[str, Float64Array]:
        """Return the solvers' arguments that tell up to which size derivatives count as zero.

        When nearly all samples are right, their derivatives are as small as the cost, and so the
        limits must be.
        """
        samples = self._samples
        own = samples.class_weights[classes]
        rarer = np.minimum(own, samples.total_weight - own)
        # With one class, or without a penalty, the cost may have no minimum to come close to.
        low_costs = _LOW_COST * rarer if self.alpha > 0.0 else np.zeros(len(rarer))
        rarer = np.where(rarer > 0.0, rarer, samples.total_weight)[:, None]
        sizes = sizes_of_derivatives(self._moments, rarer, self.alpha)
        if not np.isfinite(sizes).all():  # any derivative would count as zero
            if not np.isfinite(self._moments.scales).all():
                raise infinite_squares()
            of_samples = sizes_of_derivatives(self._moments, rarer, 0.0)
            raise infinite_alpha() if np.isfinite(of_samples).all() else infinite_weights()
        limits = tol * sizes
        return {
            "limits": limits.reshape(-1, limits.shape[1] * self._neurons_per_model),
            "low_costs": low_costs.reshape(-1, self._neurons_per_model).min(axis=1),
        }

    @property
    def num_stretches(self) -> int:
        """The largest number of stretches of steps in the fit; the first may have no step."""
        return max(1, -(-self._options.max_iter // self._stretch))

    @property
    def _stretch(self) -> int:
        """The number of steps between two calls of the callbacks."""
        if self._options.solver == "lbfgs":
            return 1
        return max(1, -(-self._options.max_iter // _MOST_STRETCHES))

    @property
    def _neurons_per_model(self) -> int:
        return len(self._own_classes) if self._is_layer else 1

    @property
    def _num_models(self) -> int:
        return len(self._own_classes) // self._neurons_per_model

    def _starts(self) -> Float64Array:
        """Return the starts of each model, (num_models, n_init, size): the first, then random ones.

        The size is d + 1 for a neuron, and as many for each neuron of a layer.
        """
        side = self._first.shape[1]
        first = self._first.reshape(self._num_models, 1, -1)
        if self._options.n_init == 1:
            return first
        num_drawn = self._options.n_init - 1
        size = self._num_models, num_drawn, self._neurons_per_model, side
        draws = _SPREAD_OF_STARTS * self._options.random_state.standard_normal(size)
        scales = self._moments.scales
        draws[..., :-1] /= np.sqrt(side - 1) * np.where(scales > 0.0, scales, np.inf)
        draws[..., -1] -= (draws[..., :-1] * self._moments.means).sum(axis=-1)
        draws[..., -1] *= self._options.fit_intercept
        return np.concatenate([first, draws.reshape(self._num_models, num_drawn, -1)], axis=1)

    def step(self, rounds: int) -> tuple[list[Model], float]:
        """Make one step of gradient descent with each model, on a piece of the data.

        Parameters
        ----------
        rounds : int
            How often the piece has been seen.

        Returns
        -------
        models : list of num_models Model
        eta : float
            The step size used.
        """
        eta = self._eta_of_piece(rounds) if self._options.eta == "auto" else self._options.eta
        solver = self._descent(self._own_classes, eta, limits=-1.0, means=0.0)
        self._start(solver, self._first.reshape(self._num_models, -1))
        solver.advance(1)
        for k in np.flatnonzero(solver.state == State.DIVERGED):
            _diagnostics.warn_of_divergence(int(solver.last.step[k]), eta, self._safe_eta)
        return [as_model(solver.last, k, self._samples) for k in range(self._num_models)], eta

    def _eta_of_piece(self, rounds: int) -> float:
        """Return the step size for a piece: 2 / (L + s R t / m).

        L is the bound on the curvature of the cost of the piece, R the mean bound on that of a
        sample, m the weight of the samples, and t the number of rounds. So the step size is below
        2/L, with which the cost of the piece does not rise. The gradients of small pieces differ
        from each other, so their steps must get smaller with each round.
        """
        moments = self._moments
        with np.errstate(over="ignore"):  # a step of size 0 is as good as any for such features
            mean_square = float((moments.means**2 + moments.scales**2).sum())
        mean_square += self._options.fit_intercept
        spread = self._curvature * mean_square / moments.total
        return 2.0 / (1.0 / self._safe_eta() + _SPREAD_OF_PIECES * rounds * spread)

    def train(self, tasks: Tasks | None, checkpoint: Checkpoint | None = None) -> list[Trained]:
        """Train each model from each of its starts, and keep the run with the lowest cost.

        Parameters
        ----------
        tasks : Tasks or None
            The callbacks to keep informed.
        checkpoint : Checkpoint, default None
            The file to which the runs are saved, and from which they continue.

        Returns
        -------
        list of num_models Trained
        """
        starts = self._starts()
        if checkpoint is not None and self._options.random_state is np.random:
            starts[:, 1:] = checkpoint.drawn_start(starts)[:, 1:]
        num_models, num_starts, size = starts.shape
        classes = self._classes_of_runs(num_starts)
        solver = self._solver(classes, starts.reshape(-1, size), checkpoint)
        self._current: Callable[[], list[Model]] = partial(
            self._lowest_of_each, solver, num_models, num_starts
        )
        names = self._names(num_models, num_starts) if self._options.verbose else None
        saved = None if checkpoint is None else checkpoint.record
        recorder = Recorder(solver, self._samples, self._options.record_every, names, saved)
        with running(checkpoint, solver, recorder.arrays) as advance_to:
            stopped = self._run(solver, recorder, tasks, advance_to)
        runs = [
            self._trained(solver, recorder, k, stopped, is_from_zero=not start.any())
            for k, start in enumerate(starts.reshape(-1, size))
        ]
        trained = [
            min(runs[k : k + num_starts], key=lambda run: run.model.cost)
            for k in range(0, len(runs), num_starts)
        ]
        self._current = lambda: [run.model for run in trained]
        if tasks is not None:
            tasks.end()
        return trained

    def _classes_of_runs(self, num_starts: int) -> NDArray[np.intp]:
        """Return the class of each neuron of each run; the runs of a model follow each other."""
        if self._is_layer:
            return np.tile(self._own_classes, num_starts)
        return np.repeat(self._own_classes, num_starts)

    def _lowest_of_each(self, solver: Solver, num_models: int, num_starts: int) -> list[Model]:
        """Return the last state of each model, from the start where it costs least."""
        best = solver.last.cost.reshape(num_models, num_starts).argmin(axis=1)
        return [
            as_model(solver.last, num_starts * k + int(start), self._samples)
            for k, start in enumerate(best)
        ]

    def coefficients(self) -> tuple[FloatArray, FloatArray]:
        """Return the current weights (num_neurons, d) and biases (num_neurons,)."""
        return coefficients_of(self._current(), self._samples.dtype)

    def _solver(
        self, classes: NDArray[np.intp], starts: Float64Array, checkpoint: Checkpoint | None
    ) -> Solver:
        """Return a solver at its starts or where it was saved, for neurons of these classes."""
        options = self._options
        if options.solver == "gd":
            flatness = self._flatness(classes, options.tol)
            descent = self._descent(classes, self.eta, means=self._means, **flatness)
            self._start(descent, starts)
            if checkpoint is not None:
                checkpoint.begin(descent)
            return descent
        self._preconditioner = self._moments.preconditioner(self.alpha, self._curvature)
        solver = self._lbfgs(self._samples, classes, options.tol)
        self._start(solver, starts)
        continues = checkpoint is not None and checkpoint.begin(solver)
        if options.max_iter > 0 and not continues:
            self._draft(solver, classes, starts)
        return solver

    def _draft(self, solver: LBFGS, classes: NDArray[np.intp], starts: Float64Array) -> None:
        """Let a solver at its starts begin where a quicker one ends, if that helps."""
        samples = self._samples
        models = np.empty(0, np.intp)
        if isinstance(samples, Shards):
            enough = _have_enough_samples(samples, classes).reshape(len(starts), -1).all(axis=1)
            models = np.flatnonzero(enough)
        if isinstance(samples, SparseSamples) or len(models) == 0:
            self._draft_by_log_loss(solver, samples, starts)
            return
        part = samples.take_part(_DRAFT_EVERY)
        of_models = classes.reshape(len(starts), -1)[models].ravel()
        draft = self._lbfgs(part, of_models, max(self._options.tol, _DRAFT_TOL))
        draft.start(np.ascontiguousarray(starts[models]))
        self._draft_by_log_loss(draft, part, starts[models])
        draft.advance(self._options.max_iter)
        solver.adopt(draft, models)

    def _draft_by_log_loss(self, solver: LBFGS, samples: AnySamples, starts: Float64Array) -> None:
        """Let a layer that starts at zero begin near the minimum of the log loss.

        The quadratic cost of a layer has several minima. With rare classes and with samples far
        from the boundaries, this start leads to lower ones than zero. It takes 1.1 to 1.3 times as
        long (`benchmarks/starts.py`).
        """
        models = np.flatnonzero(~starts.any(axis=1))
        if not self._is_layer or self._options.loss is LOG or len(models) == 0:
            return
        classes = np.tile(self._own_classes, len(models))
        # A penalty as strong beside the larger curvature of the log loss.
        alpha = self.alpha * LOG.max_curvature / self._options.loss.max_curvature
        draft = self._lbfgs(samples, classes, _LOG_DRAFT_TOL, LOG, alpha)
        draft.start(np.ascontiguousarray(starts[models]))
        draft.advance(self._options.max_iter)
        solver.adopt(draft, models, with_pairs=False)  # another cost, another Hessian

    def _lbfgs(
        self, samples: AnySamples, classes: NDArray[np.intp], tol: float, loss: Loss | None = None,
        alpha: float | None = None,
    ) -> LBFGS:  # fmt: skip
        """Return a solver; by default, for the loss and the penalty that were asked for."""
        options = self._options
        return LBFGS(
            self._pass(samples, classes, loss or options.loss),
            alpha=self.alpha if alpha is None else alpha, intercept=options.fit_intercept,
            means=self._means, single=samples.dtype == np.float32,
            preconditioner=self._preconditioner, **self._flatness(classes, tol),
        )  # fmt: skip

    @property
    def _means(self) -> ArrayLike:
        return self._moments.means if self._options.fit_intercept else 0.0

    def _descent(
        self, classes: NDArray[np.intp], eta: float, means: ArrayLike, **flatness: ArrayLike
    ) -> GradientDescent:
        options = self._options
        return GradientDescent(
            self._pass(self._samples, classes, options.loss), eta=eta, alpha=self.alpha,
            intercept=options.fit_intercept, means=means,
            single=self._samples.dtype == np.float32, **flatness,
        )  # fmt: skip

    def _pass(self, samples: AnySamples, classes: NDArray[np.intp], loss: Loss) -> AnyPass:
        return pass_over(
            samples, classes, loss, softmax=self._is_layer, n_threads=self._options.n_threads
        )

    @staticmethod
    def _start(solver: Solver, starts: Float64Array) -> None:
        solver.start(np.ascontiguousarray(starts))
        if State.DIVERGED in solver.state.tolist():
            raise _diagnostics.infinite_start("X")

    def _names(self, num_models: int, num_starts: int) -> list[str]:
        """Return what the lines of progress of each run begin with."""
        models = [f"neuron {k + 1} of {num_models}" for k in range(num_models)]
        if self._is_layer:
            models = [f"layer of {len(self._own_classes)} neurons"]
        starts = [f", start {i + 1} of {num_starts}" for i in range(num_starts)]
        return [model + (start if num_starts > 1 else "") for model in models for start in starts]

    def _run(
        self, solver: Solver, recorder: Recorder, tasks: Tasks | None, advance_to: AdvanceTo
    ) -> bool:
        """Run the solver to its end, and return whether a callback stopped it."""
        strides = recorder.strides if tasks is None else [*recorder.strides, self._stretch]
        if tasks is not None:
            tasks.begin()
        step, last_step, stopped = recorder.step, self._options.max_iter, False
        while not stopped and step < last_step and State.RUNNING in solver.state.tolist():
            step = next_due(step, last_step, strides)
            advance_to(step)
            recorder()
            if tasks is not None and step % self._stretch == 0:
                stopped = tasks.next_stretch()
        if tasks is not None and step == 0:
            # A fit without steps has a first stretch, too, as in LogisticRegression.
            tasks.next_stretch()
        recorder()  # for a run that was saved after its last step, but before that was recorded
        return stopped

    def _trained(
        self, solver: Solver, recorder: Recorder, k: int, stopped: bool, is_from_zero: bool
    ) -> Trained:
        reason = _REASON_OF_STATE[int(solver.state[k])]
        if stopped and reason == "max_iter":
            reason = "callback"
        at_rest = reason in ("converged", "precision")
        ending = self._ending(solver, k, at_rest)
        if at_rest and ending.is_worse_than_a_guess:
            reason = "saturated"
        recorder.print_line(k, f" ({reason})")
        return Trained(
            as_model(getattr(solver, self._options.keep), k, self._samples), recorder.curve(k),
            recorder.models[k], reason, ending, is_from_zero,
            separates=solver.last.wrong[k] == 0.0,
        )  # fmt: skip

    def _ending(self, solver: Solver, k: int, at_rest: bool) -> _diagnostics.Ending:
        return _diagnostics.Ending(
            num_steps=int(solver.last.step[k]), cost=float(solver.last.cost[k]),
            guess_cost=self._guess_cost(k // self._options.n_init),
            num_rises=int(solver.num_rises[k]),
            eta=self.eta if self._options.solver == "gd" else None, is_flat=lambda: at_rest,
            means=lambda: self._moments.means, scales=lambda: self._moments.scales,
            safe_eta=self._safe_eta,
        )  # fmt: skip

    def _guess_cost(self, model: int) -> float:
        """Return the cost of the best constant prediction of a model."""
        total = self._samples.total_weight
        shares = self._samples.class_weights / total
        if self._is_layer:
            if not self._options.fit_intercept:
                shares = np.full(len(shares), 1.0 / len(shares))
            return total * self._options.loss.layer_guess_cost(shares.tolist())
        own = self._samples.class_weights[self._own_classes[model]]
        if not self._options.fit_intercept and 0.0 < own < total:
            own = 0.5 * total
        return self._options.loss.cost_of_guess(own, total)

    def diagnose(self, trained: list[Trained]) -> None:
        """Warn about what went wrong in training.

        Steps that are too large may also saturate a neuron or keep it from its minimum, so these
        warnings are left out then.
        """
        options = self._options
        reasons = [neuron.reason for neuron in trained]
        is_without_minimum = (
            self.alpha == 0.0 and self._has_several_classes and any(t.separates for t in trained)
        )
        most_rises = max((t.ending for t in trained), key=lambda ending: ending.num_rises)
        if "diverged" in reasons:
            num_steps = trained[reasons.index("diverged")].ending.num_steps
            _diagnostics.warn_of_divergence(num_steps, self.eta, self._safe_eta)
        elif most_rises.has_too_large_steps:
            _diagnostics.warn_of_large_eta(most_rises)
        else:
            if "saturated" in reasons:
                saturated = trained[reasons.index("saturated")]
                tol = options.tol if saturated.is_from_zero else None
                _diagnostics.warn_of_saturation(saturated.ending, tol)
            if "max_iter" in reasons and not is_without_minimum:
                _diagnostics.warn_of_max_iter(trained[reasons.index("max_iter")].ending)
        if is_without_minimum:
            _diagnostics.warn_of_separation()

    @property
    def _has_several_classes(self) -> bool:
        return bool(np.count_nonzero(self._samples.class_weights) > 1)


def _have_enough_samples(samples: Shards, classes: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return whether each neuron has enough samples for a draft on a part of them."""
    n, side = samples.num_samples, samples.num_features + 1
    if n < max(_DRAFT_SAMPLES, _DRAFT_SAMPLES_PER_PARAMETER * side):
        return np.zeros(len(classes), np.bool_)
    own = samples.class_sizes[classes]
    enough: NDArray[np.bool_] = (
        np.minimum(own, n - own) >= _DRAFT_RARER_SAMPLES_PER_PARAMETER * side
    )
    return enough


def _mean_of_shares(samples: AnySamples) -> float:
    """Return the mean of the positive weights if all weights sum to 1 or less, and otherwise 1.

    Such weights are shares. With n samples, the penalty would be n times as strong beside them.
    """
    total = samples.total_weight
    return total / samples.num_weighted if total <= _MOST_OF_SHARES else 1.0


def coefficients_of(models: Iterable[Model], dtype: np.dtype[Any]) -> tuple[FloatArray, FloatArray]:
    """Return the weights (num_neurons, d) and biases (num_neurons,) of all models together."""
    weights = np.vstack([m.weights for m in models])
    return weights.astype(dtype), np.hstack([m.bias for m in models]).astype(dtype)


def worst_reason(trained: Iterable[Trained]) -> Reason:
    """Return the worst of the reasons for stopping."""
    return min((neuron.reason for neuron in trained), key=_REASONS.index)


def total_cost(models: Iterable[Model]) -> float:
    """Return the sum of the costs, rounded after each addition, unlike sum() since Python 3.12."""
    return reduce(add, (model.cost for model in models))


def total_curve(trained: Sequence[Trained]) -> Float64Array:
    """Return the total cost by step. A neuron whose training has ended keeps its last cost."""
    total = np.zeros(max(len(neuron.curve) for neuron in trained))
    for neuron in trained:
        total[: len(neuron.curve)] += neuron.curve
        total[len(neuron.curve) :] += neuron.curve[-1]
    return total
