"""The descent as one writes it in the first hour of Cython: a plain loop with C's types in it."""

import numpy as np

from libc.math cimport exp


def descend(
    const double[:, ::1] X, const double[::1] y, double[::1] parameters, double eta,
    Py_ssize_t num_steps,
):
    """Move the parameters, weights first and the bias last, by some steps of the descent."""
    cdef:
        Py_ssize_t i, j, n = X.shape[0], d = X.shape[1]
        double z, f, g
        double[::1] slopes = np.empty(d + 1)
    for _ in range(num_steps):
        slopes[:] = 0.0
        for i in range(n):
            z = parameters[d]
            for j in range(d):
                z += parameters[j] * X[i, j]
            f = 1 / (1 + exp(-z))
            g = (f - y[i]) * f * (1 - f)
            for j in range(d):
                slopes[j] += g * X[i, j]
            slopes[d] += g
        for j in range(d + 1):
            parameters[j] -= eta * slopes[j]
