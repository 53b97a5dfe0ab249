"""Gradient descent on the quadratic cost, from arrays to a `Descent`."""

from __future__ import annotations

from typing import Literal

from numpy.typing import ArrayLike

from . import checks
from ._typing import RandomState
from .curvature import SecondMoments
from .diagnostics import warn_of_divergence
from .results import Descent
from .training import Training


def train(
    X: ArrayLike, y: ArrayLike, *, eta: float | Literal["auto"], num_steps: int = 10_000,
    init: tuple[ArrayLike, float] | None = None, sample_weight: ArrayLike | None = None,
    alpha: float = 0.0, record_every: int = 0, n_threads: int | None = None,
    random_state: RandomState = None,
) -> Descent:  # fmt: skip
    """Train one sigmoid neuron by full-batch gradient descent on the quadratic cost.

    Parameters
    ----------
    X : array-like of shape (n, d)
        Samples; float32 is computed in float32, all else in float64.
    y : array-like of shape (n,)
        Labels, 0 and 1 (or False and True).
    eta : float or "auto"
        Step size. "auto" is 1/L, with L a bound on the curvature of the cost, so that no step
        raises it; see `oneneuron.curvature.safe_eta`.
    num_steps : int, default 10_000
    init : (weights, bias), default None
        The start: weights of shape (d,) and a number. By default d + 1 uniform draws from [0, 1),
        the bias last.
    sample_weight : array-like of shape (n,), default None
        Weights u of the samples, zero or more: 2 counts as the same sample twice. Default all 1.
    alpha : float, default 0.0
        L2 penalty: alpha/2 |w|^2 is added to the cost. The bias is left out.
    record_every : int, default 0
        Record step 0 and every so many steps in ``history``; 0 records nothing.
    n_threads : int, default None
        The most threads to use. By default as many as the work is worth, at most one for each
        core of its affinity mask, of its container's limit, and of ``OMP_NUM_THREADS``. The result
        is the same to the last bit.
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
    training = begin(
        X, y, eta=eta, init=init, sample_weight=sample_weight, alpha=alpha, n_threads=n_threads,
        random_state=random_state,
    )  # fmt: skip
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


def begin(
    X: ArrayLike, y: ArrayLike, *, eta: float | Literal["auto"],
    init: tuple[ArrayLike, float] | None = None, sample_weight: ArrayLike | None = None,
    alpha: float = 0.0, n_threads: int | None = None, random_state: RandomState = None,
    x_name: str = "X",
) -> Training:  # fmt: skip
    """A `Training` at its start, from what a caller of `train` hands over."""
    n_threads = checks.as_threads(n_threads)
    alpha = checks.as_size(alpha, "alpha")
    X = checks.as_samples(X, x_name)
    y = checks.as_labels(y, len(X))
    weights = checks.as_weights(sample_weight, len(X), X.dtype)
    eta = checks.as_eta_or_auto(eta)
    draws = checks.as_random_state(random_state)
    if eta == "auto":
        eta = SecondMoments(X, weights).safe_eta(alpha, "quadratic")
    if init is None:
        start = draws.random(X.shape[1] + 1)
    else:
        start = checks.as_parameters(init, X.shape[1])
    training = Training(
        X, y, start, eta=eta, sample_weight=weights, alpha=alpha, n_threads=n_threads
    )
    if training.diverged:
        raise ValueError(
            f"init and {x_name} are too large for w.x + b to be finite: start from smaller "
            f"weights, or scale the features."
        )
    return training
