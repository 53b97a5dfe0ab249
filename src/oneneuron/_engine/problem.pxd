"""What a solver asks of the samples, in any precision and on any instruction set."""

from libc.stdint cimport int64_t

cdef struct Problem:
    void *context               # the state of whoever scores: for a `Pass`, a `PassState`
    int64_t num_models          # K
    int64_t num_neurons         # L, those of a model
    int64_t num_features        # d

    # Score each model whose `active` is not 0. `parameters` is (K, L, d + 1), the bias last, and
    # `sums_out` (K, L, d + 3): minus the gradient of the data term, the bias's last, then a part of
    # twice the cost, then a part of the weight of the wrong samples. The parts of a model's neurons
    # add up to those of the model. It returns -1 if it raises an exception.
    int (*evaluate)(
        void *context, const double *parameters, const unsigned char *active, double *sums_out
    ) except -1 nogil

    # Start the helpers that pay off in `num_passes` passes; stop them, and wait for their end.
    void (*start_helpers)(void *context, int64_t num_passes) noexcept nogil
    void (*stop_helpers)(void *context) noexcept nogil
