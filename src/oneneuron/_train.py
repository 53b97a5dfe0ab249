"""Gradient descent of one neuron on the quadratic cost: from a caller's arrays to a `Descent`."""

from __future__ import annotations

from os import PathLike
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from . import _checks
from ._checkpoint import Arrays, Checkpoint, running
from ._diagnostics import infinite_start, warn_of_divergence
from ._engine.passes import as_num_threads
from ._engine.samples import lay_out
from ._engine.second_moments import SecondMoments
from ._engine.training import Training
from ._losses import QUADRATIC, LossName
from ._results import Descent, History, Model, as_models
from ._typing import RandomState


def train(
    X: ArrayLike, y: ArrayLike, *, eta: float | Literal["auto"], num_steps: int = 10_000,
    init: tuple[ArrayLike, float] | None = None, sample_weight: ArrayLike | None = None,
    alpha: float = 0.0, record_every: int = 0, n_threads: int | None = None,
    random_state: RandomState = None, checkpoint: str | PathLike[str] | None = None,
) -> Descent:  # fmt: skip
    """Train one sigmoid neuron by full-batch gradient descent on the quadratic cost.

    The cost is C = 1/2 sum_i u_i (f(x_i) - y_i)^2 + alpha/2 |w|^2, with f(x) = sigma(w.x + b) and
    the sample weights u. Each step moves w by -eta dC/dw and b by -eta dC/db.

    Parameters
    ----------
    X : array-like of shape (n, d)
        The samples. The computation is in float32 for float32 samples, and otherwise in float64.
    y : array-like of shape (n,)
        The labels, 0 and 1 or False and True.
    eta : float or "auto"
        The step size. "auto" means `safe_eta`, with which no step raises the cost.
    num_steps : int, default 10_000
    init : tuple of (array-like of shape (d,), float), default None
        The weights and the bias at the start. By default they are d + 1 uniform draws from [0, 1),
        the bias last.
    sample_weight : array-like of shape (n,), default None
        The weight of each sample, zero or more. A sample of weight 2 counts as two samples. By
        default every weight is 1.
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
    checkpoint : str or path-like, default None
        A file to which the state of the descent is saved: every half minute, at the end, and when
        SIGTERM, Ctrl-C or an error interrupts a pass. If the file exists, the descent continues
        from there, and the result has the same bits as without an interruption. `num_steps` may be
        larger than before, and `n_threads` may be any. A start that is drawn from NumPy's global
        state is read from the file.

    Returns
    -------
    Descent

    Raises
    ------
    ValueError, TypeError
        If an argument is invalid, or if the file `checkpoint` is damaged or belongs to another
        descent. No step is made in that case.
    OSError
        If `checkpoint` cannot be read or written. No step is made in that case.
    KeyboardInterrupt
        On Ctrl-C, within a tenth of a second.

    Warns
    -----
    RuntimeWarning
        If the descent diverges. It then stops early. Also if `checkpoint` cannot be written later
        on, for instance because the disk is full. Training then goes on.

    Examples
    --------
    >>> import oneneuron
    >>> descent = oneneuron.train([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1], eta=1.0,
    ...                           num_steps=1000, init=([0.0], 0.0))
    >>> descent.best.accuracy
    1.0
    """
    num_steps = _checks.as_count(num_steps, "num_steps")
    record_every = _checks.as_count(record_every, "record_every")
    saved = _open_checkpoint(checkpoint, eta, num_steps, alpha, record_every)
    training = start_training(
        X, y, eta=eta, init=init, sample_weight=sample_weight, alpha=alpha, n_threads=n_threads,
        random_state=random_state, checkpoint=saved,
    )  # fmt: skip
    history = _Recording(training, record_every, saved)
    with running(saved, training.solver, history.arrays) as advance_to:
        for _ in training.walk(num_steps, history.strides, advance_to=advance_to):
            history.record()
    if training.diverged:
        warn_of_divergence(training.step, training.eta)
    return training.result(history.models)


