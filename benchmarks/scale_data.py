"""Samples of any number, made piece by piece: the same rows wherever a piece begins."""

import numpy as np

NUM_FEATURES = 10
ROWS = 2**18  # of a piece: 16 bands, 21 MB
_WEIGHTS = np.linspace(-1.0, 1.0, NUM_FEATURES)


def piece(number, num_rows=ROWS):
    """Return the samples of one piece, and labels that a linear model can tell apart in part."""
    rng = np.random.default_rng(number)
    X = rng.standard_normal((num_rows, NUM_FEATURES))
    return X, (X @ _WEIGHTS + rng.logistic(size=num_rows) > 0).astype(np.uint8)


def pieces(n, first=0):
    """Yield the first row, the samples and the labels of each piece, from row `first` to n."""
    for row in range(first, n, ROWS):
        yield row, *piece(row // ROWS, min(ROWS, n - row))
