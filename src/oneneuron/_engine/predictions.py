"""Margins, classes and probabilities of samples, from the same code as the training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .._typing import FloatArray
from .dispatch import import_kernel
from .passes import as_num_threads
from .predict import predict
from .turns import turn

_MARGINS, _CODES, _PROBABILITIES, _SOFTMAX = range(4)  # as in the `enum Output` of kernel.pxd


class InfiniteMarginError(ValueError):
    """A sample has a margin w.x + b that is infinite or NaN."""


def margins(
    X: FloatArray, coef: FloatArray, intercept: FloatArray, n_threads: int | None = None
) -> FloatArray:
    """Return w.x + b of each sample and neuron.

    Parameters
    ----------
    X : ndarray of shape (n, d), float32 or float64
    coef : ndarray of shape (K, d), float32 or float64
    intercept : ndarray of shape (K,), with the dtype of `coef`
    n_threads : int, default None
        The largest number of threads to use. None means one for each core.

    Returns
    -------
    ndarray of shape (n, K)
        In float32 if both X and the parameters are, and otherwise in float64.

    Raises
    ------
    InfiniteMarginError
        If a margin is not finite.
    """
    dtype = np.result_type(X, coef)
    out = np.empty((len(X), len(coef)), dtype)
    _predict(_MARGINS, X, coef, intercept, out, None, n_threads)
    return out


def class_codes(
    X: FloatArray, coef: FloatArray, intercept: FloatArray, n_threads: int | None = None
) -> NDArray[np.int64]:
    """Return the code of the likeliest class of each sample, of shape (n,).

    It is that of the neuron with the largest margin, the first of equals. With one neuron, it is 1
    if the margin is above 0, and otherwise 0. The arguments are the same as for `margins`.
    """
    out = np.empty(len(X), np.int64)
    _predict(_CODES, X, coef, intercept, None, out, n_threads)
    return out


def probabilities(
    X: FloatArray, coef: FloatArray, intercept: FloatArray, n_threads: int | None = None
) -> FloatArray:
    """Return the probability of each class, of shape (n, num_classes).

    With f = sigma(w.x + b), they are 1 - f and f with one neuron. With more, each f is divided by
    the sum of all. The arguments are the same as for `margins`.
    """
    dtype = np.result_type(X, coef)
    out = np.empty((len(X), max(2, len(coef))), dtype)
    _predict(_PROBABILITIES, X, coef, intercept, out, None, n_threads)
    if len(coef) > 1:
        vanishing = np.flatnonzero(out[:, 0] < 0.0)
        if len(vanishing) > 0:
            out[vanishing] = _quotients(margins(X[vanishing], coef, intercept, n_threads))
    return out


def softmax(
    X: FloatArray, coef: FloatArray, intercept: FloatArray, n_threads: int | None = None
) -> FloatArray:
    """Return the probability of each class from a layer with a softmax, of shape (n, K).

    The arguments are the same as for `margins`.
    """
    out = np.empty((len(X), len(coef)), np.result_type(X, coef))
    _predict(_SOFTMAX, X, coef, intercept, out, None, n_threads)
    return out


def log_probabilities(
    X: FloatArray, coef: FloatArray, intercept: FloatArray, n_threads: int | None = None
) -> FloatArray:
    """Return the logarithms of `probabilities`, which are exact where those underflow.

    The arguments are the same as for `margins`.
    """
    m = margins(X, coef, intercept, n_threads)
    if len(coef) == 1:
        return _log_sigma(np.hstack([-m, m]))
    return _log_quotients(_log_sigma(m))


def log_softmax(
    X: FloatArray, coef: FloatArray, intercept: FloatArray, n_threads: int | None = None
) -> FloatArray:
    """Return the logarithms of `softmax`, which are exact where those underflow.

    The arguments are the same as for `margins`.
    """
    return _log_quotients(margins(X, coef, intercept, n_threads))


def _log_sigma(m: FloatArray) -> FloatArray:
    """Return log f. Both terms are negative, so that no digits cancel."""
    logarithms: FloatArray = np.minimum(m, 0.0) - np.log1p(np.exp(-np.abs(m)))
    return logarithms


def _log_quotients(logarithms: FloatArray) -> FloatArray:
    """Return the logarithm of each number divided by the sum of its row, from their logarithms.

    The largest number of a row is left out of the sum that log1p gets. So the logarithm of a
    quotient close to 1 keeps its digits, too.
    """
    largest = logarithms.argmax(axis=1)[:, None]
    with np.errstate(over="ignore"):  # the logarithm of a quotient may be beyond float32
        ratios = logarithms - np.take_along_axis(logarithms, largest, axis=1)
    others = np.exp(ratios)
    np.put_along_axis(others, largest, 0.0, axis=1)
    quotients: FloatArray = ratios - np.log1p(others.sum(axis=1, keepdims=True))
    return quotients


def _quotients(m: FloatArray) -> FloatArray:
    """Return each f divided by the sum of all, for samples whose f are all close to underflow.

    There, f equals exp(m) to the last digit.
    """
    exponentials = np.exp(m - m.max(axis=1, keepdims=True))
    quotients: FloatArray = exponentials / exponentials.sum(axis=1, keepdims=True)
    return quotients


def _predict(
    output: int, X: FloatArray, coef: FloatArray, intercept: FloatArray,
    reals: FloatArray | None, codes: NDArray[np.int64] | None, n_threads: int | None,
) -> None:  # fmt: skip
    """Write predictions to `reals` or `codes`."""
    dtype = np.result_type(X, coef)
    parameters = np.empty((len(coef), X.shape[1] + 1), dtype)
    parameters[:, :-1], parameters[:, -1] = coef, intercept
    samples, threads = X.astype(dtype, copy=False), as_num_threads(n_threads)
    kernel = import_kernel(dtype.name)
    if len(X) > 0 and predict(kernel, samples, parameters, output, reals, codes, threads, turn):
        raise InfiniteMarginError("w.x + b is not finite for every sample.")
