"""Paths and shapes, checked before anything is read."""

from __future__ import annotations

import os
from typing import TypeGuard

import numpy as np

from .. import _checks


def is_path(value: object) -> TypeGuard[str | os.PathLike[str]]:
    return isinstance(value, str | os.PathLike)


def existing(path: str | os.PathLike[str], name: str) -> str:
    """Return a path as a string, or raise FileNotFoundError if nothing is there."""
    found = os.fsdecode(path)
    if not os.path.exists(found):
        raise FileNotFoundError(
            f"{name} must be the path of a file that exists, found {found!r}: correct the path."
        )
    return found


def check_samples_shape(shape: tuple[int, ...]) -> None:
    """Raise the error for an array in memory unless there are two dimensions, neither empty."""
    if len(shape) != 2 or 0 in shape:
        _checks.as_samples(np.broadcast_to(np.float64(0.0), shape))


def check_length(shape: tuple[int, ...], num_samples: int, name: str) -> None:
    """Raise ValueError unless there is one value for each sample."""
    if shape != (num_samples,):
        is_column = shape in ((num_samples, 1), (1, num_samples))
        raise ValueError(
            f"{name} must have shape ({num_samples},), one value for each sample, found shape "
            f"{shape}: "
            + ("flatten it with ravel()." if is_column else "pass the values of the same samples.")
        )
