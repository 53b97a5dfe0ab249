"""The problems that are timed: two overlapping blobs, at five sizes."""

import numpy as np

from oneneuron.compare import Problem

SIZES = ("400x2", "10000x2", "1000000x2", "10000x30", "100000x100")


def make(size, seed=0):
    """Return the problem of a size such as "400x2", n samples by d features.

    The centres are two standard deviations apart. The cost is a sum over n samples, so the step
    size is proportional to 1/n. 5/n is below 2/L, where a descent would begin to oscillate.
    Differences in rounding therefore fade instead of growing.
    """
    n, d = map(int, size.split("x"))
    random = np.random.default_rng(seed)
    y = (random.random(n) < 0.5).astype(float)
    X = random.normal(size=(n, d))
    X += ((2 * y - 1) / d**0.5)[:, None]
    return Problem(X, y, eta=5 / n, start=random.random(d + 1))
