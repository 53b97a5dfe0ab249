"""What may stand on the command line, as argparse's types: each says what it must be."""

import argparse
import math


def whole(text, least, most=math.inf):
    """A whole number in a range."""
    value = int(text)
    if not least <= value <= most:
        bound = f"{least} or more" if most == math.inf else f"from {least} to {most}"
        raise argparse.ArgumentTypeError(f"must be {bound}, found {value}")
    return value


def path(text):
    """A path of a file or a folder."""
    if not text:
        raise argparse.ArgumentTypeError("must be a path, found an empty one")
    return text


def count(text):
    """A number of steps."""
    return whole(text, 0)


def steps(text):
    """A number of steps to time."""
    return whole(text, 1)


def threads(text):
    """A number of threads."""
    return whole(text, 1)


def samples(text):
    """A number of samples, of which a fifth is held out."""
    return whole(text, 5)


def seed(text):
    """A seed that NumPy takes."""
    return whole(text, 0, 2**32 - 1)


def positive(text):
    """A finite number above 0."""
    value = float(text)
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"must be finite and above 0, found {text}")
    return value


def share(text):
    """A share of a whole, some of it left."""
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"must be between 0 and 1, found {text}")
    return value


def eta(text):
    """A step size, or "auto"."""
    return text if text == "auto" else positive(text)
