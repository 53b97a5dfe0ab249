"""A record of a training run, made while it runs: costs, models, and lines of progress."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from .._engine.training import Training
from .._results import Model
from .._typing import Float64Array

# With verbose, a line is printed every 1000 steps, as in the lecture.
PRINT_EVERY = 1000


class Recorder:
    """An observer of one training run. Each call passes the step reached and the latest costs.

    Parameters
    ----------
    training : Training
        The training, at its start.
    record_every : int
        The number of steps between two recorded models; 0 records none.
    name : str or None
        The name at the beginning of each line of progress; None prints no lines.
    should_stop : callable or None
        ``should_stop()`` is called every `stop_stride` steps. If it returns true, training stops.
    stop_stride : int

    Attributes
    ----------
    models : list of Model
        The recorded models.
    """

    def __init__(
        self, training: Training, record_every: int, name: str | None,
        should_stop: Callable[[], bool] | None, stop_stride: int,
    ) -> None:  # fmt: skip
        self._training = training
        self._costs: list[ArrayLike] = [training.costs(0)]
        self.models: list[Model] = [training.model()] if record_every else []
        self._record_every, self._name = record_every, name
        self._should_stop, self._stop_stride = should_stop, stop_stride

    @property
    def strides(self) -> list[int]:
        """The strides at whose multiples the training must pause."""
        wanted: list[tuple[object, int]] = [
            (self._record_every > 0, self._record_every), (self._name, PRINT_EVERY),
            (self._should_stop, self._stop_stride),
        ]  # fmt: skip
        return [stride for is_wanted, stride in wanted if is_wanted]

    def __call__(self, step: int, costs: ArrayLike) -> bool:
        """Record a step, and return whether the training should stop.

        Parameters
        ----------
        step : int
        costs : array-like of shape (k,)
            The costs of the last k steps.

        Returns
        -------
        bool
        """
        self._costs.append(costs)
        if self._record_every and step % self._record_every == 0:
            self.models.append(self._training.model()._replace(step=step))
        if self._name and step % PRINT_EVERY == 0:
            self.print_line(step)
        is_due = step % self._stop_stride == 0
        return self._should_stop is not None and is_due and self._should_stop()

    def print_line(self, step: int, reason: str = "") -> None:
        """Print the cost and the accuracy at a step."""
        model = self._training.model()
        print(f"{self._name} step {step}: cost {model.cost:.6g}, "
              f"accuracy {100 * model.accuracy:.1f} %{reason}")  # fmt: skip

    @property
    def curve(self) -> Float64Array:
        """The cost at the start and after each step."""
        return np.concatenate(self._costs)
