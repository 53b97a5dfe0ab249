"""Data for lessons: each function draws samples on which one effect can be seen.

All functions take and return the same as `oneneuron.lecture.example1.get_data`, so the code of the
lecture runs on them as it is. The test samples show what a model has learned: they have neither
outliers nor wrong labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .. import _checks
from .._typing import Float64Array, RandomDraws, RandomState

_Labels: TypeAlias = NDArray[np.int64]
_Parts: TypeAlias = tuple[Float64Array, Float64Array, _Labels, _Labels]

# With fewer samples, some clouds would have hardly any, and the effects would depend on the draws.
_LEAST_SAMPLES = 50


def get_two_minima(n: int = 500, random_state: RandomState = None) -> _Parts:
    """Return three clouds in a row, for which the quadratic cost has two minima.

    70 % of the samples are in the middle, at (0, 0), and have class 0. On the left, at (-4, 0), are
    18 % and on the right, at (4, 0), are 12 %. Both have class 1. A line can cut off the left cloud
    or the right one, but not both. The start decides which of them a descent on the quadratic cost
    finds: from w = (-1, 0) and b = -3 it ends on the left, with about 87 % of the samples right,
    and from w = (1, 0) and b = -3 on the right, with about 81 %. Starts near zero, such as the
    lecture's, end on the left. With a small penalty, such as that of
    `oneneuron.NeuronClassifier`, each of the two lines is a minimum of the cost.

    The log loss has a single minimum: a compromise between the two lines, with small weights.

    Parameters
    ----------
    n : int, default 500
        The total number of samples, at least 50.
    random_state : int, RandomState, Generator or None, default None
        The source of random numbers. None means NumPy's global state.

    Returns
    -------
    train_pos : ndarray of shape (n_train, 2), float64
        The training samples, four fifths of all.
    test_pos : ndarray of shape (n_test, 2), float64
        The test samples.
    train_value : ndarray of shape (n_train,), int64
        The labels of the training samples, 0 or 1.
    test_value : ndarray of shape (n_test,), int64
        The labels of the test samples, 0 or 1.

    Raises
    ------
    ValueError, TypeError
        If `n` is not a whole number of 50 or more, or if `random_state` is invalid.

    References
    ----------
    P. Auer, M. Herbster and M. K. Warmuth, Exponentially many local minima for single neurons,
    Advances in Neural Information Processing Systems 8, 1995: the number of minima can grow
    exponentially with the number of features.

    Examples
    --------
    >>> import oneneuron
    >>> from oneneuron.lecture import lessons
    >>> x, _, y, _ = lessons.get_two_minima(random_state=0)
    >>> for start in ([-1.0, 0.0], [1.0, 0.0]):
    ...     descent = oneneuron.train(x, y, eta="auto", init=(start, -3.0))
    ...     print(f"{100 * descent.last.accuracy:.0f} %")
    88 %
    81 %
    """
    draws = _checks.as_random_state(random_state)
    pos, cloud = _clouds(n, ((0.0, 0.0), (-4.0, 0.0), (4.0, 0.0)), (0.7, 0.18, 0.12), draws)
    return _split(pos, np.minimum(cloud, 1))


def get_outliers(n: int = 500, random_state: RandomState = None) -> _Parts:
    """Return two clouds of which some training samples lie far away, on the wrong side.

    The clouds are centred at (-1.5, 0) for class 0 and at (1.5, 0) for class 1. One in 25 training
    samples is an outlier: it has class 0, but it lies around (20, 0), far beyond the cloud of
    class 1. With the log loss, the cost of a sample grows with its distance from the line, so the
    outliers pull the line out of place. LogisticRegression gets only about 80 % of the test samples
    right. With the quadratic cost, a sample costs at most 1/2. The neuron gives up the outliers and
    gets about 93 % right, as many as without them.

    This has a limit. Outliers around (30, 0) also mislead many descents on the quadratic cost that
    start at zero, where the pull of a sample is proportional to its distance from (0, 0). Another
    start helps, as with ``n_init=10`` of `oneneuron.NeuronClassifier`.

    Parameters
    ----------
    n : int, default 500
        The total number of samples, at least 50.
    random_state : int, RandomState, Generator or None, default None
        The source of random numbers. None means NumPy's global state.

    Returns
    -------
    train_pos : ndarray of shape (n_train, 2), float64
        The training samples, four fifths of all.
    test_pos : ndarray of shape (n_test, 2), float64
        The test samples.
    train_value : ndarray of shape (n_train,), int64
        The labels of the training samples, 0 or 1.
    test_value : ndarray of shape (n_test,), int64
        The labels of the test samples, 0 or 1.

    Raises
    ------
    ValueError, TypeError
        If `n` is not a whole number of 50 or more, or if `random_state` is invalid.

    References
    ----------
    H. Masnadi-Shirazi and N. Vasconcelos, On the design of loss functions for classification:
    theory, robustness to outliers, and SavageBoost, Advances in Neural Information Processing
    Systems 21, 2008. Up to scale, the loss of this article is the lecture's.
    """
    draws = _checks.as_random_state(random_state)
    pos, value = _clouds(n, ((-1.5, 0.0), (1.5, 0.0)), (0.5, 0.5), draws)
    train_pos, test_pos, train_value, test_value = _split(pos, value)
    # The order is random, so the first samples of a class are a random choice.
    outliers = np.flatnonzero(train_value == 0)[: len(train_value) // 25]
    train_pos[outliers] += (21.5, 0.0)
    return train_pos, test_pos, train_value, test_value


def get_wrong_labels(n: int = 500, random_state: RandomState = None) -> _Parts:
    """Return two clouds of which 30 % of class 1 are labelled 0 in the training samples.

    The clouds are centred at (-2, 0) for class 0 and at (2, 0) for class 1, and they hardly
    overlap. The wrong labels are all on one side, which pulls the line into the cloud of class 1.
    A wrong label costs more the deeper in the other cloud its sample lies. With the quadratic cost,
    it costs at most 1/2, and so its pull is weaker: the neuron gets some 4 % more of the test
    samples right than LogisticRegression does. If wrong labels were as common on both sides, they
    would do little harm to either.

    The output of a neuron also shows which labels to check: most of the samples with the largest
    errors ``abs(f - y)`` are those with a wrong label.

    Parameters
    ----------
    n : int, default 500
        The total number of samples, at least 50.
    random_state : int, RandomState, Generator or None, default None
        The source of random numbers. None means NumPy's global state.

    Returns
    -------
    train_pos : ndarray of shape (n_train, 2), float64
        The training samples, four fifths of all.
    test_pos : ndarray of shape (n_test, 2), float64
        The test samples.
    train_value : ndarray of shape (n_train,), int64
        The labels of the training samples, 0 or 1.
    test_value : ndarray of shape (n_test,), int64
        The labels of the test samples, 0 or 1.

    Raises
    ------
    ValueError, TypeError
        If `n` is not a whole number of 50 or more, or if `random_state` is invalid.
    """
    draws = _checks.as_random_state(random_state)
    pos, value = _clouds(n, ((-2.0, 0.0), (2.0, 0.0)), (0.5, 0.5), draws)
    train_pos, test_pos, train_value, test_value = _split(pos, value)
    ones = np.flatnonzero(train_value)
    train_value[ones[: 3 * len(ones) // 10]] = 0
    return train_pos, test_pos, train_value, test_value


def get_unlike_scales(n: int = 500, random_state: RandomState = None) -> _Parts:
    """Return two clouds whose second feature is a thousand times larger than the first.

    It is as if one length were in metres and the other in millimetres. The first feature says much
    about the class, and the second says little. A step that is safe for the second one is too small
    to move the weight of the first. After the lecture's 10,000 steps of a safe size, gradient
    descent gets less than 85 % right. If both features are divided by their standard deviations, it
    gets about 97 % right. The solver "lbfgs" of `oneneuron.NeuronClassifier` does that by itself.

    The lecture's start, with weights between 0 and 1, adds another trouble: w.x + b is in the
    hundreds, so almost all outputs are 0 or 1. The neuron is saturated, and the gradient nearly
    vanishes.

    Parameters
    ----------
    n : int, default 500
        The total number of samples, at least 50.
    random_state : int, RandomState, Generator or None, default None
        The source of random numbers. None means NumPy's global state.

    Returns
    -------
    train_pos : ndarray of shape (n_train, 2), float64
        The training samples, four fifths of all.
    test_pos : ndarray of shape (n_test, 2), float64
        The test samples.
    train_value : ndarray of shape (n_train,), int64
        The labels of the training samples, 0 or 1.
    test_value : ndarray of shape (n_test,), int64
        The labels of the test samples, 0 or 1.

    Raises
    ------
    ValueError, TypeError
        If `n` is not a whole number of 50 or more, or if `random_state` is invalid.
    """
    draws = _checks.as_random_state(random_state)
    pos, value = _clouds(n, ((-1.8, -0.75), (1.8, 0.75)), (0.5, 0.5), draws)
    return _split(pos * (1.0, 1000.0), value)


def _clouds(
    n: int, centres: Sequence[tuple[float, float]], shares: Sequence[float], draws: RandomDraws
) -> tuple[Float64Array, _Labels]:
    """Draw n samples from clouds of standard deviation 1, in random order.

    Parameters
    ----------
    n : int
    centres : sequence of (float, float)
    shares : sequence of float
        The share of the samples in each cloud. They add up to 1.
    draws : RandomDraws

    Returns
    -------
    pos : ndarray of shape (n, 2)
    cloud : ndarray of shape (n,), int
        The number of each sample's cloud, from 0.
    """
    n = _checks.as_count(n, "n", least=_LEAST_SAMPLES)
    sizes = np.diff(np.rint(n * np.cumsum([0.0, *shares])).astype(np.int64))
    cloud = np.repeat(np.arange(len(sizes), dtype=np.int64), sizes)
    cloud = cloud[np.argsort(draws.random(n))]
    return draws.standard_normal((n, 2)) + np.array(centres)[cloud], cloud


def _split(pos: Float64Array, value: _Labels) -> _Parts:
    """Hold out the last fifth of the samples for testing, as the lecture does."""
    n_train = 4 * len(value) // 5
    return pos[:n_train], pos[n_train:], value[:n_train], value[n_train:]
