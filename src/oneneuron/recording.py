"""What is seen of a training while it runs: its costs, models on request, lines, callbacks."""

import numpy as np

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

    def __init__(self, training, record_every, name, tasks, task_stride):
        self._training = training
        self._costs = [training.costs(0)]
        self.models = [training.model()] if record_every else []
        self._record_every, self._name = record_every, name
        self._tasks, self._task_stride = tasks, task_stride

    @property
    def strides(self):
        """Steps that are looked at are multiples of these."""
        wanted = [(self._record_every > 0, self._record_every), (self._name, PRINT_EVERY),
                  (self._tasks, self._task_stride)]  # fmt: skip
        return [stride for is_wanted, stride in wanted if is_wanted]

    def __call__(self, step, costs):
        """Take note; true if a callback wants the training to stop."""
        self._costs.append(costs)
        if self._record_every and step % self._record_every == 0:
            self.models.append(self._training.model()._replace(step=step))
        if self._name and step % PRINT_EVERY == 0:
            self.print_line(step)
        return self._tasks and step % self._task_stride == 0 and self._tasks.next_stretch()

    def print_line(self, step, reason=""):
        """Where the training is, under its name."""
        model = self._training.model()
        print(f"{self._name} step {step}: cost {model.cost:.6g}, "
              f"accuracy {100 * model.accuracy:.1f} %{reason}")  # fmt: skip

    @property
    def curve(self):
        """The cost at the start and after each step."""
        return np.concatenate(self._costs)
