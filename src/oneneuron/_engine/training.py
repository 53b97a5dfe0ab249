"""A training in progress: the arrays that the kernel works on, and the calls that advance it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from .._losses import QUADRATIC, Loss
from .._results import Descent, Model, as_history
from .._typing import AnyArray, Float64Array, FloatArray, Which
from . import cores, helper_threads
from .dispatch import import_kernel
from .tiles import Tiles, aligned_empty, lay_out

if TYPE_CHECKING:
    from .kernel import Kernel

# Rows of the kernel's models.
_LAST, _BEST, _LOWEST = range(3)
_ROWS: dict[Which, int] = {"last": _LAST, "best": _BEST, "lowest": _LOWEST}

# The number of steps whose costs the kernel keeps.
COSTS_KEPT = 1024

_BLOCK_SAMPLES = 1024
_BLOCK_BYTES = 2**25

# A call of the kernel lasts about 40 ms. Ctrl-C and other threads get their turn between calls.
_SECONDS_PER_CALL = 0.04

# Estimates of the time of a step. They only serve to decide whether helpers save time and how many
# steps a call may make.
_SECONDS_PER_SAMPLE = 1e-9
_SECONDS_PER_VALUE = 2e-10
# Starting a helper takes 0.1 ms, or more if there are more threads than cores. With helpers, each
# step takes about 1 us in addition to the divided work.
_LEAST_SECONDS_FOR_A_HELPER = 1e-3
_LEAST_SECONDS_OF_A_STEP = 4e-6  # for each thread


class Training:
    """A training in progress, whose caller can make some steps, look at the result, and make more.

    The start is scored at once, as step 0.

    Parameters
    ----------
    X : ndarray of shape (n, d), float32 or float64
    y : ndarray of shape (n,), 0 and 1
    start : ndarray of shape (d + 1,), float64
        The weights and the bias, the bias last.
    eta : float
        The step size of gradient descent.
    sample_weight : ndarray of shape (n,), with the dtype of X, default None
    alpha : float, default 0.0
    loss : Loss, default QUADRATIC
    fit_intercept : bool, default True
        If False, the bias keeps its initial value.
    limits : ndarray of shape (d + 1,), float64, default None
        The training ends when every derivative of the cost is within its limit in absolute value.
        With None, it does not end by itself.
    n_threads : int, default None
        The largest number of threads to use. None means one for each core.
    level : str, default None
        The instruction set, one of `dispatch.available`. None means `dispatch.level`.

    Attributes
    ----------
    eta : float
    dtype : dtype
    num_features : int
    """

    def __init__(
        self, X: FloatArray, y: AnyArray, start: Float64Array, *, eta: float,
        sample_weight: FloatArray | None = None, alpha: float = 0.0, loss: Loss = QUADRATIC,
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
        self._prepare(kernel, tiles, loss, fit_intercept, limits, n_threads or cores.count())
        self.restart(start)

    def _prepare(
        self, kernel: Kernel, tiles: Tiles, loss: Loss, fit_intercept: bool, limits: Float64Array,
        most_threads: int,
    ) -> None:  # fmt: skip
        """Allocate the arrays that the kernel writes to; the kernel documents their meaning."""
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
            tiles.sample_weight,
            tiles.weighted,
            tiles.num_positive,
            loss.kernel_code,
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
        # The number of blocks that this thread may sum in a call. The first calls are short. Then
        # the number is adapted to the time that they took.
        self._budget = 1 + int(_SECONDS_PER_CALL / 4 / self._step_seconds * num_blocks)

    def restart(self, start: Float64Array) -> None:
        """Begin again from another start, on the same samples.

        Parameters
        ----------
        start : ndarray of shape (d + 1,), float64
        """
        self._neuron.abandon()
        self._models[:] = 0.0
        self._models[_LAST, -1] = -1
        self.evaluate(start)

    def evaluate(self, parameters: Float64Array) -> tuple[float, Float64Array]:
        """Make a step to the given parameters, and score them.

        Parameters
        ----------
        parameters : ndarray of shape (d + 1,), float64

        Returns
        -------
        cost : float
        gradient : ndarray of shape (d + 1,)
            The derivative with respect to the bias comes last.
        """
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
        """The cost of the current parameters, or of the last ones whose cost was finite."""
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
        """The number of updates made so far."""
        return int(self._models[_LAST, -1])

    @property
    def diverged(self) -> bool:
        """True if the next step would have infinite parameters or an infinite cost."""
        return self._neuron.diverged

    @property
    def epsilon(self) -> float:
        """The distance from 1 to the next larger number of the samples' dtype."""
        return float(np.finfo(self.dtype).eps)

    @property
    def flat(self) -> bool:
        """True if every derivative of the cost is within its limit."""
        return self._neuron.flat

    @property
    def best_accuracy(self) -> float:
        """The highest accuracy so far."""
        return self._accuracy(self._models[_BEST, -2])

    def _accuracy(self, wrong: float) -> float:
        # This is exactly 1 if no sample is wrong, regardless of the order of additions.
        return max(0.0, float((self._total_weight - wrong) / self._total_weight))

    def costs(self, first: int) -> Float64Array:
        """Return the costs after step `first` and every later step, at most COSTS_KEPT of them."""
        return self._costs[np.arange(first, self.step + 1) % COSTS_KEPT]

    def walk(self, last_step: int, strides: Sequence[int] = (), offset: int = 0) -> Iterator[int]:
        """Descend to `last_step`, pausing on the way to yield each step that is due.

        A step is due if it is `offset` plus a multiple of a stride, or the last. The steps end
        early if the training diverges or is flat.

        Parameters
        ----------
        last_step : int
        strides : sequence of int
        offset : int, default 0

        Yields
        ------
        step : int
            The step reached, greater than the one yielded before.
        """
        while self.step < last_step and not (self.diverged or self.flat):
            before = self.step
            due = [before + stride - (before - offset) % stride for stride in strides]
            self.advance(min([last_step, *due]) - before)
            if self.step > before:
                yield self.step

    def advance(self, num_steps: int) -> None:
        """Make `num_steps` steps of gradient descent, or fewer if it diverges or becomes flat."""
        with self.helped(num_steps):
            self._advance_to(self.step + num_steps, self.eta)

    def helped(self, num_steps: int) -> AbstractContextManager[None]:
        """Return a context in which helpers share `num_steps` steps of work, if that is faster."""
        helpers = self._worthwhile_helpers(num_steps)
        if helpers > 0:
            self._neuron.muster()
        return helper_threads.helpers(helpers, self._neuron.help, self._neuron.dismiss)

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
        """Return a model of the training so far.

        Parameters
        ----------
        which : {"last", "best", "lowest"}, default "last"
        """
        *weights, bias, cost, wrong, step = self._models[_ROWS[which]].tolist()
        weights = np.array(weights, dtype=self.dtype)
        return Model(weights, bias, int(step), self._accuracy(wrong), cost)

    def result(self, history: Sequence[Model] = ()) -> Descent:
        """Return the training so far.

        Parameters
        ----------
        history : sequence of Model
            The models recorded on the way.
        """
        return Descent(
            last=self.model("last"),
            best=self.model("best"),
            lowest=self.model("lowest"),
            history=as_history(history, self.num_features, self.dtype),
            num_steps=self.step,
            eta=self.eta,
            stop_reason="diverged" if self.diverged else "num_steps",
        )
