"""Gradient descent of one neuron on the quadratic cost: from a caller's arrays to a `Descent`."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from . import _checks
from ._diagnostics import infinite_start, warn_of_divergence
from ._engine.passes import as_num_threads
from ._engine.samples import lay_out
from ._engine.second_moments import SecondMoments
from ._engine.shards import InMemory
from ._engine.training import Training
from ._losses import QUADRATIC, LossName
from ._results import Descent
from ._typing import RandomState


def train(
    X: ArrayLike, y: ArrayLike, *, eta: float | Literal["auto"], num_steps: int = 10_000,
    init: tuple[ArrayLike, float] | None = None, sample_weight: ArrayLike | None = None,
    alpha: float = 0.0, record_every: int = 0, n_threads: int | None = None,
    random_state: RandomState = None,
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

    Returns
    -------
    Descent

    Raises
    ------
    ValueError, TypeError
        If an argument is invalid. No step is made in that case.
    KeyboardInterrupt
        On Ctrl-C, within a tenth of a second.

    Warns
    -----
    RuntimeWarning
        If the descent diverges. It then stops early.

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
    training = start_training(
        X, y, eta=eta, init=init, sample_weight=sample_weight, alpha=alpha, n_threads=n_threads,
        random_state=random_state,
    )  # fmt: skip
    history = [training.model()] if record_every else []
    for step in training.walk(num_steps, [record_every] if record_every else []):
        if record_every and step % record_every == 0:
            history.append(training.model())
    if training.diverged:
        warn_of_divergence(training.step, training.eta)
    return training.result(history)


def start_training(
    X: ArrayLike, y: ArrayLike, *, eta: float | Literal["auto"],
    init: tuple[ArrayLike, float] | None = None, sample_weight: ArrayLike | None = None,
    alpha: float = 0.0, n_threads: int | None = None, random_state: RandomState = None,
    x_name: str = "X",
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
    else:
        start = _checks.as_parameters(init, X.shape[1])
    laid_out = lay_out(X, y, 2, sample_weight, n_threads=as_num_threads(n_threads))
    samples = InMemory([laid_out], n_threads)
    if eta == "auto":
        eta = SecondMoments(samples).safe_eta(alpha, QUADRATIC.max_curvature)
    training = Training(samples, start, eta=eta, alpha=alpha)
    if training.diverged:
        raise infinite_start(x_name)
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
    return SecondMoments(InMemory([samples])).safe_eta(alpha, loss_record.max_curvature)
