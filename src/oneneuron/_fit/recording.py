"""A record of a fit, made while it runs: costs, models, and lines of progress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .._engine.shards import AnySamples
from .._engine.solvers import COSTS_KEPT, Solver
from .._results import History, Model, as_history, as_models
from .._training import as_model
from .._typing import AnyArray, Float64Array

# With verbose, a line is printed every 1000 steps, as in the lecture.
PRINT_EVERY = 1000


class Recorder:
    """An observer of K neurons. It must be called at each multiple of a stride, and at the end.

    Parameters
    ----------
    solver : Solver
        The solver, at its start or where it was saved.
    samples : Shards or SparseSamples
    record_every : int
        The number of steps between two recorded models; 0 records none.
    names : sequence of K str, or None
        What the lines of progress of each neuron begin with; None prints no lines.
    saved : mapping of str to ndarray, default None
        What another recorder had recorded when the solver was saved (`arrays`).

    Attributes
    ----------
    models : list of K lists of Model
        The recorded models of each neuron.
    strides : list of int
        The strides at whose multiples the training must pause.
    """

    def __init__(
        self, solver: Solver, samples: AnySamples, record_every: int, names: Sequence[str] | None,
        saved: Mapping[str, AnyArray] | None = None,
    ) -> None:  # fmt: skip
        self._solver, self._samples = solver, samples
        self._record_every, self._names = record_every, names
        self._seen = [-1] * len(solver.state)
        self._costs: list[list[Float64Array]] = [[] for _ in solver.state]
        self.models: list[list[Model]] = [[] for _ in solver.state]
        self.strides = [COSTS_KEPT]
        if record_every:
            self.strides.append(record_every)
        if names is not None:
            self.strides.append(PRINT_EVERY)
        if saved is None:
            self()
        else:
            self._restore(saved)

    @property
    def step(self) -> int:
        """The step of the last call."""
        return max(self._seen)

    def arrays(self) -> dict[str, AnyArray]:
        """Return what has been recorded, as arrays by name."""
        side, dtype = self._samples.num_features, self._samples.dtype
        found: dict[str, AnyArray] = {}
        for k, models in enumerate(self.models):
            found[f"{k}.costs"] = self.curve(k)
            for name, array in as_history(models, side, dtype)._asdict().items():
                found[f"{k}.{name}"] = array
        return found

    def _restore(self, saved: Mapping[str, AnyArray]) -> None:
        for k in range(len(self.models)):
            costs = saved[f"{k}.costs"]
            self._costs[k], self._seen[k] = [costs], len(costs) - 1
            self.models[k] = as_models(History(*(saved[f"{k}.{name}"] for name in History._fields)))
            self.print_line(k, " (continued)")

    def __call__(self) -> None:
        """Record the neurons that have made steps since the last call."""
        for k, step in enumerate(self._solver.last.step.tolist()):
            first = self._seen[k] + 1
            if step < first:
                continue
            self._seen[k] = step
            self._costs[k].append(self._solver.costs[k, np.arange(first, step + 1) % COSTS_KEPT])
            if self._record_every and step % self._record_every == 0:
                self.models[k].append(as_model(self._solver.last, k, self._samples))
            if step > 0 and step % PRINT_EVERY == 0:
                self.print_line(k)

    def print_line(self, k: int, reason: str = "") -> None:
        """Print the cost and the accuracy of a neuron, if lines are wanted."""
        if self._names is not None:
            model = as_model(self._solver.last, k, self._samples)
            print(f"{self._names[k]}, step {model.step}: cost {model.cost:.6g}, "
                  f"accuracy {100 * model.accuracy:.1f} %{reason}")  # fmt: skip

    def curve(self, k: int) -> Float64Array:
        """Return the cost of a neuron at the start and after each step."""
        self._costs[k] = [np.concatenate(self._costs[k])]
        return self._costs[k][0]
