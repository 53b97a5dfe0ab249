"""The problems that are timed: two overlapping clouds of made data, at five sizes."""

import numpy as np

from oneneuron.compare._problem import Problem

SIZES = ("400x2", "10000x2", "1000000x2", "10000x30", "100000x100")


def make(size, seed=0):
    """The problem of a size such as "400x2": the centres are two standard deviations apart.

    The sums of the cost grow with n, so the step size shrinks with it. 5/n is below the 2/L at
    which a descent starts to swing: differences in rounding then fade instead of growing.
    """
    n, d = map(int, size.split("x"))
    random = np.random.default_rng(seed)
    y = (random.random(n) < 0.5).astype(float)
    X = random.normal(size=(n, d))
    X += ((2 * y - 1) / d**0.5)[:, None]
    return Problem(X, y, eta=5 / n, start=random.random(d + 1))
