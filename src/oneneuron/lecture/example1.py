"""The lecture's ``example1.py``: the data."""

from __future__ import annotations

import numpy as np

from .._checks import as_count
from .._typing import AnyArray


def get_data(n: int, random_state: int | np.random.RandomState | None = None) -> list[AnyArray]:
    """Return two blobs of points in the plane, with a fifth of them held out for testing.

    Parameters
    ----------
    n : int
        The total number of samples, at least 5.
    random_state : int, RandomState or None, default None
        The source of random numbers. None means NumPy's global state.

    Returns
    -------
    train_pos : ndarray of shape (n_train, 2), float64
        The training samples, four fifths of all.
    test_pos : ndarray of shape (n_test, 2), float64
        The test samples.
    train_value : ndarray of shape (n_train,), int
        The labels of the training samples, 0 or 1.
    test_value : ndarray of shape (n_test,), int
        The labels of the test samples, 0 or 1.

    Raises
    ------
    ValueError, TypeError
        If `n` is not a whole number of 5 or more.
    """
    from sklearn.datasets import make_blobs
    from sklearn.model_selection import train_test_split

    if as_count(n, "n") < 5:
        raise ValueError(f"n must be 5 or more, found {n}: a fifth of the samples is held out.")
    if isinstance(random_state, (int, np.integer)):
        # One stream for both draws: if each had the same seed, the split would depend on the blobs.
        random_state = np.random.RandomState(random_state)
    pos, value = make_blobs(n, centers=2, center_box=(-3, 3), random_state=random_state)
    parts: list[AnyArray] = train_test_split(pos, value, test_size=0.2, random_state=random_state)
    return parts
