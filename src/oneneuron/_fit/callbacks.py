"""scikit-learn's callbacks during a fit, where the installed version has them (1.9 and later).

In scikit-learn, a callback follows a tree of tasks. Here the root is the fit, and its children are
stretches of steps, which all neurons make together. A callback may stop the fit at the end of a
stretch.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from numpy.typing import ArrayLike

from .._typing import AnyArray, SamplesLike

_Fit = TypeVar("_Fit", bound=Callable[..., Any])

# scikit-learn has no types. A type checker sees the other branch, and so the types of `fit`.
if not TYPE_CHECKING and find_spec("sklearn.callback") is not None:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
else:

    class CallbackSupportMixin:
        """An empty base class, since this scikit-learn has no callbacks."""

    def with_callbacks(fit: _Fit) -> _Fit:
        """Return the method unchanged."""
        return fit


class SupportsCallbacks(Protocol):
    """An estimator with scikit-learn's `CallbackSupportMixin`."""

    def _init_callback_context(self, *, max_subtasks: int) -> Any: ...


class Tasks:
    """The tree of tasks of one fit. Each method reports the fit's progress to the callbacks.

    Parameters
    ----------
    estimator : SupportsCallbacks
        An estimator with callbacks set.
    X : array-like
        The samples as they were passed to the fit, on which callbacks may compute scores.
    y : array-like
        The labels as they were passed to the fit.
    sample_weight : array-like or None
        The sample weights as they were passed to the fit.
    num_stretches : int
        The largest number of stretches in the fit.
    attributes : callable
        A function that returns what the fitted attributes would be now.
    """

    def __init__(
        self, estimator: SupportsCallbacks, X: SamplesLike, y: ArrayLike,
        sample_weight: ArrayLike | None, num_stretches: int,
        attributes: Callable[[], dict[str, AnyArray]],
    ) -> None:  # fmt: skip
        self._estimator = estimator
        self._data = {
            "X": X, "y": y, "reconstruction_attributes": attributes,
            "metadata": None if sample_weight is None else {"sample_weight": sample_weight},
        }  # fmt: skip
        self._fit = estimator._init_callback_context(max_subtasks=num_stretches + 1)

    def begin(self) -> None:
        """Report the beginning of the fit."""
        self._begin(self._fit)
        self._begin_stretch()

    def next_stretch(self) -> bool:
        """Report the end of a stretch, and return whether a callback wants to stop training."""
        stop = self._end(self._stretch)
        self._begin_stretch()
        return stop

    def end(self) -> None:
        """Report the end of the last stretch, which may be short or empty, and of the fit."""
        self._end(self._stretch)
        self._end(self._fit)

    def _begin_stretch(self) -> None:
        self._stretch = self._fit.subcontext("steps")
        self._begin(self._stretch)

    def _begin(self, task: Any) -> None:
        task.call_on_fit_task_begin(estimator=self._estimator, **self._data)

    def _end(self, task: Any) -> bool:
        stop: bool = task.call_on_fit_task_end(estimator=self._estimator, **self._data)
        return stop
