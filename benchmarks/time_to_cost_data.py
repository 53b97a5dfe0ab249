"""The data of `time_to_cost.py`: each name in its tables, and a function that makes X and y."""

from functools import partial

from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    load_wine,
    make_classification,
)
from sklearn.preprocessing import scale


def standardised(load, **kwargs):
    """Return X and y, the features of X with a mean of 0 and a standard deviation of 1."""
    X, y = load(**kwargs)
    return scale(X), y


def made(n, d, **kwargs):
    """Return n samples of d features, of which at most 10 tell the classes apart."""
    informative = min(d, 10)
    redundant = min(d - informative, 2)
    return standardised(
        make_classification, n_samples=n, n_features=d, n_informative=informative,
        n_redundant=redundant, random_state=0, **kwargs,
    )  # fmt: skip


FITS = {
    "iris": partial(standardised, load_iris, return_X_y=True),
    "breast cancer": partial(standardised, load_breast_cancer, return_X_y=True),
    "digits": partial(standardised, load_digits, return_X_y=True),
    "100,000 x 2": partial(made, 100_000, 2),
    "1,000,000 x 2": partial(made, 1_000_000, 2),
    "100,000 x 30": partial(made, 100_000, 30),
    "100,000 x 100": partial(made, 100_000, 100),
    "breast cancer, raw": partial(load_breast_cancer, return_X_y=True),
    "wine, raw": partial(load_wine, return_X_y=True),
}
PREDICTIONS = {
    "1,000,000 x 2": FITS["1,000,000 x 2"],
    "100,000 x 30, 10 classes": partial(made, 100_000, 30, n_classes=10),
}
SPEEDUPS = {name: FITS[name] for name in ("1,000,000 x 2", "100,000 x 30", "100,000 x 100")}
