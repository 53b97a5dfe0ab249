"""A descent under way: the arrays that the kernel works on, and the calls that move it."""

from time import perf_counter

import numpy as np

from . import checks, team
from ._dispatch import kernel
from .curvature import safe_eta
from .results import Descent, History, Model
from .tiles import aligned_empty, lay_out

# Rows of the kernel's models.
_LAST, _BEST, _LOWEST = range(3)

_BLOCK_SAMPLES = 1024
_BLOCK_BYTES = 2**23

# A call lasts some 40 ms, so that Ctrl-C and other threads get in between two.
_SECONDS_PER_CALL = 0.04
_SECONDS_PER_TRIAL = 0.004
_MOST_CALLS_BETWEEN_TRIALS = 32
# Starting threads takes some 0.1 ms and a meeting up to 1 us: less work than this isn't shared.
_LEAST_SECONDS_TO_SHARE = 0.001
_LEAST_SECONDS_PER_MEETING = 2e-6


class Training:
    """A descent under way, for callers that watch it: make some steps, look, make more.

    Parameters are those of `train`. The start is scored at once, as step 0.
    """

    def __init__(
        self, X, y, *, eta, init=None, sample_weight=None, alpha=0.0, n_threads=None,
        random_state=None, x_name="X",
    ):  # fmt: skip
        self._most_threads = checks.as_threads(n_threads) or team.cores()
        self._told_threads = n_threads is not None
        self._alpha = checks.as_alpha(alpha)
        X = checks.as_samples(X, x_name)
        y = checks.as_labels(y, len(X))
        weights = checks.as_weights(sample_weight, len(X), X.dtype)
        automatic = isinstance(eta, str) and eta == "auto"
        self.eta = safe_eta(X, weights, self._alpha) if automatic else checks.as_eta(eta)
        if init is None:
            start = checks.as_random_state(random_state).random(X.shape[1] + 1)
        else:
            start = checks.as_parameters(init, X.shape[1])
        self._total_weight = len(X) if weights is None else float(weights.sum(dtype=np.float64))
        self._kernel = kernel(X.dtype.name)
        self._tiles = lay_out(X, y, weights, self._kernel.TILE_SAMPLES)
        self._allocate(start)
        self._advance_to(0)
        if self.diverged:
            raise ValueError(
                f"init and {x_name} are too large for w.x + b to be finite: start from smaller "
                f"weights, or scale the features."
            )

    def _allocate(self, start):
        """What the kernel writes to; see its docstring for the shapes."""
        num_tiles, d, tile = self._tiles.values.shape
        tiles_in_block = min(_BLOCK_SAMPLES // tile, _BLOCK_BYTES // self._tiles.values[0].nbytes)
        self._num_blocks = -(-num_tiles // max(1, tiles_in_block))
        self._most_threads = min(self._most_threads, self._num_blocks)
        self._models = np.zeros((3, d + 4))
        self._models[_LAST, -1] = -1
        sets = 1 if self._most_threads == 1 else 2
        self._blocks = np.zeros((sets, self._num_blocks, d + 3))
        self._states = np.zeros((self._most_threads, 2, d + 3))
        self._states[0, 1, : d + 1] = start
        scratch = self._kernel.SUM_LANES * (d + 3) + d + 1
        line = 64 // self._tiles.values.itemsize
        shape = (self._most_threads, -(-scratch // line) * line)
        self._scratch = aligned_empty(shape, self._tiles.values.dtype)
        self._next_block = 0
        # Seconds a block by number of threads: a guess, then what the last calls took.
        self._pace = {1: 1e-10 * self._tiles.values.size / self._num_blocks}
        self._calls_to_trial = self._calls_between_trials = 1

    @property
    def step(self):
        """Updates made so far."""
        return int(self._models[_LAST, -1])

    @property
    def diverged(self):
        """Whether the next step would have no finite parameters."""
        return self._next_block < 0

    @property
    def best_accuracy(self):
        """The highest share of correct samples so far."""
        return float(self._models[_BEST, -2]) / self._total_weight

    def advance(self, num_steps):
        """Make `num_steps` steps, fewer if the descent diverges; false once it has."""
        self._advance_to(self.step + num_steps)
        return not self.diverged

    def _advance_to(self, last_step):
        while self.step < last_step and not self.diverged:
            blocks_left = (last_step - self.step) * self._num_blocks - self._next_block
            num_threads, seconds = self._plan(blocks_left)
            pace = self._pace.get(num_threads, self._pace[1])
            budget = max(1, min(blocks_left, int(seconds / pace)))
            done = self.step * self._num_blocks + self._next_block
            start = perf_counter()
            self._call_kernel(num_threads, last_step, budget)
            seconds = perf_counter() - start
            if self.diverged:
                break
            made = self.step * self._num_blocks + self._next_block - done
            self._pace[num_threads] = max(seconds, 1e-9) / max(made, 1)

    def _plan(self, blocks_left):
        """How many threads the next call is worth, and how long it may last.

        Threads that share their cores with other work wait for each other, and can be slower
        than one. So the slower of the two is tried again now and then, ever more rarely.
        """
        num_threads = self._worthwhile_threads(blocks_left)
        if num_threads == 1:
            return 1, _SECONDS_PER_CALL
        if num_threads not in self._pace:
            return num_threads, _SECONDS_PER_TRIAL
        slower, faster = sorted((1, num_threads), key=self._pace.get, reverse=True)
        self._calls_to_trial -= 1
        if self._calls_to_trial > 0:
            return faster, _SECONDS_PER_CALL
        self._calls_between_trials = min(2 * self._calls_between_trials, _MOST_CALLS_BETWEEN_TRIALS)
        self._calls_to_trial = self._calls_between_trials
        return slower, _SECONDS_PER_TRIAL

    def _worthwhile_threads(self, blocks_left):
        if self.step < 0:  # the first pass finds out what one thread takes
            return 1
        if min(blocks_left * self._pace[1], _SECONDS_PER_CALL) < _LEAST_SECONDS_TO_SHARE:
            return 1
        if self._told_threads:
            return self._most_threads
        step_seconds = self._num_blocks * self._pace[1]
        return max(1, min(self._most_threads, int(step_seconds / _LEAST_SECONDS_PER_MEETING)))

    def _call_kernel(self, num_threads, last_step, budget):
        self._states[1:num_threads] = self._states[0]
        counters = np.zeros((num_threads, 8), dtype=np.int64)
        step, next_block = self.step, self._next_block
        eta = 0.0 if step < 0 else self.eta  # the first pass scores the start as it is

        def descend(rank, size):
            return self._kernel.descend(
                self._tiles.values,
                self._tiles.weights,
                self._tiles.weighted,
                self._tiles.num_positive,
                self._models,
                self._blocks,
                self._states,
                self._scratch,
                counters,
                eta,
                self._alpha,
                step,
                last_step,
                next_block,
                budget,
                rank,
                size,
            )

        self._next_block = team.run(descend, num_threads, dismiss=lambda: counters.fill(-1))

    def model(self, row=_LAST):
        """One of the kernel's models as a `Model`."""
        *weights, bias, cost, correct, step = self._models[row].tolist()
        weights = np.array(weights, dtype=self._tiles.values.dtype)
        return Model(weights, bias, int(step), correct / self._total_weight, cost)

    def result(self, history=()):
        """The training so far as a `Descent`, with the models of `history`."""
        d = self._tiles.values.shape[1]
        weights = np.array([m.weights for m in history], dtype=self._tiles.values.dtype)
        return Descent(
            last=self.model(_LAST),
            best=self.model(_BEST),
            lowest=self.model(_LOWEST),
            history=History(
                step=np.array([m.step for m in history], dtype=np.intp),
                weights=weights.reshape(-1, d),
                bias=np.array([m.bias for m in history], dtype=np.float64),
                cost=np.array([m.cost for m in history], dtype=np.float64),
                accuracy=np.array([m.accuracy for m in history], dtype=np.float64),
            ),
            num_steps=self.step,
            eta=self.eta,
            stop_reason="diverged" if self.diverged else "num_steps",
        )
