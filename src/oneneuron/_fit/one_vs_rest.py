"""The training runs of one fit: one neuron for each class against the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property, reduce
from operator import add
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .. import _diagnostics
from .._engine.second_moments import SecondMoments, infinite_squares
from .._engine.solvers import Reason as SolverReason
from .._engine.solvers import gradient_descent, lbfgs
from .._engine.training import Training
from .._results import Model
from .._typing import Float64Array, FloatArray
from .callbacks import Tasks
from .options import Options
from .recording import Recorder

Reason: TypeAlias = SolverReason | Literal["saturated"]

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
    codes : ndarray of shape (n,)
        The index of each sample's class.
    num_classes : int
    sample_weight : ndarray of shape (n,), with the dtype of X, or None
    """

    def __init__(
        self, options: Options, X: FloatArray, codes: NDArray[np.intp], num_classes: int,
        sample_weight: FloatArray | None,
    ) -> None:  # fmt: skip
        self._options = options
        self._X, self._codes, self._sample_weight = X, codes, sample_weight
        self._positives: Sequence[int] = [1] if num_classes == 2 else range(num_classes)
        self._moments = SecondMoments(X, sample_weight, options.fit_intercept)

    @cached_property
    def _safe_eta(self) -> float:
        return self._moments.safe_eta(self._options.alpha, self._options.loss)

    @property
    def eta(self) -> float:
        """The step size of gradient descent."""
        return self._safe_eta if self._options.eta == "auto" else self._options.eta

    @cached_property
    def _preconditioner(self) -> Float64Array:
        return self._moments.preconditioner(self._options.alpha, self._options.loss)

    @cached_property
    def _limits(self) -> Float64Array:
        """The sizes up to which derivatives count as zero, by `tol`, of shape (d + 1,)."""
        total, scales = self._moments.total, self._moments.scales
        # For features that are zero, alpha stands in for the curvature of the samples.
        of_weights = np.hypot(total * scales, np.sqrt(total * self._options.alpha))
        if not np.isfinite(of_weights).all():  # any derivative would count as zero
            raise infinite_squares()
        return self._options.tol * np.append(of_weights, total)

    @property
    def num_trainings(self) -> int:
        """The number of training runs in the fit: one for each neuron and start."""
        return len(self._positives) * self._options.n_init

    @property
    def num_stretches(self) -> int:
        """The largest number of stretches of steps in a training run."""
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
        size = num_neurons, self._options.n_init - 1, side
        draws = _SPREAD_OF_STARTS * self._options.random_state.standard_normal(size)
        scales = self._moments.scales
        draws[..., :-1] /= np.sqrt(side - 1) * np.where(scales > 0.0, scales, np.inf)
        with np.errstate(invalid="ignore"):  # infinite means are refused later, with the squares
            draws[..., -1] -= draws[..., :-1] @ self._moments.means
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
        trainings = [self._training(k, start, self.eta, None) for k, start in enumerate(starts)]
        for training in trainings:
            training.advance(1)
            if training.diverged:
                _diagnostics.warn_of_divergence(training.step, self.eta)
        return [training.model() for training in trainings]

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
        eta = self.eta if self._options.solver == "gd" else 0.0  # L-BFGS chooses its own steps
        self._models: list[Model | Training] = [
            Model(start[:-1], start[-1], 0, 0.0, 0.0) for start in starts[:, 0]
        ]
        if tasks is not None:
            tasks.begin()
        trained = []
        for k, neuron_starts in enumerate(starts):
            training = self._models[k] = self._training(k, neuron_starts[0], eta, self._limits)
            runs = [self._run(k, training, tasks)]
            for start in neuron_starts[1:]:
                training.restart(start)
                _refuse_infinite_start(training)
                runs.append(self._run(k, training, tasks))
            trained.append(min(runs, key=lambda run: run.model.cost))
            self._models[k] = trained[k].model
        if tasks is not None:
            tasks.end()
        return trained

    def coefficients(self) -> tuple[FloatArray, FloatArray]:
        """Return the current weights (num_neurons, d) and biases (num_neurons,)."""
        models = [m.model() if isinstance(m, Training) else m for m in self._models]
        return coefficients_of(models, self._X.dtype)

    def _training(
        self, k: int, start: Float64Array, eta: float, limits: Float64Array | None
    ) -> Training:
        options = self._options
        training = Training(
            self._X, self._codes == self._positives[k], start, eta=eta, limits=limits,
            sample_weight=self._sample_weight, alpha=options.alpha, loss=options.loss,
            fit_intercept=options.fit_intercept, n_threads=options.n_threads,
        )  # fmt: skip
        _refuse_infinite_start(training)
        return training

    def _run(self, k: int, training: Training, tasks: Tasks | None) -> TrainedNeuron:
        """Run the solver from the start of the training to its end."""
        options = self._options
        name = f"neuron {k + 1} of {len(self._models)}," if options.verbose else None
        should_stop = None if tasks is None else tasks.next_stretch
        recorder = Recorder(training, options.record_every, name, should_stop, self._stretch)
        if tasks is not None:
            tasks.begin_training()
        reason: Reason
        if options.solver == "lbfgs":
            num_steps, reason = lbfgs(training, self._preconditioner, options.max_iter, recorder)
        else:
            num_steps, reason = gradient_descent(
                training, options.max_iter, recorder, recorder.strides
            )
        if tasks is not None:
            tasks.end_training()
        at_rest = reason in ("converged", "precision")
        if at_rest and _diagnostics.is_saturated(training.model().cost, self._guess_cost(k)):
            reason = "saturated"
        if name is not None:
            recorder.print_line(num_steps, f" ({reason})")
        kept = training.model(options.keep)
        return TrainedNeuron(kept, recorder.curve, recorder.models, num_steps, reason)

    def _guess_cost(self, k: int) -> float:
        """Return the cost of the best constant prediction of a neuron."""
        is_positive = self._codes == self._positives[k]
        u = self._sample_weight
        positive = is_positive.sum() if u is None else u[is_positive].sum(dtype=np.float64)
        share: float = positive / self._moments.total
        if share in (0.0, 1.0):
            return 0.0
        if not self._options.fit_intercept:
            share = 0.5
        return self._moments.total * self._options.loss.guess_cost(share)

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
            _diagnostics.warn_of_large_eta(self.eta, self._safe_eta, rises[worst], num_steps)
        elif "max_iter" in reasons:
            scales = self._moments.scales if options.solver == "gd" else None
            _diagnostics.warn_of_max_iter(options.max_iter, scales)

    def _is_far_above_safe(self) -> bool:
        return self.eta > _FAR_ABOVE_SAFE * self._safe_eta


def _refuse_infinite_start(training: Training) -> None:
    if training.diverged:
        raise _diagnostics.infinite_start("X")


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
