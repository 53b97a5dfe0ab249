"""Gradient descent of one neuron on the quadratic cost: from a caller's arrays to a `Descent`."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Literal, NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike

from . import _checks
from ._checkpoint import Arrays, Checkpoint, running
from ._diagnostics import OF_TRAIN, infinite_start
from ._engine.passes import as_num_threads
from ._engine.samples import band_rows, lay_out
from ._engine.second_moments import SecondMoments
from ._engine.shards import Form, InMemory, Shards
from ._engine.team import ALONE, SharedDraws, Team
from ._laying_out import (
    bands_before,
    lay_out_arrays,
    lay_out_rows,
    needs_scratch,
    of_team,
    own_rows,
)
from ._losses import LossName
from ._results import Descent, History, Model, as_models
from ._tables import is_on_disk, open_table, read_weights
from ._team_arrays import agree_on_arrays, have_no_rows
from ._training import Training
from ._typing import AnyArray, FloatArray, RandomState, SamplesLike


def train(
    X: SamplesLike, y: ArrayLike, *, eta: float | Literal["auto"], num_steps: int = 10_000,
    init: tuple[ArrayLike, float] | None = None, sample_weight: ArrayLike | None = None,
    alpha: float = 0.0, record_every: int = 0, n_threads: int | None = None,
    random_state: RandomState = None, scratch: str | PathLike[str] | None = None,
    checkpoint: str | PathLike[str] | None = None,
) -> Descent:  # fmt: skip
    """Train one sigmoid neuron by full-batch gradient descent on the quadratic cost.

    The cost is ``C = 1/2 sum_i u_i (f(x_i) - y_i)^2 + alpha/2 |w|^2``, with f(x) = sigma(w.x + b)
    and the sample weights u. Each step moves w by -eta dC/dw and b by -eta dC/db.

    Parameters
    ----------
    X : array-like of shape (n, d), or path
        The samples. The computation is in float32 for float32 samples, and otherwise in float64.
        With `scratch`, it may be the path of a ``.npy`` file, of a Parquet file or of a folder of
        Parquet files, or a memory map. These are read in pieces.
    y : array-like of shape (n,), path or str
        The labels, 0 and 1 or False and True. If X is a file, y may be one, too, or the name of a
        column of a Parquet file. The other columns are the features.
    eta : float or "auto"
        The step size. "auto" means `safe_eta`, with which no step raises the cost: start with it.
        If the cost falls too slowly, try 2, 5 and 10 times `safe_eta`, as long as the learning
        curve keeps falling. A safe eta is smaller for more samples, since the cost is a sum over
        all of them.
    num_steps : int, default 10_000
        The number of steps.
    init : tuple of (array-like of shape (d,), float), default None
        The weights and the bias at the start. By default they are d + 1 uniform draws from [0, 1),
        the bias last.
    sample_weight : array-like of shape (n,), default None
        The weight of each sample, zero or more. A sample of weight 2 counts as two samples. By
        default every weight is 1. If X is a file, it may be given in the same ways as y.
    alpha : float, default 0.0
        The strength of the L2 penalty. The bias is not penalised.
    record_every : int, default 0
        Record the start and every `record_every` steps in ``history``; 0 records nothing.
    n_threads : int, default None
        The largest number of threads to use. By default, as many as speed up the work, but at most
        one for each core that the affinity mask, the container and ``OMP_NUM_THREADS`` allow. If
        more are asked for, at most two for each core are used. The result does not depend on the
        number of threads.
    random_state : int, RandomState, Generator or None, default None
        The source of random numbers. None means NumPy's global state.
    scratch : str or path-like, default None
        A folder for samples that do not fit into memory. They are written to a temporary file
        there, which takes as much space as X in its dtype, and is read in each step. The result has
        the same bits as in memory. The file is gone at the end, however the training ends.
    checkpoint : str or path-like, default None
        A file to which the state of the descent is saved: every half minute, at the end, and when
        SIGTERM, Ctrl-C or an error interrupts a pass. If the file exists, the descent continues
        from there, and the result has the same bits as without an interruption. `num_steps` may be
        larger than before, and `n_threads` may be any. A start that is drawn from NumPy's global
        state is read from the file.

    Returns
    -------
    Descent
        The models at the end and along the way.

    Raises
    ------
    ValueError, TypeError
        If an argument is invalid, or if the file `checkpoint` is damaged or belongs to another
        descent. No step is made in that case.
    OSError
        If a file cannot be read or written. No step is made in that case.
    KeyboardInterrupt
        On Ctrl-C, within a tenth of a second.

    Warns
    -----
    UserWarning
        If all samples are of one class.
    RuntimeWarning
        If the descent failed, with the reason and a remedy: it diverged, and stopped early; the
        cost rose; the neuron is saturated; it has learned nothing or little in 100 steps or more.
        Also if `checkpoint` cannot be written later on, for instance because the disk is full.
        Training then goes on.

    References
    ----------
    M. A. Nielsen, Neural Networks and Deep Learning, Determination Press 2015, chapters 1 and 3:
    sigmoid neurons, gradient descent on the quadratic cost, and saturation.

    Examples
    --------
    >>> import oneneuron
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1]
    >>> descent = oneneuron.train(X, y, eta=1.0, init=([0.0], 0.0))
    >>> descent.best.accuracy
    1.0
    """
    num_steps = _checks.as_count(num_steps, "num_steps")
    record_every = _checks.as_count(record_every, "record_every")
    saved = open_checkpoint(checkpoint, eta, num_steps, alpha, record_every)
    training = start_training(
        X, y, eta=eta, init=init, sample_weight=sample_weight, alpha=alpha, n_threads=n_threads,
        random_state=random_state, scratch=scratch, checkpoint=saved,
    )  # fmt: skip
    return run(training, num_steps, record_every, saved)


def run(training: Training, num_steps: int, record_every: int, saved: Checkpoint | None) -> Descent:
    """Make the steps of `train` that are left, and return the result."""
    history = _Recording(training, record_every, saved)
    with running(saved, training.solver, history.arrays) as advance_to:
        for _ in training.walk(num_steps, history.strides, advance_to=advance_to):
            history.record()
    training.diagnose(OF_TRAIN)
    return training.result(history.models)


def open_checkpoint(
    path: str | PathLike[str] | None, eta: float | Literal["auto"], num_steps: int, alpha: float,
    record_every: int, team: Team = ALONE,
) -> Checkpoint | None:  # fmt: skip
    """Return the checkpoint of a training, if there is to be one."""
    path = _checks.as_path(path, "checkpoint")
    if path is None:
        return None
    settings = {
        "function": "train", "eta": _checks.as_eta_or_auto(eta),
        "alpha": _checks.as_size(alpha, "alpha"), "record_every": record_every,
    }  # fmt: skip
    return Checkpoint(path, settings, ("num_steps", num_steps), team)


class _Recording:
    """The recorded models of a descent, from its start on or from where a checkpoint ends."""

    def __init__(
        self, training: Training, record_every: int, checkpoint: Checkpoint | None
    ) -> None:
        self._training, self._every = training, record_every
        self.strides = [record_every] if record_every else []
        self.models: list[Model] = []
        if checkpoint is not None and checkpoint.record is not None:
            self.models = as_models(History(**checkpoint.record))
        self.record()

    def record(self) -> None:
        """Record the current model, if that is due and has not been done."""
        seen = self.models[-1].step if self.models else -1
        if self._every and seen < self._training.step and self._training.step % self._every == 0:
            self.models.append(self._training.model())

    def arrays(self) -> Arrays:
        """Return what has been recorded, for a checkpoint."""
        return self._training.result(self.models).history._asdict()


def start_training(
    X: SamplesLike, y: ArrayLike, *, eta: float | Literal["auto"],
    init: tuple[ArrayLike, float] | None = None, sample_weight: ArrayLike | None = None,
    alpha: float = 0.0, n_threads: int | None = None, random_state: RandomState = None,
    scratch: str | PathLike[str] | None = None, x_name: str = "X",
    checkpoint: Checkpoint | None = None, team: Team = ALONE,
) -> Training:  # fmt: skip
    """Check the arguments of `train` and return a `Training` at its start.

    Parameters
    ----------
    X, y, eta, init, sample_weight, alpha, n_threads, random_state, scratch
        As for `train`. Each member of a team passes arrays of its own, or the same files.
    x_name : str, default "X"
        The name of X in error messages.
    checkpoint : Checkpoint, default None
        If it holds a run, the training is at the step where that was saved.
    team : Team
        Those who train together.

    Returns
    -------
    Training

    Raises
    ------
    ValueError, TypeError
        If an argument is invalid.
    """
    n_threads = team.agree(lambda: _checks.as_threads(n_threads))
    alpha = _checks.as_size(alpha, "alpha")
    eta = _checks.as_eta_or_auto(eta)
    folder = team.agree(lambda: _checks.as_folder(scratch, "scratch"))
    draws = SharedDraws(team, _checks.as_random_state(random_state))
    if is_on_disk(X) and (folder is not None or not isinstance(X, np.ndarray)):
        rows = _table_rows(X, y, sample_weight, folder, n_threads, x_name, team)
    else:
        rows = _array_rows(X, y, sample_weight, folder, n_threads, x_name, team)
    if init is None:
        start = draws.random(rows.num_features + 1)
        if checkpoint is not None and random_state is None:
            start = checkpoint.drawn_start(start)
    else:
        start = _checks.as_parameters(init, rows.num_features)
    samples = of_team(team, rows.lay_out)
    training = Training(samples, start, eta=eta, alpha=alpha)
    if training.diverged:
        raise infinite_start(x_name)
    if checkpoint is not None:
        checkpoint.begin(training.solver)
    return training


class _Rows(NamedTuple):
    """The rows of a training that have been checked, and a function that lays them out."""

    num_features: int
    lay_out: Callable[[], Shards]


def _array_rows(
    X: SamplesLike, y: ArrayLike, sample_weight: ArrayLike | None, folder: Path | None,
    n_threads: int | None, x_name: str, team: Team,
) -> _Rows:  # fmt: skip
    """Return the rows of arrays in memory."""

    def checked() -> tuple[FloatArray | None, AnyArray, FloatArray | None]:
        if team.size > 1 and have_no_rows(X, y):
            return None, np.empty(0, np.uint8), None
        samples = _checks.as_samples(cast("ArrayLike", X), x_name)
        codes = _checks.as_labels(y, len(samples))
        weights = _checks.as_sample_weight(
            sample_weight, len(codes), samples.dtype, may_all_be_zero=team.size > 1
        )
        return samples, codes, weights

    own, codes, own_weights = team.agree(checked)
    samples, weights, _ = agree_on_arrays(team, own, own_weights)
    first_band = bands_before(len(codes), 2, team)
    return _Rows(
        samples.shape[1],
        lambda: lay_out_arrays(
            samples, codes, 2, weights, folder=folder, n_threads=n_threads, first_band=first_band
        ),
    )


def _table_rows(
    X: SamplesLike, y: ArrayLike, sample_weight: ArrayLike | None, folder: Path | None,
    n_threads: int | None, x_name: str, team: Team,
) -> _Rows:  # fmt: skip
    """Return the rows of a table on the disk, which are checked when they are read."""
    if folder is None and team.size == 1:
        raise needs_scratch(x_name)
    table, labels, weights = team.agree(lambda: open_table(X, y, sample_weight))
    own_first, own_end = own_rows(table.shape[0], band_rows(2), team)

    def read(first: int, end: int) -> tuple[FloatArray, AnyArray, FloatArray | None]:
        first, end = own_first + first, own_first + end
        given = read_weights(weights, first, end, table.dtype)
        codes = _checks.as_labels(labels.read(first, end), end - first, first_row=first)
        return table.read(first, end), codes, given

    form = Form(table.shape[1], 2, table.dtype, weights is not None)
    return _Rows(
        table.shape[1],
        lambda: lay_out_rows(
            read, own_end - own_first, form, folder=folder, n_threads=n_threads,
            first_band=own_first // band_rows(2),
        ),
    )  # fmt: skip


def safe_eta(
    X: ArrayLike, *, sample_weight: ArrayLike | None = None, alpha: float = 0.0,
    loss: LossName = "quadratic",
) -> float:  # fmt: skip
    """Return 1/L, a step size that is guaranteed never to raise the cost.

    L is a bound on the curvature of the cost: c times the largest eigenvalue of Z^T U Z, plus
    alpha. Z is [X, 1], and U is the diagonal matrix of the sample weights. c is the largest second
    derivative of the loss with respect to w.x + b: 0.0770 for the quadratic loss and 1/4 for the
    log loss. No step size below 2/L raises the cost, but 1/L guarantees the largest fall.

    Parameters
    ----------
    X : array-like of shape (n, d)
        The samples.
    sample_weight : array-like of shape (n,), default None
        The weight of each sample. By default every weight is 1.
    alpha : float, default 0.0
        The strength of the L2 penalty.
    loss : {"quadratic", "log"}, default "quadratic"
        The loss of the training. `train` has the quadratic one.

    Returns
    -------
    float
        1/L, rounded down to 12 bits. Without this rounding, the descent would depend on the linear
        algebra library, which determines the last digits of the eigenvalue.

    Raises
    ------
    ValueError, TypeError
        If an argument is invalid, or if L is not finite.

    References
    ----------
    Y. Nesterov, Introductory Lectures on Convex Optimization, Springer 2004, section 1.2.3: a step
    of 1/L on a function whose gradient has the Lipschitz constant L never raises it.

    Examples
    --------
    >>> import oneneuron
    >>> print(f"{oneneuron.safe_eta([[0.0], [1.0], [2.0], [3.0]]):.2f}")
    0.77
    """
    X = _checks.as_samples(X)
    sample_weight = _checks.as_sample_weight(sample_weight, len(X), X.dtype)
    alpha = _checks.as_size(alpha, "alpha")
    loss_record = _checks.as_loss(loss)
    one_class = np.zeros(len(X), np.uint8)
    samples = lay_out(X, one_class, 1, sample_weight, n_threads=as_num_threads(None))
    return SecondMoments(InMemory([samples])).safe_eta(alpha, loss_record.max_curvature)
