"""What callers hand over, checked once at the edge; everything beneath trusts it.

Each function returns its argument in the form the rest of the package uses, or raises an error
that names the argument, what was found and what to do.
"""

from numbers import Integral, Real

import numpy as np


def as_samples(X, name="X"):
    """Samples as a float64 array of shape (n, d), every value finite."""
    if np.ma.is_masked(X):
        raise ValueError(f"{name} has masked values: fill them or drop their samples.")
    raw = np.asarray(X)
    if raw.dtype.kind not in "biufO":
        raise TypeError(f"{name} must hold numbers, found dtype {raw.dtype}: convert it first.")
    if raw.ndim != 2:
        raise ValueError(
            f"{name} must have two dimensions, samples by features, found shape {raw.shape}: "
            f"reshape it to (n, d)."
        )
    if 0 in raw.shape:
        raise ValueError(
            f"{name} must have at least one sample and one feature, found shape {raw.shape}."
        )
    try:
        samples = raw.astype(np.float64, copy=False)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must hold numbers: {error}.") from error
    if not np.isfinite(samples).all():
        row, column = np.argwhere(~np.isfinite(samples))[0]
        raise ValueError(
            f"{name} must be finite, found {samples[row, column]} in sample {row}, "
            f"feature {column}: drop the sample or fill the value in."
        )
    return samples


def as_labels(y, num_samples, name="y"):
    """Labels as booleans of shape (n,), true for class 1."""
    labels = np.asarray(y)
    if labels.shape != (num_samples,):
        raise ValueError(
            f"{name} must have shape ({num_samples},), one label for each sample, found shape "
            f"{labels.shape}."
        )
    if labels.dtype.kind not in "biuf" or not np.isin(labels, (0, 1)).all():
        found = np.unique(labels.astype(str))[:4].tolist()
        raise ValueError(
            f"{name} must hold the labels 0 and 1, found {', '.join(found)}: "
            f"recode it, for instance (y == positive_label)."
        )
    return labels.astype(bool)


def as_count(value, name):
    """A whole number, zero or more."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number, found {value!r}.")
    if value < 0:
        raise ValueError(f"{name} must be 0 or more, found {value}.")
    return int(value)


def as_eta(eta):
    """A step size: finite and above zero."""
    if isinstance(eta, (bool, np.bool_)) or not isinstance(eta, Real):
        raise TypeError(f"eta must be a number (or 'auto' for train), found {eta!r}.")
    if not (np.isfinite(eta) and eta > 0):
        raise ValueError(f"eta must be finite and above 0, found {eta}: try 0.01.")
    return float(eta)


def as_parameters(init, num_features):
    """``(weights, bias)`` as one float64 array of shape (d + 1,), the bias last."""
    try:
        weights, bias = init
        parameters = np.append(np.asarray(weights, dtype=np.float64), float(bias))
        shape = np.shape(weights)
    except (TypeError, ValueError) as error:
        raise TypeError(f"init must be (weights, bias), all numbers: {error}.") from error
    if shape != (num_features,):
        raise ValueError(
            f"init must have weights of shape ({num_features},), one for each feature, "
            f"found shape {shape}."
        )
    if not np.isfinite(parameters).all():
        raise ValueError(f"init must be finite, found {parameters.tolist()}.")
    return parameters


def as_random_state(random_state):
    """Something with ``random(size)``: None is NumPy's global state, a whole number a seed."""
    if random_state is None:
        return np.random
    if isinstance(random_state, (np.random.RandomState, np.random.Generator)):
        return random_state
    return np.random.RandomState(as_count(random_state, "random_state"))
