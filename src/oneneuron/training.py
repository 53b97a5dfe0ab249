"""A descent under way: the arrays that the kernel works on, and the calls that move it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from . import cores, team
from ._dispatch import import_kernel
from ._typing import AnyArray, Float64Array, FloatArray, Loss, Which
from .results import Descent, Model, as_history
from .tiles import Tiles, aligned_empty, lay_out

if TYPE_CHECKING:
    from ._kernel import Kernel

# Rows of the kernel's models.
_LAST, _BEST, _LOWEST = range(3)
_ROWS: dict[Which, int] = {"last": _LAST, "best": _BEST, "lowest": _LOWEST}

# The costs of so many steps are at hand.
COSTS_KEPT = 1024

_BLOCK_SAMPLES = 1024
_BLOCK_BYTES = 2**25

# A call lasts some 40 ms, so that Ctrl-C and other threads get in between two.
_SECONDS_PER_CALL = 0.04

# What a step takes, roughly: only to judge what helpers are worth and how long a call may be.
_SECONDS_PER_SAMPLE = 1e-9
_SECONDS_PER_VALUE = 2e-10
# Starting a helper takes 0.1 ms, more where threads outnumber cores; a step of several some 1 us
# more than its share.
_LEAST_SECONDS_FOR_A_HELPER = 1e-3
_LEAST_SECONDS_OF_A_STEP = 4e-6  # for each thread


class Training:
    """A descent under way, for callers that watch it: make some steps, look, make more.

    The start is scored at once, as step 0. Callers have checked all of it.

    Parameters
    ----------
    X : ndarray of shape (n, d), float32 or float64
    y : ndarray of shape (n,), 0 and 1
    start : ndarray of shape (d + 1,), float64
        The bias last.
    eta : float
    sample_weight : ndarray of shape (n,), of the dtype of X, default None
    alpha : float, default 0.0
    loss : "quadratic" or "log", default "quadratic"
    fit_intercept : bool, default True
        Else the bias stays as it starts.
    limits : ndarray of shape (d + 1,), float64, default None
        The descent ends where no derivative of the cost is beyond its limit; by default it doesn't.
    n_threads : int, default None
        The most threads to use, by default one for each core.
    level : str, default None
        The instruction set, one of `_dispatch.available`; by default the one picked for all.
    """

    def __init__(
        self, X: FloatArray, y: AnyArray, start: Float64Array, *, eta: float,
        sample_weight: FloatArray | None = None, alpha: float = 0.0, loss: Loss = "quadratic",
        fit_intercept: bool = True, limits: Float64Array | None = None,
        n_threads: int | None = None, level: str | None = None,
    ) -> None:  # fmt: skip
        self.eta = eta
        self._alpha = alpha
        self._total_weight = (
            len(X) if sample_weight is None else float(sample_weight.sum(dtype=np.float64))
        )
        if limits is None:
            limits = np.full(X.shape[1] + 1, -1.0)
        kernel = import_kernel(X.dtype.name, level)
        tiles = lay_out(X, y, sample_weight, kernel)
        self._prepare(
            kernel, tiles, kernel.LOSSES[loss], fit_intercept, limits, n_threads or cores.count()
        )
        self.restart(start)

    def _prepare(
        self, kernel: Kernel, tiles: Tiles, loss: int, fit_intercept: bool, limits: Float64Array,
        most_threads: int,
    ) -> None:  # fmt: skip
        """Allocate what the kernel writes to; it says what is what."""
        num_tiles, d, tile = tiles.values.shape
        tiles_in_block = min(_BLOCK_SAMPLES // tile, _BLOCK_BYTES // tiles.values[0].nbytes)
        num_blocks: int = -(-num_tiles // max(1, tiles_in_block))
        self._most_threads = threads = min(most_threads, num_blocks)
        folded = d if tile == kernel.NARROW_TILE_SAMPLES else 0
        self.dtype, self.num_features = tiles.values.dtype, d
        self._parameters = np.empty(d + 1)
        self._totals = np.empty(d + 3)
        self._models = np.empty((3, d + 4))
        self._costs = np.empty(COSTS_KEPT)
        marks = aligned_empty((8 + num_blocks,), np.int64)
        marks[:] = 0
        self._neuron = kernel.Neuron(
            tiles.values,
            tiles.weights,
            tiles.weighted,
            tiles.num_positive,
            loss,
            fit_intercept,
            parameters=self._parameters,
            totals=self._totals,
            limits=limits,
            models=self._models,
            costs=self._costs,
            blocks=np.zeros((num_blocks, d + 3)),
            marks=marks,
            scaled=aligned_empty((threads, d + 1), self.dtype),
            sums=aligned_empty((threads, kernel.SUM_LANES * (d + 3 - folded)), self.dtype),
            rows=aligned_empty((threads, d + 3), np.float64),
        )
        self._step_seconds = num_tiles * tile * (_SECONDS_PER_SAMPLE + _SECONDS_PER_VALUE * d)
        # Blocks that this thread may sum in a call; the first calls are short, then it is adapted.
        self._budget = 1 + int(_SECONDS_PER_CALL / 4 / self._step_seconds * num_blocks)

    def restart(self, start: Float64Array) -> None:
        """Begin anew on the same samples."""
        self._neuron.abandon()
        self._models[:] = 0.0
        self._models[_LAST, -1] = -1
        self.evaluate(start)

    def evaluate(self, parameters: Float64Array) -> tuple[float, Float64Array]:
        """Score these as a step of its own; return the cost and its gradient, the bias last."""
        self._parameters[:] = parameters
        self._totals[:] = 0.0
        self._advance_to(self.step + 1, eta=0.0)
        return self.cost, self.gradient

    @property
    def parameters(self) -> Float64Array:
        """The weights and the bias, of shape (d + 1,), in float64."""
        return self._parameters.copy()

    @property
    def cost(self) -> float:
        """The cost of the parameters; of the last that had a finite one."""
        cost: np.float64 = self._models[_LAST, -3]
        return cost

    @property
    def gradient(self) -> Float64Array:
        """The derivatives of the cost, of shape (d + 1,)."""
        gradient = -self._totals[:-2]
        gradient[:-1] += self._alpha * self._parameters[:-1]
        return gradient

    @property
    def step(self) -> int:
        """Updates made so far."""
        return int(self._models[_LAST, -1])

    @property
    def diverged(self) -> bool:
        """Whether the next step would have no finite parameters or cost."""
        return self._neuron.diverged

    @property
    def epsilon(self) -> float:
        """The distance from 1 to the next number that the samples' precision has."""
        return float(np.finfo(self.dtype).eps)

    @property
    def flat(self) -> bool:
        """Whether no derivative of the cost is beyond its limit."""
        return self._neuron.flat

    @property
    def best_accuracy(self) -> float:
        """The highest share of correct samples so far."""
        return self._accuracy(self._models[_BEST, -2])

    def _accuracy(self, wrong: float) -> float:
        # Exactly 1 if none is wrong, in whatever order the weights were added.
        return max(0.0, float((self._total_weight - wrong) / self._total_weight))

    def costs(self, first: int) -> Float64Array:
        """The costs after step `first` and all since, if these are no more than COSTS_KEPT."""
        return self._costs[np.arange(first, self.step + 1) % COSTS_KEPT]

    def advance(self, num_steps: int) -> bool:
        """Make `num_steps` steps, fewer if the descent ends; false once it has."""
        with self.helped(num_steps):
            self._advance_to(self.step + num_steps, self.eta)
        return not (self.diverged or self.flat)

    def helped(self, num_steps: int) -> AbstractContextManager[None]:
        """A context in which helpers share the work, if that pays for so many steps."""
        helpers = self._worthwhile_helpers(num_steps)
        if helpers > 0:
            self._neuron.muster()
        return team.helpers(helpers, self._neuron.help, self._neuron.dismiss)

    def _worthwhile_helpers(self, num_steps: int) -> int:
        in_all = int(num_steps * self._step_seconds / _LEAST_SECONDS_FOR_A_HELPER)
        in_a_step = int(self._step_seconds / _LEAST_SECONDS_OF_A_STEP) - 1
        return max(0, min(self._most_threads - 1, in_all, in_a_step))

    def _advance_to(self, last_step: int, eta: float) -> None:
        while self.step < last_step:
            start = perf_counter()
            self._neuron.descend(eta, self._alpha, last_step, self._budget)
            if self.diverged or self.flat:
                break
            if self.step < last_step:
                stretch = _SECONDS_PER_CALL / max(perf_counter() - start, 1e-3)
                self._budget = 1 + int(self._budget * min(stretch, 4.0))

    def model(self, which: Which = "last") -> Model:
        """The last, the best or the lowest `Model` so far."""
        *weights, bias, cost, wrong, step = self._models[_ROWS[which]].tolist()
        weights = np.array(weights, dtype=self.dtype)
        return Model(weights, bias, int(step), self._accuracy(wrong), cost)

    def result(self, history: Sequence[Model] = ()) -> Descent:
        """The training so far as a `Descent`, with the models of `history`."""
        return Descent(
            last=self.model("last"),
            best=self.model("best"),
            lowest=self.model("lowest"),
            history=as_history(history, self.num_features, self.dtype),
            num_steps=self.step,
            eta=self.eta,
            stop_reason="diverged" if self.diverged else "num_steps",
        )
