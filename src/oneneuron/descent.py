"""Gradient descent on the quadratic cost: arrays in, tiles, kernel, a `Descent` out."""

from dataclasses import dataclass
from time import perf_counter

import numpy as np

from . import checks
from ._dispatch import kernel
from .diagnostics import warn_of_divergence

# The largest second derivative of 1/2 (sigma(z) - y)^2 in z, at sigma = (15 - sqrt(33)) / 24.
MAX_CURVATURE = 0.07702928506

# Rows of the kernel's models.
_LAST, _BEST, _LOWEST = range(3)

_TILES_IN_BLOCK = 32
_BLOCK_DOUBLES = 2**20
_SECONDS_PER_CALL = 0.02


@dataclass(frozen=True)
class Model:
    """The neuron after one step: f(x) = sigma(weights . x + bias).

    Attributes
    ----------
    weights : ndarray of shape (d,), float64
    bias : float
    step : int
        Updates made so far; 0 is the start.
    accuracy : float
        Share of samples, 0 to 1, with ``np.round(f) == y``.
    cost : float
        1/2 sum_i (f(x_i) - y_i)^2.
    """

    weights: np.ndarray
    bias: float
    step: int
    accuracy: float
    cost: float


@dataclass(frozen=True)
class History:
    """The descent at every recorded step, the start included; k records.

    Attributes
    ----------
    step : ndarray of shape (k,), int
    weights : ndarray of shape (k, d), float64
    bias, cost, accuracy : ndarrays of shape (k,), float64
    """

    step: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    cost: np.ndarray
    accuracy: np.ndarray


@dataclass(frozen=True)
class Descent:
    """A finished training.

    Attributes
    ----------
    last, best, lowest : Model
        After the last step; of the highest accuracy, the first if several; of the lowest cost.
        The start counts for the last two only if no step was made.
    history : History
    num_steps : int
        Steps made.
    eta : float
        The step size used.
    stop_reason : str
        ``"num_steps"``, or ``"diverged"`` if the next step had no finite parameters.
    """

    last: Model
    best: Model
    lowest: Model
    history: History
    num_steps: int
    eta: float
    stop_reason: str


