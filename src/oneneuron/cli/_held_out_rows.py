"""The choice of the rows that a model is tested on, and not trained on."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .._formatting import counted


def held_out_fraction(codes: NDArray[np.intp], fraction: float, seed: int) -> NDArray[np.intp]:
    """Return the numbers of the rows to hold out: about this fraction of each class.

    One row of each class is never held out, so that the training sees all classes.

    Parameters
    ----------
    codes : ndarray of shape (n,)
        The number of the class of each row.
    fraction : float
        Above 0 and below 1.
    seed : int

    Returns
    -------
    ndarray of shape (m,), sorted

    Raises
    ------
    ValueError
        If no row is left to hold out.
    """
    order = _by_class(codes, seed)
    candidates = order[1:][np.diff(codes[order]) == 0]  # all but the first of each class
    _check_candidates(candidates, codes)
    count = min(math.ceil(fraction * len(codes)), len(candidates))
    # Evenly spaced candidates, which are in the order of their classes.
    chosen = np.diff(np.arange(len(candidates) + 1) * count // len(candidates)) > 0
    return np.sort(candidates[chosen])


def held_out_folds(codes: NDArray[np.intp], num_folds: int, seed: int) -> list[NDArray[np.intp]]:
    """Return the numbers of the rows to hold out in each fold: about as many of each class.

    Every row is held out once, apart from those that are the only one of their class, so that the
    training always sees all classes.

    Parameters
    ----------
    codes : ndarray of shape (n,)
        The number of the class of each row.
    num_folds : int
        At least 2.
    seed : int

    Returns
    -------
    list of ndarrays, sorted

    Raises
    ------
    ValueError
        If there are more folds than rows to hold out, or no such rows.
    """
    order = _by_class(codes, seed)
    candidates = order[np.bincount(codes)[codes[order]] > 1]
    _check_candidates(candidates, codes)
    if len(candidates) < num_folds:
        raise ValueError(
            f"--cv must be at most {len(candidates)}, the number of rows that are not the only one "
            f"of their class, found {num_folds}: choose fewer folds or add rows."
        )
    return [np.sort(candidates[fold::num_folds]) for fold in range(num_folds)]


def _by_class(codes: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
    """Return the numbers of all rows, ordered by class, and at random within a class."""
    order = np.random.default_rng(seed).permutation(len(codes))
    return order[np.argsort(codes[order], kind="stable")]


def _check_candidates(candidates: NDArray[np.intp], codes: NDArray[np.intp]) -> None:
    if len(candidates) == 0:
        raise ValueError(
            f"--target must name a column with two rows of a class, one to train on and one to "
            f"hold out, found {counted(len(codes), 'row')}, each of a class of its own: choose "
            f"another column, or add rows."
        )
