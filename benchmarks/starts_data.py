"""The data of `starts.py`: the tables of `defaults.py`, and three kinds of generated data."""

from functools import partial
from itertools import product

import defaults_data
import numpy as np
from label_noise import clouds, spoil
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

MAX_ROWS = 1000  # of which 700 are for training

# With raw features, training ends after 10,000 steps and 10 seconds, far from any minimum.
LEFT_OUT = ("leaf_id_flavia",)


def split(X, y, seed=0):
    """Return 70 % of the samples for training and 30 % for testing."""
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
    return X, y, X_test, y_test


def standardised(X, y, X_test, y_test):
    """Standardise all samples by those for training."""
    scaler = StandardScaler().fit(X)
    return scaler.transform(X), y, scaler.transform(X_test), y_test


def table_cases(seeds):
    """Yield the kind, the name and the samples of each table. It has a single split."""
    for table in defaults_data.tables(MAX_ROWS):
        samples = split(table.X, table.y)
        yield "standardised", table.name, standardised(*samples)
        if table.name not in LEFT_OUT:
            yield "raw", table.name, samples


def small(load, seed):
    """Return a part of a data set of scikit-learn, standardised."""
    X, y = load(return_X_y=True)
    return standardised(*split(X[:MAX_ROWS], y[:MAX_ROWS], seed))


def outlier_cases(seeds):
    """Yield data in which a part of the training samples is far away and has wrong labels."""
    loads = load_breast_cancer, load_iris, load_wine, load_digits
    sources = {"clouds": clouds} | {load.__name__[5:]: partial(small, load) for load in loads}
    for name, rate, seed in product(sources, (0.01, 0.05, 0.1), range(seeds)):
        X, y, *test = sources[name](seed)
        yield "outliers", f"{name} {rate}", (*spoil(X, y, "outliers", rate, seed), *test)


def rare_cases(seeds):
    """Yield clouds in 5 dimensions. All classes but the first are rare."""
    all_shares = ((0.99, 0.01), (0.9, 0.07, 0.02, 0.01), (0.97, *6 * [0.005]))
    for shares, distance, seed in product(all_shares, (1.0, 2.0, 4.0), range(seeds)):
        random = np.random.default_rng([seed, 2])
        k = len(shares)
        centres = distance * random.normal(size=(k, 5))
        y, y_test = (random.choice(k, size=n, p=shares) for n in (2000, 10_000))
        y[: 3 * k] = np.arange(3 * k) % k  # at least 3 samples of each class
        X, X_test = (centres[codes] + random.normal(size=(len(codes), 5)) for codes in (y, y_test))
        yield "rare classes", f"{k} {distance}", (X, y, X_test, y_test)


def saturating_cases(seeds):
    """Yield clouds in 6 dimensions with large features, far from zero, and 2 % wrong labels."""
    for k, scale, seed in product((2, 4, 8), (100.0, 10_000.0), range(seeds)):
        random = np.random.default_rng([seed, 3])
        centres = 5 + 3 * random.normal(size=(k, 6))
        y, y_test = (random.integers(k, size=n) for n in (1000, 5000))
        X, X_test = (
            scale * (centres[codes] + random.normal(size=(len(codes), 6))) for codes in (y, y_test)
        )
        wrong = random.random(len(y)) < 0.02
        y[wrong] = random.integers(k, size=wrong.sum())
        yield "saturating", f"{k} {scale:g}", (X, y, X_test, y_test)


def cases(seeds):
    """Yield the kind, the name and the samples of all cases."""
    for cases_of_kind in (table_cases, outlier_cases, rare_cases, saturating_cases):
        yield from cases_of_kind(seeds)
