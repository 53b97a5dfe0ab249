"""Predictions: batches of rows are copied into tiles, for which the kernel predicts.

It is compiled once, and works with every kernel (`kernel.pxd`). Rows come as they are, with any
strides. A batch of tiles stays in a cache between the copy and the prediction. Threads share the
batches (`jobs.pxd`).
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from .jobs cimport Jobs, do_jobs
from .kernel cimport CODES, Kernel, Output, Prediction, estimated_seconds
from .layout cimport LINE_BYTES, ROUNDS

cdef extern from "helpers.h" nogil:
    const double LEAST_SECONDS_FOR_A_HELPER

cdef extern from "waiting.h" nogil:
    enum:
        TURN_MILLISECONDS
    int64_t ADD(int64_t *, int64_t) noexcept

cdef enum:
    COPIED_TOGETHER = 8     # samples that are copied together
    BATCH_BYTES = 262144    # the size of the samples that a thread takes at once, for its cache
    WIDE = 1024             # with this number of features or more, tiles are narrow here

ctypedef fused real:
    float
    double

# A prediction, on which all threads work. It is on the heap, as its `Jobs` must be.
cdef struct Request:
    Prediction prediction
    const Kernel *kernel
    bint double_precision
    const char *samples
    Py_ssize_t num_samples
    Py_ssize_t row_stride       # bytes from a sample to the next
    Py_ssize_t column_stride    # bytes from a feature to the next
    char *out
    Py_ssize_t out_stride       # bytes of the results for a sample
    Py_ssize_t tile             # samples in a tile
    Py_ssize_t tile_bytes
    Py_ssize_t batch_tiles      # tiles that a thread takes at once
    Py_ssize_t scratch_bytes    # of a thread: a batch of tiles and the margins of one tile
    char *scratch
    void *allocated             # contains the scratch memory of all threads
    int64_t num_infinite        # tiles with a margin that is infinite or NaN
    Jobs jobs


cdef inline void copy_rows(
    const char **rows, Py_ssize_t count, Py_ssize_t features, Py_ssize_t stride,
    Py_ssize_t tile, real *lanes_out
) noexcept nogil:
    """Copy samples into neighbouring lanes of a tile; faster with a constant `count`."""
    cdef Py_ssize_t j, k
    for j in range(features):
        for k in range(count):
            memcpy(lanes_out + k, rows[k] + j * stride, sizeof(real))  # may be unaligned
        lanes_out += tile


cdef void copy_batch(
    const Request *request, Py_ssize_t first, Py_ssize_t count, real *tiles
) noexcept nogil:
    """Copy samples into tiles. Spare lanes repeat the last sample, or keep what they hold."""
    cdef:
        Py_ssize_t i, j, k, row, tile = request.tile, features = request.prediction.num_features
        const char *start = request.samples + first * request.row_stride
        const char *rows[COPIED_TOGETHER]
    if request.row_stride == sizeof(real):  # values of a feature are neighbours already
        for j in range(features):
            for i in range((count + tile - 1) // tile):
                memcpy(
                    tiles + tile * (features * i + j),
                    start + j * request.column_stride + tile * i * sizeof(real),
                    min(tile, count - tile * i) * sizeof(real),
                )
        return
    for i in range((count + COPIED_TOGETHER - 1) // COPIED_TOGETHER):
        row = COPIED_TOGETHER * i
        for k in range(COPIED_TOGETHER):
            rows[k] = start + min(row + k, count - 1) * request.row_stride
        copy_rows(
            rows, COPIED_TOGETHER, features, request.column_stride, tile,
            tiles + row // tile * tile * features + row % tile,
        )


cdef void predict_batch(void *context, int64_t batch, int64_t rank) noexcept nogil:
    """Predict for a batch of samples: a job."""
    cdef:
        Request *request = <Request *>context
        Py_ssize_t i, tile = request.tile, first = tile * request.batch_tiles * batch
        Py_ssize_t count = min(tile * request.batch_tiles, request.num_samples - first)
        char *tiles = request.scratch + request.scratch_bytes * rank
        char *margins = tiles + request.tile_bytes * request.batch_tiles
    if request.double_precision:
        copy_batch(request, first, count, <double *>tiles)
    else:
        copy_batch(request, first, count, <float *>tiles)
    for i in range((count + tile - 1) // tile):
        if not request.kernel.predict_tile(
            &request.prediction, tiles + request.tile_bytes * i, min(tile, count - tile * i),
            margins, request.out + request.out_stride * (first + tile * i),
        ):
            ADD(&request.num_infinite, 1)


cdef int allocate_scratch(Request *request, Py_ssize_t num_threads) except -1:
    """Allocate the memory of all threads in one piece, which begins with a cache line."""
    request.scratch_bytes = request.tile_bytes * request.batch_tiles + (
        LINE_BYTES * request.prediction.rounds * request.prediction.num_neurons
    )
    request.allocated = calloc(num_threads * request.scratch_bytes + LINE_BYTES, 1)
    if request.allocated == NULL:
        raise MemoryError()
    request.scratch = (
        <char *>request.allocated + LINE_BYTES - <size_t>request.allocated % LINE_BYTES
    )
    return 0


cdef int predict_all(Request *request, Py_ssize_t num_threads, turn) except -1:
    """Predict for all samples, with as many helpers as pay off."""
    cdef:
        Py_ssize_t batch = request.tile * request.batch_tiles
        double seconds = estimated_seconds(
            request.num_samples, request.prediction.num_neurons, request.prediction.num_features
        )
        Py_ssize_t num_helpers = <Py_ssize_t>min(
            <double>(num_threads - 1), seconds / LEAST_SECONDS_FOR_A_HELPER
        )
    allocate_scratch(request, 1 + num_helpers)
    return do_jobs(
        &request.jobs, predict_batch, request, (request.num_samples + batch - 1) // batch,
        num_helpers, turn, TURN_MILLISECONDS,
    )


def predict(
    kernel,
    const real[:, :] samples,
    const real[:, ::1] parameters,
    Output output,
    real[:, ::1] reals,
    int64_t[::1] codes,
    Py_ssize_t num_threads,
    turn,
):
    """Predict with K neurons, and return the number of tiles with margins that are not finite.

    Parameters
    ----------
    kernel : PyCapsule, the functions of the kernel for the dtype of the samples
    samples : (n, d), of any strides
    parameters : (K, d + 1), the bias last; None if the samples are the margins of K neurons
    output : 0 for margins, 1 for class codes, 2 for probabilities
    reals : (n, K), or (n, max(2, K)) for probabilities, out; for class codes None
    codes : (n,), out; else None
    num_threads : the largest number of threads
    turn : callable, as in `Pass`
    """
    cdef:
        Request *request = <Request *>calloc(1, sizeof(Request))
        Prediction *prediction
    if request == NULL:
        raise MemoryError()
    try:
        prediction = &request.prediction
        request.kernel = <const Kernel *>PyCapsule_GetPointer(kernel, "oneneuron.kernel")
        request.double_precision = real is double
        prediction.num_features = prediction.num_neurons = samples.shape[1]
        if parameters is not None:
            prediction.parameters = &parameters[0, 0]
            prediction.num_neurons = parameters.shape[0]
        prediction.rounds = ROUNDS if samples.shape[1] < WIDE else 1
        prediction.output = output
        request.samples = <const char *>&samples[0, 0]
        request.num_samples = samples.shape[0]
        request.row_stride, request.column_stride = samples.strides[0], samples.strides[1]
        if output == CODES:
            request.out, request.out_stride = <char *>&codes[0], sizeof(int64_t)
        else:
            request.out, request.out_stride = <char *>&reals[0, 0], reals.strides[0]
        request.tile = LINE_BYTES * prediction.rounds // sizeof(real)
        request.tile_bytes = LINE_BYTES * prediction.rounds * prediction.num_features
        request.batch_tiles = max(1, min(
            BATCH_BYTES // request.tile_bytes, (request.num_samples - 1) // request.tile + 1
        ))
        predict_all(request, num_threads, turn)
        return request.num_infinite
    finally:
        free(request.allocated)
        free(request)
