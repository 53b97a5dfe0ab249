"""What a kernel computes, for modules that are compiled once and work with every kernel.

A kernel is `kernel.pyx`, compiled for one instruction set and one precision. Its reals, which are
double or float, are void to its callers. They only know the size of a real.
"""

from libc.stdint cimport int64_t

from .layout cimport Block, Run

cdef enum Loss:
    QUADRATIC
    LOGISTIC

# A neuron's row of sums has d sums for the weights, then these. SUMS is their number.
cdef enum:
    BIAS
    COST
    WRONG
    SUMS

# The samples and the neurons of a pass, which all threads read.
cdef struct Data:
    const void *tiles           # reals, (num_tiles, d, tile)
    const void *weights         # reals, (num_tiles, tile); NULL if every sample has weight 1
    const Run *runs
    const int64_t *own_classes  # the class that each neuron tells from the rest
    Loss loss
    Py_ssize_t num_features     # d
    Py_ssize_t num_neurons      # K
    Py_ssize_t layer            # the neurons of a softmax, one for each class; or 1
    Py_ssize_t rounds           # cache lines in a row of a tile: ROUNDS, or 1 if tiles are narrow
    Py_ssize_t group            # neurons whose partial sums fit into a cache
    Py_ssize_t cached_tiles     # tiles that a group of neurons goes through at a time

# What one thread works on.
cdef struct Scratch:
    void *inputs                # reals, (K, 2, d + 1), which `set_inputs` writes
    void *partial               # reals: for each neuron of a group, LANES partial sums of each sum
    void *outputs               # reals: for a layer, t of each neuron, then its gradient weights
    unsigned char *active       # whether each neuron takes part in the pass

# What a prediction returns.
cdef enum Output:
    MARGINS                     # w.x + b of each neuron
    CODES                       # the code of the class
    PROBABILITIES               # of each class: f of its neuron, divided by the sum of all
    SOFTMAX                     # of each class, if the neurons are a layer

cdef struct Prediction:
    const void *parameters      # reals, (K, d + 1), the bias last; NULL if tiles hold margins
    Py_ssize_t num_features
    Py_ssize_t num_neurons
    Py_ssize_t rounds
    Output output

cdef struct Kernel:
    Py_ssize_t real_bytes       # the size of a real: 8 or 4

    # Write the parameters, (K, d + 1) with the bias last, times log2 e, and their negatives.
    # Another thread may be changing the parameters.
    void (*set_inputs)(
        const Data *data, const double *parameters, Scratch *scratch
    ) noexcept nogil

    # Write the sums of each active neuron over a block, (K, d + SUMS).
    void (*sum_block)(
        const Data *data, const Block *block, const Scratch *scratch, double *sums_out
    ) noexcept nogil

    # Replace the outputs of a block, t of (tile of the block, neuron, lane), by gradient weights
    # times s. Write what else the block sums up to, (K, SUMS), as `sum_block` without features.
    # `scratch` needs `partial` and `outputs`. All neurons are active.
    void (*score_block)(
        const Data *data, const Block *block, const Scratch *scratch, double *sums_out
    ) noexcept nogil

    # Write the prediction for the first `count` samples of a tile to `out`, sample by sample: class
    # codes as int64, and all else as reals. `margins` has room for those of the tile, K reals for
    # each lane. Return whether all of them are finite.
    bint (*predict_tile)(
        const Prediction *prediction, const void *tile, Py_ssize_t count, void *margins, void *out
    ) noexcept nogil


cdef inline double estimated_seconds(
    double num_samples, double num_neurons, double num_features
) noexcept nogil:
    """Return about how long a kernel takes for these samples and neurons."""
    return num_samples * num_neurons * (1e-9 + 2e-10 * num_features)
