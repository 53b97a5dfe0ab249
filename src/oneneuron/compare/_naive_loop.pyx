"""Gradient descent as one writes it in the first hour of Cython: a plain loop with C types."""

import numpy as np

from libc.math cimport exp


def make_steps(
    const double[:, ::1] X, const double[::1] y, double[::1] parameters, double eta,
    Py_ssize_t num_steps,
):
    """Make steps of gradient descent.

    Parameters
    ----------
    X : (n, d)
    y : (n,), 0.0 or 1.0
    parameters : (d + 1,), in and out
        The weights, then the bias.
    eta : float
    num_steps : int
    """
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
