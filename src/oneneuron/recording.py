"""What is seen of a training while it runs: its costs, models on request, lines, callbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ._typing import Float64Array

if TYPE_CHECKING:
    from .callbacks import Tasks
    from .results import Model
    from .training import Training

# With verbose, a line is printed every so many steps, as in the lecture.
PRINT_EVERY = 1000


class Recording:
    """One training, watched: call it with the step reached and the costs since the last call.

    Parameters
    ----------
    training : Training, at its start
    record_every : int
        Steps between two recorded models; 0 records none.
    name : str or None
        What to print lines of progress under; None prints none.
    tasks : callbacks.Tasks or None
    task_stride : int
        Steps between two calls of the callbacks.

    Attributes
    ----------
    models : list of Model
        What was recorded.
    """

    def __init__(
        self, training: Training, record_every: int, name: str | None, tasks: Tasks | None,
        task_stride: int,
    ) -> None:  # fmt: skip
        self._training = training
        self._costs: list[ArrayLike] = [training.costs(0)]
        self.models: list[Model] = [training.model()] if record_every else []
        self._record_every, self._name = record_every, name
        self._tasks, self._task_stride = tasks, task_stride

    @property
    def strides(self) -> list[int]:
        """Steps that are looked at are multiples of these."""
        wanted: list[tuple[object, int]] = [
            (self._record_every > 0, self._record_every), (self._name, PRINT_EVERY),
            (self._tasks, self._task_stride),
        ]  # fmt: skip
        return [stride for is_wanted, stride in wanted if is_wanted]

    def __call__(self, step: int, costs: ArrayLike) -> bool:
        """Take note; true if a callback wants the training to stop."""
        self._costs.append(costs)
        if self._record_every and step % self._record_every == 0:
            self.models.append(self._training.model()._replace(step=step))
        if self._name and step % PRINT_EVERY == 0:
            self.print_line(step)
        is_due = step % self._task_stride == 0
        return self._tasks is not None and is_due and self._tasks.next_stretch()

    def print_line(self, step: int, reason: str = "") -> None:
        """Where the training is, under its name."""
        model = self._training.model()
        print(f"{self._name} step {step}: cost {model.cost:.6g}, "
              f"accuracy {100 * model.accuracy:.1f} %{reason}")  # fmt: skip

    @property
    def curve(self) -> Float64Array:
        """The cost at the start and after each step."""
        return np.concatenate(self._costs)
