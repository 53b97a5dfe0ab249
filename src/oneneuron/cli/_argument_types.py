"""Types for argparse: each converts one value of the command line, or says what it must be."""

from __future__ import annotations

import argparse
import math
from typing import Literal


def path(text: str) -> str:
    """Return the path of a file or a folder."""
    if not text:
        raise argparse.ArgumentTypeError("must be a path, found an empty string")
    return text


def num_steps(text: str) -> int:
    """Return a number of steps."""
    return _whole_number(text, 0)


def num_timed_steps(text: str) -> int:
    """Return a number of steps to time, at least 1."""
    return _whole_number(text, 1)


def num_threads(text: str) -> int:
    """Return a number of threads, at least 1."""
    return _whole_number(text, 1)


def num_samples(text: str) -> int:
    """Return a number of samples, at least 5, since a fifth of them is held out."""
    return _whole_number(text, 5)


def seed(text: str) -> int:
    """Return a seed in the range that NumPy accepts."""
    return _whole_number(text, 0, 2**32 - 1)


def positive_number(text: str) -> float:
    """Return a finite number above 0."""
    value = _number(text)
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"must be a number above 0, found {text}")
    return value


def fraction(text: str) -> float:
    """Return a number above 0 and below 1."""
    value = _number(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"must be a number between 0 and 1, found {text}")
    return value


def eta(text: str) -> float | Literal["auto"]:
    """Return a step size, or "auto"."""
    return "auto" if text == "auto" else positive_number(text)


def _whole_number(text: str, least: int, most: float = math.inf) -> int:
    """Return a whole number from `least` to `most`."""
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, found {text}") from None
    if not least <= value <= most:
        bound = f"{least} or more" if most == math.inf else f"from {least} to {most}"
        raise argparse.ArgumentTypeError(f"must be {bound}, found {value}")
    return value


def _number(text: str) -> float:
    """Return a float; NaN, which lies in no range, if the text is not a number."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def alpha(text: str) -> float | Literal["auto"]:
    """Return the strength of a penalty, 0 or more, or "auto"."""
    if text == "auto":
        return "auto"
    value = _number(text)
    if not (math.isfinite(value) and value >= 0):
        raise argparse.ArgumentTypeError(f"must be 'auto' or 0 or more, found {text}")
    return value


def num_folds(text: str) -> int:
    """Return a number of folds, at least 2."""
    return _whole_number(text, 2)
