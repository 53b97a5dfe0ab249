"""What the ranks of `mpi_script.py` and the tests in `test_mpi.py` share, without MPI."""

import numpy as np

from oneneuron._engine.samples import band_rows

BAND = band_rows(2)
FITTED = "coef_", "intercept_", "classes_", "n_iter_", "loss_", "loss_curve_", "alpha_"


def data(n=3 * BAND + 500, num_classes=2, dtype=np.float64):
    """Return the samples, labels and weights of all ranks."""
    rng = np.random.default_rng(n)
    X = rng.standard_normal((n, 3)).astype(dtype)
    scores = X @ rng.standard_normal((3, num_classes)) + rng.standard_normal((n, num_classes))
    return X, scores.argmax(axis=1), rng.random(n)


def fitted(classifier):
    """Return all that a fit has found."""
    return {name: getattr(classifier, name) for name in FITTED}
