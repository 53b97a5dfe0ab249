"""A descent under way: the arrays that the kernel works on, and the calls that move it."""

from time import perf_counter

import numpy as np

from . import checks, team
from ._dispatch import import_kernel
from .curvature import safe_eta
from .results import Descent, History, Model
from .tiles import aligned_empty, lay_out

# Rows of the kernel's models.
_LAST, _BEST, _LOWEST = range(3)

_BLOCK_SAMPLES = 1024
_BLOCK_BYTES = 2**25

# A call lasts some 40 ms, so that Ctrl-C and other threads get in between two.
_SECONDS_PER_CALL = 0.04

# What a step takes, roughly: only to judge what helpers are worth and how long a call may be.
_SECONDS_PER_SAMPLE = 1e-9
_SECONDS_PER_VALUE = 2e-10
# Starting a thread takes some 0.1 ms, and a step of several some 1 us more than its share.
_LEAST_SECONDS_TO_SHARE = 1e-3
_LEAST_SECONDS_OF_A_STEP = 4e-6  # for each thread


class Training:
    """A descent under way, for callers that watch it: make some steps, look, make more.

    Parameters are those of `train`. The start is scored at once, as step 0.
    """

    def __init__(
        self, X, y, *, eta, init=None, sample_weight=None, alpha=0.0, n_threads=None,
        random_state=None, x_name="X",
    ):  # fmt: skip
        most_threads = checks.as_threads(n_threads) or team.cores()
        self._alpha = checks.as_alpha(alpha)
        X = checks.as_samples(X, x_name)
        y = checks.as_labels(y, len(X))
        weights = checks.as_weights(sample_weight, len(X), X.dtype)
        if isinstance(eta, str) and eta == "auto":
            self.eta = safe_eta(X, weights, self._alpha)
        else:
            self.eta = checks.as_eta(eta)
        if init is None:
            start = checks.as_random_state(random_state).random(X.shape[1] + 1)
        else:
            start = checks.as_parameters(init, X.shape[1])
        self._total_weight = len(X) if weights is None else float(weights.sum(dtype=np.float64))
        self._prepare(X, y, weights, start, most_threads)
        self._advance_to(0, eta=0.0)  # scores the start as it is
        if self.diverged:
            raise ValueError(
                f"init and {x_name} are too large for w.x + b to be finite: start from smaller "
                f"weights, or scale the features."
            )

    def _prepare(self, X, y, sample_weight, start, most_threads):
        """Lay the samples out and allocate what the kernel writes to; it says what is what."""
        kernel = import_kernel(X.dtype.name)
        tiles = lay_out(X, y, sample_weight, kernel)
        num_tiles, d, tile = tiles.values.shape
        tiles_in_block = min(_BLOCK_SAMPLES // tile, _BLOCK_BYTES // tiles.values[0].nbytes)
        num_blocks = -(-num_tiles // max(1, tiles_in_block))
        self._most_threads = threads = min(most_threads, num_blocks)
        folded = d if tile == kernel.NARROW_TILE_SAMPLES else 0
        marks = aligned_empty((8 + num_blocks,), np.int64)
        marks[:] = 0
        self._dtype = X.dtype
        self._models = np.zeros((3, d + 4))
        self._models[_LAST, -1] = -1
        self._neuron = kernel.Neuron(
            tiles.values,
            tiles.weights,
            tiles.weighted,
            tiles.num_positive,
            parameters=start.copy(),
            totals=np.zeros(d + 3),
            models=self._models,
            blocks=np.zeros((num_blocks, d + 3)),
            marks=marks,
            scaled=aligned_empty((threads, d + 1), X.dtype),
            sums=aligned_empty((threads, kernel.SUM_LANES * (d + 3 - folded)), X.dtype),
            rows=aligned_empty((threads, d + 3), np.float64),
        )
        self._step_seconds = num_tiles * tile * (_SECONDS_PER_SAMPLE + _SECONDS_PER_VALUE * d)
        # Blocks that this thread may sum in a call; the first calls are short, then it is adapted.
        self._budget = 1 + int(_SECONDS_PER_CALL / 4 / self._step_seconds * num_blocks)

    @property
    def step(self):
        """Updates made so far."""
        return int(self._models[_LAST, -1])

    @property
    def diverged(self):
        """Whether the next step would have no finite parameters."""
        return self._neuron.diverged

    @property
    def best_accuracy(self):
        """The highest share of correct samples so far."""
        return self._accuracy(self._models[_BEST, -2])

    def _accuracy(self, wrong):
        # Exactly 1 if none is wrong, in whatever order the weights were added.
        return max(0.0, float((self._total_weight - wrong) / self._total_weight))

    def advance(self, num_steps):
        """Make `num_steps` steps, fewer if the descent diverges; false once it has."""
        helpers = self._worthwhile_threads(num_steps) - 1
        if helpers > 0:
            self._neuron.muster()
        with team.helpers(helpers, self._neuron.help, self._neuron.dismiss):
            self._advance_to(self.step + num_steps, self.eta)
        return not self.diverged

    def _worthwhile_threads(self, num_steps):
        if num_steps * self._step_seconds < _LEAST_SECONDS_TO_SHARE:
            return 1
        return max(1, min(self._most_threads, int(self._step_seconds / _LEAST_SECONDS_OF_A_STEP)))

    def _advance_to(self, last_step, eta):
        while self.step < last_step and not self.diverged:
            start = perf_counter()
            self._neuron.descend(eta, self._alpha, last_step, self._budget)
            if self.step < last_step:
                stretch = _SECONDS_PER_CALL / max(perf_counter() - start, 1e-3)
                self._budget = 1 + int(self._budget * min(stretch, 4.0))

    def model(self, row=_LAST):
        """One of the kernel's models as a `Model`."""
        *weights, bias, cost, wrong, step = self._models[row].tolist()
        weights = np.array(weights, dtype=self._dtype)
        return Model(weights, bias, int(step), self._accuracy(wrong), cost)

    def result(self, history=()):
        """The training so far as a `Descent`, with the models of `history`."""
        d = self._models.shape[1] - 4
        weights = np.array([m.weights for m in history], dtype=self._dtype)
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
