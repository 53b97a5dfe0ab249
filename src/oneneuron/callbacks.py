"""scikit-learn's callbacks during a fit, where the installed version has them (from 1.9 on).

Tasks form a tree: the fit, in it one for each training of a neuron, in that one for each stretch of
steps. A callback may stop the training that is under way from the end of a stretch.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar

from numpy.typing import ArrayLike

from ._typing import AnyArray

if TYPE_CHECKING:
    from .classifier import NeuronClassifier

_Fit = TypeVar("_Fit", bound=Callable[..., Any])

# A checker sees what is below alone: scikit-learn has no types, and would take those of `fit`.
if not TYPE_CHECKING and find_spec("sklearn.callback") is not None:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
else:

    class CallbackSupportMixin:
        """Nothing: this scikit-learn has no callbacks."""

    def with_callbacks(fit: _Fit) -> _Fit:
        """Return the method as it is."""
        return fit


class Tasks:
    """The tree of tasks of one fit, whose callbacks are told where it is.

    Parameters
    ----------
    estimator : NeuronClassifier with callbacks set
    X, y, sample_weight : array-like
        As they were given to the fit, as their names are what scorers look for.
    num_trainings, num_stretches : int
        The most trainings in the fit, and stretches in a training.
    attributes : callable
        Gives the fitted attributes as they would be now.
    """

    def __init__(
        self, estimator: NeuronClassifier, X: ArrayLike, y: ArrayLike,
        sample_weight: ArrayLike | None, num_trainings: int, num_stretches: int,
        attributes: Callable[[], dict[str, AnyArray]],
    ) -> None:  # fmt: skip
        self._estimator = estimator
        self._num_stretches = num_stretches
        self._data = {
            "X": X, "y": y, "reconstruction_attributes": attributes,
            "metadata": None if sample_weight is None else {"sample_weight": sample_weight},
        }  # fmt: skip
        self._fit = estimator._init_callback_context(max_subtasks=num_trainings)

    def begin(self) -> None:
        """The fit is at its start."""
        self._begin(self._fit)

    def begin_training(self) -> None:
        """A neuron is at its start."""
        self._training = self._fit.subcontext("training", max_subtasks=self._num_stretches + 1)
        self._begin(self._training)
        self._begin_stretch()

    def next_stretch(self) -> bool:
        """Some steps were made; true if a callback wants the training to stop."""
        stop = self._end(self._stretch)
        self._begin_stretch()
        return stop

    def end_training(self) -> None:
        """A neuron is trained; its last stretch may be a short one, or empty."""
        self._end(self._stretch)
        self._end(self._training)

    def end(self) -> None:
        """The fit is done."""
        self._end(self._fit)

    def _begin_stretch(self) -> None:
        self._stretch = self._training.subcontext("steps")
        self._begin(self._stretch)

    def _begin(self, task: Any) -> None:
        task.call_on_fit_task_begin(estimator=self._estimator, **self._data)

    def _end(self, task: Any) -> bool:
        stop: bool = task.call_on_fit_task_end(estimator=self._estimator, **self._data)
        return stop
