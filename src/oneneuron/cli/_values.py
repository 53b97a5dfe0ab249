"""What may stand on the command line, as argparse's types: each says what it must be."""

from __future__ import annotations

import argparse
import math
from typing import Literal


def whole(text: str, least: int, most: float = math.inf) -> int:
    """A whole number in a range."""
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, found {text}") from None
    if not least <= value <= most:
        bound = f"{least} or more" if most == math.inf else f"from {least} to {most}"
        raise argparse.ArgumentTypeError(f"must be {bound}, found {value}")
    return value


def path(text: str) -> str:
    """A path of a file or a folder."""
    if not text:
        raise argparse.ArgumentTypeError("must be a path, found an empty one")
    return text


def count(text: str) -> int:
    """A number of steps."""
    return whole(text, 0)


def steps(text: str) -> int:
    """A number of steps to time."""
    return whole(text, 1)


def threads(text: str) -> int:
    """A number of threads."""
    return whole(text, 1)


def samples(text: str) -> int:
    """A number of samples, of which a fifth is held out."""
    return whole(text, 5)


def seed(text: str) -> int:
    """A seed that NumPy takes."""
    return whole(text, 0, 2**32 - 1)


def _number(text: str) -> float:
    """A float; NaN, which lies in no range, for what is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def positive(text: str) -> float:
    """A finite number above 0."""
    value = _number(text)
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"must be a number above 0, found {text}")
    return value


def share(text: str) -> float:
    """A share of a whole, some of it left."""
    value = _number(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"must be a number between 0 and 1, found {text}")
    return value


def eta(text: str) -> float | Literal["auto"]:
    """A step size, or "auto"."""
    return "auto" if text == "auto" else positive(text)