class Training:
    """A descent under way, for callers that watch it: make some steps, look, make more.

    Parameters are those of `train`. The start is scored at once, as step 0.
    """

    def __init__(self, X, y, *, eta, init=None, random_state=None, x_name="X"):
        X = checks.as_samples(X, x_name)
        y = checks.as_labels(y, len(X))
        self.eta = safe_eta(X) if isinstance(eta, str) and eta == "auto" else checks.as_eta(eta)
        self._num_samples, num_features = X.shape
        if init is None:
            start = checks.as_random_state(random_state).random(num_features + 1)
        else:
            start = checks.as_parameters(init, num_features)
        self._tiles = pack(X, y)
        self._lay_out(start)
        self._advance_to(0)
        if self.diverged:
            raise ValueError(
                f"init and {x_name} are too large for w.x + b to be finite: start from smaller "
                f"weights, or scale the features."
            )

    def _lay_out(self, start):
        """Allocate what the kernel writes to; see its docstring for the shapes."""
        num_tiles, rows, tile = self._tiles.shape
        self._rows = rows
        self._tiles_in_block = max(1, min(_TILES_IN_BLOCK, _BLOCK_DOUBLES // (rows * tile)))
        self._models = np.zeros((3, rows + 3))
        self._models[_LAST, :rows] = start
        self._models[_LAST, rows] = -1
        self._blocks = np.zeros((-(-num_tiles // self._tiles_in_block), rows + 2))
        self._work = np.zeros((3, rows + 2))
        self._sums = _aligned_empty((8 * (rows + 2),))
        self._next_block = 0
        # A first guess on the slow side; every call measures and corrects it.
        block_seconds = 4e-9 * min(num_tiles, self._tiles_in_block) * tile * rows
        self._budget = max(1, int(_SECONDS_PER_CALL / 4 / block_seconds))

    @property
    def step(self):
        """Updates made so far."""
        return int(self._models[_LAST, self._rows])

    @property
    def diverged(self):
        """Whether the next step would have no finite parameters."""
        return self._next_block < 0

    @property
    def best_accuracy(self):
        """The highest share of correct samples so far."""
        return float(self._models[_BEST, self._rows + 2]) / self._num_samples

    def advance(self, num_steps):
        """Make `num_steps` steps, fewer if the descent diverges; false once it has."""
        self._advance_to(self.step + num_steps)
        return not self.diverged

    def _advance_to(self, last_step):
        """Call the kernel for a short while at a time, so that Ctrl-C and other threads get in."""
        while self.step < last_step and not self.diverged:
            done = self.step * len(self._blocks) + self._next_block
            start = perf_counter()
            self._next_block = kernel.descend(
                self._tiles,
                self._models,
                self._blocks,
                self._work,
                self._sums,
                self._tiles_in_block,
                self.eta,
                last_step,
                self._next_block,
                self._budget,
            )
            seconds = perf_counter() - start
            made = self.step * len(self._blocks) + self._next_block - done
            fitting = int(made * _SECONDS_PER_CALL / max(seconds, 1e-9))
            self._budget = max(1, min(fitting, 4 * self._budget))

    def model(self, row=_LAST):
        """One of the kernel's models as a `Model`."""
        *weights, bias, step, cost, correct = self._models[row].tolist()
        return Model(np.array(weights), bias, int(step), correct / self._num_samples, cost)

    def result(self, history=()):
        """The training so far as a `Descent`, with the models of `history`."""
        return Descent(
            last=self.model(_LAST),
            best=self.model(_BEST),
            lowest=self.model(_LOWEST),
            history=History(
                step=np.array([model.step for model in history], dtype=np.intp),
                weights=np.array([model.weights for model in history]).reshape(-1, self._rows - 1),
                bias=np.array([model.bias for model in history], dtype=np.float64),
                cost=np.array([model.cost for model in history], dtype=np.float64),
                accuracy=np.array([model.accuracy for model in history], dtype=np.float64),
            ),
            num_steps=self.step,
            eta=self.eta,
            stop_reason="diverged" if self.diverged else "num_steps",
        )


def train(X, y, *, eta, num_steps=10_000, init=None, record_every=0, random_state=None):
    """Train one sigmoid neuron by full-batch gradient descent on the quadratic cost.

    Parameters
    ----------
    X : array-like of shape (n, d)
        Samples; computed in float64.
    y : array-like of shape (n,)
        Labels, 0 and 1 (or False and True).
    eta : float or "auto"
        Step size. "auto" is 1/L, with L a bound on the curvature of the cost, so that no step
        raises it; see `safe_eta`.
    num_steps : int, default 10_000
    init : (weights, bias), default None
        The start: weights of shape (d,) and a number. By default d + 1 uniform draws from [0, 1),
        the bias last.
    record_every : int, default 0
        Record step 0 and every so many steps in ``history``; 0 records nothing.
    random_state : None, int, RandomState or Generator, default None
        Where the draws come from; None is NumPy's global state.

    Returns
    -------
    Descent

    Raises
    ------
    ValueError, TypeError
        For input that can't be trained on; nothing has been computed then.
    KeyboardInterrupt
        On Ctrl-C, within a tenth of a second.

    Warns
    -----
    RuntimeWarning
        If the descent diverges; it stops there.

    Examples
    --------
    >>> import oneneuron
    >>> descent = oneneuron.train([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1], eta=1.0,
    ...                           num_steps=1000, init=([0.0], 0.0))
    >>> descent.best.accuracy
    1.0
    """
    num_steps = checks.as_count(num_steps, "num_steps")
    record_every = checks.as_count(record_every, "record_every")
    training = Training(X, y, eta=eta, init=init, random_state=random_state)
    history = []
    if record_every == 0:
        training.advance(num_steps)
    else:
        history.append(training.model())
        while training.step + record_every <= num_steps and training.advance(record_every):
            history.append(training.model())
        training.advance(num_steps - training.step)
    if training.diverged:
        warn_of_divergence(training.step, training.eta)
    return training.result(history)


def safe_eta(X):
    """1/L for samples X of shape (n, d): no step of this size raises the quadratic cost.

    L is MAX_CURVATURE times the largest eigenvalue of Z^T Z with Z = [X, 1].

    Raises
    ------
    ValueError
        If that eigenvalue is not finite.
    """
    n, d = X.shape
    if d < n:
        gram = np.empty((d + 1, d + 1))
        gram[:d, :d] = X.T @ X
        gram[d, :d] = gram[:d, d] = X.sum(axis=0)
        gram[d, d] = n
    else:
        gram = X @ X.T + 1.0
    if not np.isfinite(gram).all():
        raise ValueError("eta = 'auto' needs features whose squares are finite: scale X first.")
    return 1.0 / (MAX_CURVATURE * float(np.linalg.eigvalsh(gram)[-1]))


def pack(X, y):
    """The kernel's tiles of the samples X (n, d) and the labels y (n,), booleans."""
    n, d = X.shape
    tile = kernel.TILE_SAMPLES
    full = n // tile
    whole = full * tile
    signs = np.where(y, 1.0, -1.0)
    tiles = _aligned_empty((-(-n // tile), d + 1, tile))
    # A slab at a time: one call for a large X would keep Ctrl-C waiting for seconds.
    slab = max(1, _BLOCK_DOUBLES // ((d + 1) * tile))
    for first in range(0, full, slab):
        out = tiles[first : min(first + slab, full)]
        samples = slice(first * tile, (first + len(out)) * tile)
        out[:, d] = signs[samples].reshape(-1, tile)
        by_tile = X[samples].reshape(-1, tile, d).transpose(0, 2, 1)
        np.multiply(by_tile, out[:, d:], out=out[:, :d])
    if whole < n:
        tiles[full] = 0.0
        tiles[full, d, : n - whole] = signs[whole:]
        np.multiply(X[whole:].T, signs[whole:], out=tiles[full, :d, : n - whole])
    return tiles


def _aligned_empty(shape, alignment=64):
    """An uninitialised float64 array on a cache line, which no vector load then straddles."""
    num_bytes = 8 * int(np.prod(shape))
    buffer = np.empty(num_bytes + alignment, dtype=np.uint8)
    offset = -buffer.ctypes.data % alignment
    return buffer[offset : offset + num_bytes].view(np.float64).reshape(shape)
