"""The lecture's data: two blobs."""

from __future__ import annotations

import numpy as np

from .._typing import AnyArray
from ..checks import as_count


def get_data(n: int, random_state: int | np.random.RandomState | None = None) -> list[AnyArray]:
    """Two blobs of points in the plane, a fifth of them held out.

    Parameters
    ----------
    n : int
        Samples in all; at least 5, so that one can be held out.
    random_state : None, int or RandomState, default None
        None draws from NumPy's global state.

    Returns
    -------
    train_pos, test_pos : ndarrays of shape (n_train, 2) and (n_test, 2)
    train_value, test_value : ndarrays of shape (n_train,) and (n_test,), 0 or 1
    """
    from sklearn.datasets import make_blobs
    from sklearn.model_selection import train_test_split

    if as_count(n, "n") < 5:
        raise ValueError(f"n must be 5 or more, found {n}: a fifth of the samples is held out.")
    if isinstance(random_state, (int, np.integer)):
        # One stream for both draws: the same seed twice would tie the split to the blobs.
        random_state = np.random.RandomState(random_state)
    pos, value = make_blobs(n, centers=2, center_box=(-3, 3), random_state=random_state)
    parts: list[AnyArray] = train_test_split(pos, value, test_size=0.2, random_state=random_state)
    return parts
