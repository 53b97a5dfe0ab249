"""The neurons of one fit, each against the rest: their starts, their descents, what went wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property, reduce
from operator import add
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from . import diagnostics
from ._typing import Draws, Float64Array, FloatArray
from .curvature import SecondMoments
from .recording import Recording
from .results import Model
from .solvers import Reason as SolverReason
from .solvers import descend, lbfgs
from .training import Training

if TYPE_CHECKING:
    from .callbacks import Tasks
    from .classifier import NeuronClassifier

Reason: TypeAlias = SolverReason | Literal["saturated"]

# Why a descent stopped, the worst first.
_REASONS: tuple[Reason, ...] = (
    "diverged", "saturated", "max_iter", "callback", "precision", "converged",
)  # fmt: skip

# The standard deviation of w.x, and of the bias, over the starts that are drawn. On data with far
# outliers 10 ends at lower costs than 3 and takes less time than 30 (`benchmarks/label_noise.py`).
_SPREAD_OF_STARTS = 10.0

# A step so many times 1/L is no longer a matter of a cautious bound.
_FAR_BEYOND_SAFE = 4.0

# A descent calls the callbacks so many times at most, as each call leaves a task behind.
_STRETCHES = 100


class Trained(NamedTuple):
    """A neuron after its descent.

    Attributes
    ----------
    model : Model
        What was kept of it.
    curve : ndarray of shape (num_steps + 1,)
        The cost at the start and after each step.
    models : list of Model
        What was recorded.
    num_steps : int
    reason : str
    """

    model: Model
    curve: Float64Array
    models: list[Model]
    num_steps: int
    reason: Reason


class Neurons:
    """One neuron for each class against the rest; for two classes one, for the second.

    Parameters
    ----------
    options : NeuronClassifier
        Only its parameters are read.
    X : ndarray of shape (n, d), float32 or float64
    codes : ndarray of shape (n,)
        Which class each sample is of, from 0 on.
    num_classes : int
    weights : ndarray of shape (n,), of the dtype of X, or None
    """

    def __init__(
        self, options: NeuronClassifier, X: FloatArray, codes: NDArray[np.intp], num_classes: int,
        weights: FloatArray | None,
    ) -> None:  # fmt: skip
        self._options = options
        self._X, self._codes, self._weights = X, codes, weights
        self._classes: Sequence[int] = [1] if num_classes == 2 else range(num_classes)
        self._moments = SecondMoments(X, weights, options.fit_intercept)

    @cached_property
    def _safe_eta(self) -> float:
        return self._moments.safe_eta(self._options.alpha, self._options.loss)

    @property
    def eta(self) -> float:
        """The step size of the descent."""
        return self._safe_eta if self._options.eta == "auto" else self._options.eta

    @cached_property
    def _preconditioner(self) -> Float64Array:
        return self._moments.preconditioner(self._options.alpha, self._options.loss)

    @cached_property
    def _limits(self) -> Float64Array:
        """Where a derivative is flat, in each feature's own unit: see `tol`."""
        total, scales = self._moments.total, self._moments.scales
        # alpha counts as a sample that curves the cost, for features that are zero.
        of_weights = np.hypot(total * scales, np.sqrt(total * self._options.alpha))
        if not np.isfinite(of_weights).all():  # or any derivative would be flat
            raise ValueError("tol needs features whose squares are finite: scale X.")
        return self._options.tol * np.append(of_weights, total)

    @property
    def task_stride(self) -> int:
        """Steps between two calls of the callbacks."""
        return 1 if self._options.solver == "lbfgs" else -(-self._options.max_iter // _STRETCHES)

    def starts(self, first: Float64Array, random_state: Draws) -> Float64Array:
        """Starts of each neuron, (num_neurons, n_init, d + 1), the first of each given."""
        num_neurons, side = first.shape
        size = num_neurons, self._options.n_init - 1, side
        draws = _SPREAD_OF_STARTS * random_state.standard_normal(size)
        scales = self._moments.scales
        draws[..., :-1] /= np.sqrt(side - 1) * np.where(scales > 0.0, scales, np.inf)
        with np.errstate(invalid="ignore"):  # infinite means are refused with the squares
            draws[..., -1] -= draws[..., :-1] @ self._moments.means
        draws[..., -1] *= self._options.fit_intercept
        return np.concatenate([first[:, None], draws], axis=1)

    def step(self, starts: Float64Array) -> list[Model]:
        """Make one step of the descent from starts (num_neurons, d + 1); give the models."""
        trainings = [self._training(k, start, self.eta, None) for k, start in enumerate(starts)]
        for training in trainings:
            training.advance(1)
            if training.diverged:
                diagnostics.warn_of_divergence(training.step, self.eta)
        return [training.model() for training in trainings]

    def train(self, starts: Float64Array, tasks: Tasks | None) -> list[Trained]:
        """Train each neuron from each of its starts; give the `Trained` of lowest cost of each.

        `tasks` is a `callbacks.Tasks`, or None.
        """
        eta = self.eta if self._options.solver == "gd" else 0.0  # L-BFGS has steps of its own
        self._models: list[Model | Training] = [
            Model(start[:-1], start[-1], 0, 0.0, 0.0) for start in starts[:, 0]
        ]
        if tasks is not None:
            tasks.begin()
        trained = []
        for k, of_neuron in enumerate(starts):
            training = self._models[k] = self._training(k, of_neuron[0], eta, self._limits)
            runs = [self._descend(k, training, tasks)]
            for start in of_neuron[1:]:
                training.restart(start)
                _refuse_divergence(training)
                runs.append(self._descend(k, training, tasks))
            trained.append(min(runs, key=lambda run: run.model.cost))
            self._models[k] = trained[k].model
        if tasks is not None:
            tasks.end()
        return trained

    def coefficients(self) -> tuple[FloatArray, FloatArray]:
        """Weights (num_neurons, d) and biases (num_neurons,) as they are now."""
        models = [m.model() if isinstance(m, Training) else m for m in self._models]
        return coefficients_of(models, self._X.dtype)

    def _training(
        self, k: int, start: Float64Array, eta: float, limits: Float64Array | None
    ) -> Training:
        options = self._options
        training = Training(
            self._X, self._codes == self._classes[k], start, eta=eta, limits=limits,
            sample_weight=self._weights, alpha=options.alpha, loss=options.loss,
            fit_intercept=options.fit_intercept, n_threads=options.n_threads,
        )  # fmt: skip
        _refuse_divergence(training)
        return training

    def _descend(self, k: int, training: Training, tasks: Tasks | None) -> Trained:
        options = self._options
        name = f"neuron {k + 1} of {len(self._models)}," if options.verbose else None
        recording = Recording(training, options.record_every, name, tasks, self.task_stride)
        if tasks is not None:
            tasks.begin_training()
        reason: Reason
        if options.solver == "lbfgs":
            num_steps, reason = lbfgs(training, self._preconditioner, options.max_iter, recording)
        else:
            num_steps, reason = descend(training, options.max_iter, recording, recording.strides)
        if tasks is not None:
            tasks.end_training()
        at_rest = reason in ("converged", "precision")
        if at_rest and diagnostics.is_saturated(training.model().cost, self._guess_cost(k)):
            reason = "saturated"
        if name is not None:
            recording.print_line(num_steps, f" ({reason})")
        kept = training.model(options.keep)
        return Trained(kept, recording.curve, recording.models, num_steps, reason)

    def _guess_cost(self, k: int) -> float:
        """What the best constant answer of a neuron would cost."""
        is_own = self._codes == self._classes[k]
        own = is_own.sum() if self._weights is None else self._weights[is_own].sum(dtype=np.float64)
        total = self._moments.total
        share: float = own / total
        if share in (0.0, 1.0):
            return 0.0
        if not self._options.fit_intercept:
            share = 0.5
        if self._options.loss == "quadratic":
            return 0.5 * total * share * (1.0 - share)
        return total * float(entr(share) + entr(1.0 - share))

    def diagnose(self, trained: list[Trained]) -> None:
        """Warn of what went wrong in the descents."""
        options = self._options
        reasons = [neuron.reason for neuron in trained]
        if "diverged" in reasons:
            num_steps = trained[reasons.index("diverged")].num_steps
            diagnostics.warn_of_divergence(num_steps, self.eta)
        if "saturated" in reasons:
            diagnostics.warn_of_saturation()
        rises = [int(np.count_nonzero(t.curve[1:] > t.curve[:-1])) for t in trained]
        worst = np.argmax(rises)
        if options.solver == "gd" and rises[worst] > 0 and self._is_far_beyond_safe():
            num_steps = trained[worst].num_steps
            diagnostics.warn_of_large_eta(self.eta, self._safe_eta, rises[worst], num_steps)
        elif "max_iter" in reasons:
            scales = self._moments.scales if options.solver == "gd" else None
            diagnostics.warn_of_max_iter(options.max_iter, scales)

    def _is_far_beyond_safe(self) -> bool:
        return self.eta > _FAR_BEYOND_SAFE * self._safe_eta


def _refuse_divergence(training: Training) -> None:
    if training.diverged:
        raise ValueError(
            "X is too large for w.x + b to be finite: scale the features, or start from an init of "
            "smaller weights."
        )


def coefficients_of(models: Iterable[Model], dtype: np.dtype[Any]) -> tuple[FloatArray, FloatArray]:
    """Weights (num_neurons, d) and biases (num_neurons,) of one `Model` for each neuron."""
    return np.array([m.weights for m in models], dtype), np.array([m.bias for m in models], dtype)


def worst_reason(trained: Iterable[Trained]) -> Reason:
    """Why the descents stopped: the worst of all."""
    return min((neuron.reason for neuron in trained), key=_REASONS.index)


def total_cost(models: Iterable[Model]) -> float:
    """The cost of all neurons, added one after the other, which sum() no longer does."""
    return reduce(add, (model.cost for model in models))


def total_curve(trained: Sequence[Trained]) -> Float64Array:
    """The cost of all neurons by step; one that has come to its end keeps its last."""
    total = np.zeros(max(len(neuron.curve) for neuron in trained))
    for neuron in trained:
        total[: len(neuron.curve)] += neuron.curve
        total[len(neuron.curve) :] += neuron.curve[-1]
    return total
