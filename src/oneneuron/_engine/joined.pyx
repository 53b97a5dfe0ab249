"""Passes whose sums come from a Python function: those over samples in several places."""

import numpy as np

from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memcpy

from .kernel cimport SUMS
from .problem cimport Problem


cdef int evaluate(
    void *context, const double *parameters, const unsigned char *active, double *sums_out
) except -1 with gil:
    """Have the function compute the sums; this is `Problem.evaluate`."""
    cdef:
        JoinedPass owner = <JoinedPass>context
        Problem *problem = &owner.described
        Py_ssize_t k, neurons = problem.num_models * problem.num_neurons
        Py_ssize_t side = problem.num_features + SUMS
        # Copies, which the function may keep.
        given = np.array(<double[:neurons, :side - 2]><double *>parameters)
        wanted = np.array(<uint8_t[:problem.num_models]><uint8_t *>active)
        const double[:, ::1] sums = owner.function(given, wanted)
    if sums.shape[0] != neurons or sums.shape[1] != side:
        raise ValueError(
            f"the function must return sums of shape {(neurons, side)}, found "
            f"{(sums.shape[0], sums.shape[1])}."
        )
    for k in range(neurons):
        if active[k // problem.num_neurons]:
            memcpy(sums_out + side * k, &sums[k, 0], side * sizeof(double))
    return 0


cdef void begin_help(void *context, int64_t num_passes) noexcept nogil:
    """Do nothing: whoever computes the sums has helpers. This is `Problem.start_helpers`."""


cdef void end_help(void *context) noexcept nogil:
    """Do nothing: this is `Problem.stop_helpers`."""


cdef class JoinedPass:
    """A pass whose sums come from a Python function.

    Parameters
    ----------
    function : callable
        ``function(parameters, active)`` gets parameters of shape (num_models * num_neurons, d + 1),
        the bias last, and whether each model takes part, of shape (num_models,) and dtype uint8.
        It returns the sums over all samples, (num_models * num_neurons, d + 3), in float64 and C
        order. Sums of models that do not take part are ignored.
    num_models : int
    num_neurons : int
        The number of neurons of each model.
    num_features : int

    Attributes
    ----------
    problem : PyCapsule
        What a solver needs: see `problem.pxd`.
    """

    cdef:
        Problem described
        object function
        readonly object problem

    def __init__(
        self, function, Py_ssize_t num_models, Py_ssize_t num_neurons, Py_ssize_t num_features
    ):
        self.function = function
        self.described.context = <void *>self
        self.described.num_models = num_models
        self.described.num_neurons = num_neurons
        self.described.num_features = num_features
        self.described.evaluate = evaluate
        self.described.start_helpers = begin_help
        self.described.stop_helpers = end_help
        self.problem = PyCapsule_New(&self.described, "oneneuron.problem", NULL)