def _open_checkpoint(
    path: str | PathLike[str] | None, eta: float | Literal["auto"], num_steps: int, alpha: float,
    record_every: int,
) -> Checkpoint | None:  # fmt: skip
    path = _checks.as_path(path, "checkpoint")
    if path is None:
        return None
    settings = {
        "function": "train", "eta": _checks.as_eta_or_auto(eta),
        "alpha": _checks.as_size(alpha, "alpha"), "record_every": record_every,
    }  # fmt: skip
    return Checkpoint(path, settings, ("num_steps", num_steps))


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
    X: ArrayLike, y: ArrayLike, *, eta: float | Literal["auto"],
    init: tuple[ArrayLike, float] | None = None, sample_weight: ArrayLike | None = None,
    alpha: float = 0.0, n_threads: int | None = None, random_state: RandomState = None,
    x_name: str = "X", checkpoint: Checkpoint | None = None,
) -> Training:  # fmt: skip
    """Check the arguments of `train` and return a `Training` at its start.

    Parameters
    ----------
    X : array-like of shape (n, d)
    y : array-like of shape (n,)
    eta : float or "auto"
    init : tuple of (array-like of shape (d,), float), default None
    sample_weight : array-like of shape (n,), default None
    alpha : float, default 0.0
    n_threads : int, default None
    random_state : int, RandomState, Generator or None, default None
    x_name : str, default "X"
        The name of X in error messages.
    checkpoint : Checkpoint, default None
        If it holds a run, the training is at the step where that was saved.

    Returns
    -------
    Training

    Raises
    ------
    ValueError, TypeError
        If an argument is invalid.
    """
    n_threads = _checks.as_threads(n_threads)
    alpha = _checks.as_size(alpha, "alpha")
    X = _checks.as_samples(X, x_name)
    y = _checks.as_labels(y, len(X))
    sample_weight = _checks.as_sample_weight(sample_weight, len(X), X.dtype)
    eta = _checks.as_eta_or_auto(eta)
    draws = _checks.as_random_state(random_state)
    if init is None:
        start = draws.random(X.shape[1] + 1)
        if checkpoint is not None and random_state is None:
            start = checkpoint.drawn_start(start)
    else:
        start = _checks.as_parameters(init, X.shape[1])
    samples = lay_out(X, y, 2, sample_weight, n_threads=as_num_threads(n_threads))
    if eta == "auto":
        eta = SecondMoments(samples, n_threads=n_threads).safe_eta(alpha, QUADRATIC.max_curvature)
    training = Training(samples, start, eta=eta, alpha=alpha, n_threads=n_threads)
    if training.diverged:
        raise infinite_start(x_name)
    if checkpoint is not None:
        checkpoint.begin(training.solver)
    return training


def safe_eta(
    X: ArrayLike, sample_weight: ArrayLike | None = None, alpha: float = 0.0,
    loss: LossName = "quadratic",
) -> float:  # fmt: skip
    """Return 1/L, the largest step size that is guaranteed never to raise the cost.

    L is a bound on the curvature of the cost: c times the largest eigenvalue of Z^T U Z, plus
    alpha. Z is [X, 1], and U is the diagonal matrix of the sample weights. c is the largest second
    derivative of the loss with respect to w.x + b: 0.0770 for the quadratic loss and 1/4 for the
    log loss.

    Parameters
    ----------
    X : array-like of shape (n, d)
    sample_weight : array-like of shape (n,), default None
    alpha : float, default 0.0
        The strength of the L2 penalty.
    loss : {"quadratic", "log"}, default "quadratic"

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
    0.76
    """
    X = _checks.as_samples(X)
    sample_weight = _checks.as_sample_weight(sample_weight, len(X), X.dtype)
    alpha = _checks.as_size(alpha, "alpha")
    loss_record = _checks.as_loss(loss)
    one_class = np.zeros(len(X), np.uint8)
    samples = lay_out(X, one_class, 1, sample_weight, n_threads=as_num_threads(None))
    return SecondMoments(samples).safe_eta(alpha, loss_record.max_curvature)
