"""Sparse samples: passes over them, their moments, and their products with vectors.

It is compiled once. The kernel (`kernel.pxd`) turns outputs into gradient weights.

A pass has two phases. The first one goes forward by rows, which are samples: it computes w.x + b of
each sample and neuron, has the kernel turn these into gradient weights, and writes them to the
`slopes`, (n, K). The second one goes backward by columns, which are features: each value, times the
slope of its row, is added to the sum of its column. Here, threads share the columns. Each goes
through all rows, but only through the part of a row that lies in its range of columns. So it adds
to numbers of its own, and each number is a sum in the order of the rows. Nothing is stored twice.

Tiles. The kernel needs tiles, of samples of one class. They are laid out as for other samples
(`samples.py`), except that a lane holds the number of a row.

Precision. All sums are in double, also for values in float.

Threads share the jobs of a phase (`jobs.pxd`): blocks of rows, or ranges of columns.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New
from libc.float cimport DBL_MAX
from libc.math cimport INFINITY, fabs, sqrt
from libc.stdint cimport INT64_MAX, int32_t, int64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

import numpy as np

from .jobs cimport Jobs, Work, share_jobs
from .kernel cimport SUMS, Data, Kernel, Loss, Scratch
from .layout cimport LINE_BYTES, ROUNDS, Block, Run
from .pieces cimport allocate_piece, free_pieces
from .problem cimport Problem

cdef extern from "helpers.h" nogil:
    const double LEAST_SECONDS_FOR_A_HELPER

cdef extern from "waiting.h" nogil:
    enum:
        TURN_MILLISECONDS
    int64_t milliseconds() noexcept

cdef enum:
    LANES = ROUNDS * LINE_BYTES // 8    # samples in a tile
    PARTS = 4                           # partial sums of a product
    ROWS_OF_A_JOB = 1024
    VALUES_OF_A_BAND = 4194304          # that threads go backward through between two turns

cdef double LOG2_E = 1.4426950408889634

# A standard deviation of this number of units of rounding of the mean is noise.
cdef double NOISE = 16.0 * 2.0 ** -52

# About what it takes to multiply a value.
cdef double SECONDS_OF_A_VALUE = 1e-9

ctypedef fused value:
    float
    double

ctypedef fused index:
    int32_t
    int64_t

# A matrix by rows.
cdef struct Rows:
    const float *singles        # the values: either these or `doubles`
    const double *doubles
    const int32_t *places       # the column of each value
    const int64_t *starts       # the first value of each row, and the end of the last
    Py_ssize_t num_rows, num_columns
    int64_t num_values
    const int64_t *ranges       # the first column of each range, and at the end their number
    Py_ssize_t num_ranges
    const int64_t *bounds       # in row i, range q begins at bounds[stride * i + q]
    Py_ssize_t stride

# What threads work on. It is on the heap, as its `Jobs` must be.
cdef struct Task:
    const Rows *rows
    Py_ssize_t first_row, end_row   # of the current band
    Py_ssize_t width
    # Forward: the product with a matrix.
    const double *x             # (num_columns, width)
    const double *constants     # (width,), added to each row of the result
    const double *weights       # (num_rows,), of the rows; or NULL
    double *out                 # (num_rows, width)
    # Backward: the product of the transpose with a matrix.
    const double *factors       # (num_rows, width)
    double *sums                # (num_columns, width)
    # Moments.
    double total                # the sum of the weights
    const int64_t *counts       # the number of values in each column
    double *moments             # (4, num_columns); see `MEAN`
    void *turn
    Jobs jobs

# Rows of the moments, as in `moments.pyx`. While they are computed, they hold something else.
cdef enum:
    MEAN = 0
    SCALE = 1                   # the shift: what is taken off each value before it is added up
    DEVIATION = 2               # the weight of the values, if there are weights
    SIZE = 3                    # the sum of squares


# --- Products of a row ---


cdef inline double product(
    const value *values, const int32_t *places, int64_t count, const double *x
) noexcept nogil:
    """Return the product of a row with a vector."""
    cdef:
        int64_t i, j
        double parts[PARTS]
    for j in range(PARTS):
        parts[j] = 0.0
    for i in range(count // PARTS):
        for j in range(PARTS):
            parts[j] += values[PARTS * i + j] * x[places[PARTS * i + j]]
    for i in range(count - count % PARTS, count):
        parts[0] += values[i] * x[places[i]]
    return (parts[0] + parts[2]) + (parts[1] + parts[3])


cdef inline void products(
    const value *values, const int32_t *places, int64_t count, const double *x, Py_ssize_t width,
    double *sums
) noexcept nogil:
    """Add the products of a row with the columns of a matrix (any, width)."""
    cdef:
        int64_t i
        Py_ssize_t k
        const double *row
        double factor
    for i in range(count):
        row = x + width * places[i]
        factor = values[i]
        for k in range(width):
            sums[k] += factor * row[k]


cdef inline void multiply_row(
    const Rows *rows, Py_ssize_t i, const double *x, Py_ssize_t width, double *sums
) noexcept nogil:
    """Add the products of row i with the columns of a matrix (num_columns, width)."""
    cdef int64_t first = rows.starts[i], count = rows.starts[i + 1] - first
    if width == 1 and rows.doubles != NULL:
        sums[0] += product(rows.doubles + first, rows.places + first, count, x)
    elif width == 1:
        sums[0] += product(rows.singles + first, rows.places + first, count, x)
    elif rows.doubles != NULL:
        products(rows.doubles + first, rows.places + first, count, x, width, sums)
    else:
        products(rows.singles + first, rows.places + first, count, x, width, sums)


cdef void multiply_rows(void *context, int64_t job, int64_t rank) noexcept nogil:
    """Multiply some rows with a matrix: a job."""
    cdef:
        Task *task = <Task *>context
        Py_ssize_t i, k, width = task.width, first = ROWS_OF_A_JOB * job
        double *out
    for i in range(first, min(first + ROWS_OF_A_JOB, task.rows.num_rows)):
        out = task.out + width * i
        for k in range(width):
            out[k] = task.constants[k]
        multiply_row(task.rows, i, task.x, width, out)
        if task.weights != NULL:
            for k in range(width):
                out[k] *= task.weights[i]


# --- Sums of columns ---


cdef inline void add_values(
    const value *values, const Task *task, int64_t range_number
) noexcept nogil:
    """Add the values of a band, times the factors of their rows, to the sums of a range."""
    cdef:
        const int32_t *places = task.rows.places
        const int64_t *bounds = task.rows.bounds + range_number
        Py_ssize_t i, k, stride = task.rows.stride, width = task.width
        int64_t j
        const double *factors
        double *sums = task.sums
        double factor
    for i in range(task.first_row, task.end_row):
        factors = task.factors + width * i
        if width == 1:
            factor = factors[0]
            for j in range(bounds[stride * i], bounds[stride * i + 1]):
                sums[places[j]] += values[j] * factor
        else:
            for j in range(bounds[stride * i], bounds[stride * i + 1]):
                factor = values[j]
                for k in range(width):
                    sums[width * places[j] + k] += factor * factors[k]


cdef void add_range(void *context, int64_t job, int64_t rank) noexcept nogil:
    """Add up a range of columns: a job."""
    cdef const Task *task = <const Task *>context
    if task.rows.doubles != NULL:
        add_values(task.rows.doubles, task, job)
    else:
        add_values(task.rows.singles, task, job)


cdef inline double value_at(const Rows *rows, int64_t j) noexcept nogil:
    return rows.doubles[j] if rows.doubles != NULL else <double>rows.singles[j]


cdef inline void add_differences(
    const value *values, const Task *task, int64_t range_number, const double *shifts,
    bint squared, double *sums
) noexcept nogil:
    """Add the weighted values of a range, less the shifts of their columns; or the squares."""
    cdef:
        const int32_t *places = task.rows.places
        const int64_t *bounds = task.rows.bounds + range_number
        Py_ssize_t i, stride = task.rows.stride
        int64_t j
        double x, weight = 1.0
    for i in range(task.first_row, task.end_row):
        if task.weights != NULL:
            weight = task.weights[i]
        for j in range(bounds[stride * i], bounds[stride * i + 1]):
            x = values[j] - shifts[places[j]]
            sums[places[j]] += weight * (x * x if squared else x)


cdef inline void add_either_differences(
    const Task *task, int64_t range_number, const double *shifts, bint squared, double *sums
) noexcept nogil:
    """Call `add_differences` for values of either type."""
    if task.rows.doubles != NULL:
        add_differences(task.rows.doubles, task, range_number, shifts, squared, sums)
    else:
        add_differences(task.rows.singles, task, range_number, shifts, squared, sums)


cdef inline void add_weights(const Task *task, int64_t range_number, double *sums) noexcept nogil:
    """Add the weights of the values of a range."""
    cdef:
        const int64_t *bounds = task.rows.bounds + range_number
        Py_ssize_t i, stride = task.rows.stride
        int64_t j
    for i in range(task.first_row, task.end_row):
        for j in range(bounds[stride * i], bounds[stride * i + 1]):
            sums[task.rows.places[j]] += task.weights[i]


cdef void add_means(void *context, int64_t job, int64_t rank) noexcept nogil:
    """Add the values of a range, less the shifts, and their weights: a job."""
    cdef:
        const Task *task = <const Task *>context
        Py_ssize_t d = task.rows.num_columns
        double *sums = task.moments + d * MEAN
        const double *shifts = task.moments + d * SCALE
    add_either_differences(task, job, shifts, False, sums)
    if task.weights != NULL:
        add_weights(task, job, task.moments + d * DEVIATION)


cdef void add_squares(void *context, int64_t job, int64_t rank) noexcept nogil:
    """Add the squares of the values of a range, less the means: a job."""
    cdef:
        const Task *task = <const Task *>context
        Py_ssize_t d = task.rows.num_columns
        double *sums = task.moments + d * SIZE
        const double *means = task.moments + d * MEAN
    add_either_differences(task, job, means, True, sums)


cdef void begin_moments(const Task *task) noexcept nogil:
    """Set the sums to 0, and the shift to the first value of columns that are full.

    So the mean of a constant is exact.
    """
    cdef:
        Py_ssize_t place, d = task.rows.num_columns
        int64_t j
    memset(task.moments, 0, 4 * d * sizeof(double))
    for j in range(task.rows.starts[0], task.rows.starts[1]):
        place = task.rows.places[j]
        if task.counts[place] == task.rows.num_rows:
            task.moments[d * SCALE + place] = value_at(task.rows, j)


cdef void finish_means(const Task *task) noexcept nogil:
    """Turn the sums into means. Values that are not stored are zeros."""
    cdef:
        Py_ssize_t j, d = task.rows.num_columns
        double *moments = task.moments
    for j in range(d):
        moments[d * MEAN + j] = moments[d * SCALE + j] + moments[d * MEAN + j] / task.total


cdef void finish_moments(const Task *task) noexcept nogil:
    """Turn the sums of squares into standard deviations, sizes and scales."""
    cdef:
        Py_ssize_t j, d = task.rows.num_columns
        double *moments = task.moments
        double mean, stored, rest, variance, deviation, size
    for j in range(d):
        mean = moments[d * MEAN + j]
        stored = moments[d * DEVIATION + j] if task.weights != NULL else <double>task.counts[j]
        rest = 0.0  # the weight of the zeros; in a full column, it would be a rounding error
        if task.counts[j] < task.rows.num_rows:
            rest = max(0.0, task.total - stored)
        variance = (moments[d * SIZE + j] + rest * (mean * mean)) / task.total
        if not variance <= DBL_MAX or not fabs(mean) <= DBL_MAX:  # or NaN
            mean = variance = INFINITY
        deviation = sqrt(variance)
        size = sqrt(variance + mean * mean)
        if deviation <= NOISE * fabs(mean):
            deviation = 0.0
            size = fabs(mean)
        moments[d * MEAN + j] = mean
        moments[d * SCALE + j] = deviation if deviation > 0.0 else size
        moments[d * DEVIATION + j] = deviation
        moments[d * SIZE + j] = size


# --- Sharing ---


cdef Py_ssize_t helpers_for(double num_values, Py_ssize_t num_threads) noexcept nogil:
    """Return how many helpers are worth starting for this number of products."""
    return <Py_ssize_t>min(
        <double>(num_threads - 1), SECONDS_OF_A_VALUE * num_values / LEAST_SECONDS_FOR_A_HELPER
    )


cdef int share_rows(
    Task *task, Work work, void *context, Py_ssize_t num_jobs, Py_ssize_t num_helpers
) except -1 nogil:
    """Go forward: do the jobs of all rows."""
    return share_jobs(
        &task.jobs, work, context, num_jobs, num_helpers, task.turn, TURN_MILLISECONDS
    )


cdef int give_turn(Task *task, int64_t *last_turn) except -1 nogil:
    """Let Python handle signals, raise exceptions that are due, and run other threads, if due."""
    if milliseconds() - last_turn[0] >= TURN_MILLISECONDS:
        with gil:
            (<object>task.turn)()
        last_turn[0] = milliseconds()
    return 0


cdef int share_columns(Task *task, Work work, Py_ssize_t num_helpers) except -1 nogil:
    """Go backward: do the jobs of all ranges of columns, for one band of rows after the other.

    Turns come between the bands. After a turn that has forked this process, `share_jobs` would do
    the jobs of a band again, and add its values twice.
    """
    cdef:
        const Rows *rows = task.rows
        Py_ssize_t num_bands = 1 + rows.num_values * task.width // VALUES_OF_A_BAND
        Py_ssize_t band
        int64_t last_turn = milliseconds()
    for band in range(num_bands):
        task.first_row = rows.num_rows * band // num_bands
        task.end_row = rows.num_rows * (band + 1) // num_bands
        share_jobs(
            &task.jobs, work, task, rows.num_ranges, num_helpers, task.turn, INT64_MAX
        )
        give_turn(task, &last_turn)
    return 0


# --- The rows ---


def count_places(const int32_t[::1] places, int64_t[::1] counts):
    """Add the number of values in each column, (num_columns,), to `counts`."""
    cdef Py_ssize_t j
    with nogil:
        for j in range(places.shape[0]):
            counts[places[j]] += 1


def are_canonical(
    const value[::1] values, const index[::1] places, const index[::1] starts,
    Py_ssize_t num_columns,
):
    """Return whether a matrix by rows is in canonical format and holds no zeros.

    This is checked before anything else is done with the matrix.

    Parameters
    ----------
    values : (num_values,)
    places : (num_values,), the column of each value
    starts : (num_rows + 1,), the first value of each row, and at the end the number of values
    num_columns : int

    Raises
    ------
    ValueError
        If a start or a place is out of range.
    """
    cdef:
        Py_ssize_t i, j, first, end, num_values = places.shape[0]
        Py_ssize_t num_unsorted = 0, num_zeros = 0
        bint are_sound = True
    with nogil:
        for i in range(starts.shape[0] - 1):
            first, end = starts[i], starts[i + 1]
            if not 0 <= first <= end <= num_values:
                are_sound = False
                break
            for j in range(first + 1, end):
                num_unsorted += places[j] <= places[j - 1]
            if num_unsorted == 0 and first < end:  # then the first and the last are the extremes
                are_sound &= 0 <= places[first] and places[end - 1] < num_columns
        if num_unsorted > 0:
            for j in range(num_values):
                are_sound &= 0 <= places[j] < num_columns
        for j in range(num_values):
            num_zeros += values[j] == 0.0
    if not are_sound:
        raise ValueError("an index or a start is out of range")
    return num_unsorted == 0 and num_zeros == 0


cdef int64_t first_from(
    const int32_t *places, int64_t first, int64_t end, int64_t place
) noexcept nogil:
    """Return the first value from `first` on whose column is at least `place`."""
    cdef int64_t middle
    while first < end:
        middle = first + (end - first) // 2
        if places[middle] < place:
            first = middle + 1
        else:
            end = middle
    return first


cdef class SparseRows:
    """A sparse matrix by rows.

    Parameters
    ----------
    values : ndarray of shape (num_values,), float32 or float64
    places : ndarray of shape (num_values,), int32
        The column of each value: in a row, they rise.
    starts : ndarray of shape (num_rows + 1,), int64
        The first value of each row, and at the end the number of values.
    ranges : ndarray of shape (num_ranges + 1,), int64
        The first column of each range that a thread adds up, and at the end the number of columns.
    """

    cdef:
        Rows rows
        object kept                 # what `rows` points into

    def __init__(
        self, values, const int32_t[::1] places, const int64_t[::1] starts,
        const int64_t[::1] ranges,
    ):
        cdef:
            Rows *rows = &self.rows
            const float[::1] singles
            const double[::1] doubles
        if values.dtype == "float32":
            singles = values
            rows.singles = &singles[0]
        else:
            doubles = values
            rows.doubles = &doubles[0]
        rows.places, rows.starts, rows.ranges = &places[0], &starts[0], &ranges[0]
        rows.num_rows, rows.num_values = starts.shape[0] - 1, places.shape[0]
        rows.num_ranges = ranges.shape[0] - 1
        rows.num_columns = ranges[rows.num_ranges]
        rows.bounds, rows.stride = rows.starts, 1  # if there is a single range
        self.kept = values, places, starts, ranges, self.split() if rows.num_ranges > 1 else None

    cdef object split(self):
        """Find the ranges in each row, and return the array that holds their bounds."""
        cdef:
            Rows *rows = &self.rows
            Py_ssize_t i, q, stride = rows.num_ranges + 1
            int64_t[:, ::1] bounds = np.empty((rows.num_rows, stride), np.int64)
        with nogil:
            for i in range(rows.num_rows):
                bounds[i, 0] = rows.starts[i]
                for q in range(1, stride):
                    bounds[i, q] = first_from(
                        rows.places, bounds[i, q - 1], rows.starts[i + 1], rows.ranges[q]
                    )
        rows.bounds, rows.stride = &bounds[0, 0], stride
        return bounds

    @property
    def num_rows(self):
        return self.rows.num_rows

    cdef Task *new_task(self, Py_ssize_t width, turn) except NULL:
        cdef Task *task = <Task *>calloc(1, sizeof(Task))
        if task == NULL:
            raise MemoryError()
        task.rows, task.width, task.turn = &self.rows, width, <void *>turn
        return task

    def multiply(
        self, const double[:, ::1] x, const double[::1] constants, const double[::1] weights,
        double[:, ::1] out, Py_ssize_t num_threads, turn,
    ):
        """Write the product with a matrix.

        Parameters
        ----------
        x : (num_columns, width)
        constants : (width,), added to each row of the product
        weights : (num_rows,) or None, by which the rows are multiplied after that
        out : (num_rows, width), out
        num_threads : the largest number of threads
        turn : callable, as in `Pass`
        """
        cdef:
            Task *task = self.new_task(x.shape[1], turn)
            Py_ssize_t num_jobs = (self.rows.num_rows + ROWS_OF_A_JOB - 1) // ROWS_OF_A_JOB
            Py_ssize_t num_helpers = helpers_for(
                <double>self.rows.num_values * x.shape[1], num_threads
            )
        task.x, task.constants, task.out = &x[0, 0], &constants[0], &out[0, 0]
        if weights is not None:
            task.weights = &weights[0]
        try:
            with nogil:
                share_rows(task, multiply_rows, task, num_jobs, num_helpers)
        finally:
            free(task)

    def multiply_transpose(
        self, const double[::1] x, double[::1] out, Py_ssize_t num_threads, turn,
    ):
        """Write the product of the transpose with a vector.

        Parameters
        ----------
        x : (num_rows,)
        out : (num_columns,), out
        num_threads : the largest number of threads
        turn : callable, as in `Pass`
        """
        cdef:
            Task *task = self.new_task(1, turn)
            Py_ssize_t num_helpers = helpers_for(<double>self.rows.num_values, num_threads)
        task.factors, task.sums = &x[0], &out[0]
        try:
            with nogil:
                memset(task.sums, 0, self.rows.num_columns * sizeof(double))
                share_columns(task, add_range, num_helpers)
        finally:
            free(task)

    def measure(
        self, const double[::1] weights, double total, const int64_t[::1] counts,
        double[:, ::1] moments, Py_ssize_t num_threads, turn,
    ):
        """Write the moments of each column. The mean is taken off before anything is squared.

        Parameters
        ----------
        weights : (num_rows,) or None
        total : the sum of the weights
        counts : (num_columns,), the number of values in each column
        moments : (4, num_columns), out
            The mean, the scale, the standard deviation and the root of the mean square, infinite
            as `moments.pyx` says.
        num_threads : the largest number of threads
        turn : callable, as in `Pass`
        """
        cdef:
            Task *task = self.new_task(1, turn)
            Py_ssize_t num_helpers = helpers_for(<double>self.rows.num_values, num_threads)
        task.total, task.counts, task.moments = total, &counts[0], &moments[0, 0]
        if weights is not None:
            task.weights = &weights[0]
        try:
            with nogil:
                begin_moments(task)
                share_columns(task, add_means, num_helpers)
                finish_means(task)
                share_columns(task, add_squares, num_helpers)
                finish_moments(task)
        finally:
            free(task)


# --- A pass ---

# What one thread works on.
cdef struct Worker:
    Scratch scratch
    double *sums                # (K,)

# The state of a `SparsePass`, on the heap.
cdef struct PassState:
    Data data                   # of the active neurons, as the kernel sees them
    const Kernel *kernel
    const Rows *rows
    Py_ssize_t num_samples, num_features, num_neurons
    const Block *blocks
    Py_ssize_t num_blocks
    const int32_t *lanes        # (num_tiles, tile), the number of each lane's row; -1 if none
    const int64_t *own_classes  # (K,)
    int64_t *active             # the numbers of the active neurons
    int64_t *active_classes     # their classes
    double *parameters          # theirs, (d + 1, number of active neurons), times log2 e
    double *slopes              # (n, number of active neurons), the gradient weights times s
    double *block_sums          # (num_blocks, number of active neurons, SUMS)
    double *column_sums         # (d, number of active neurons), of the slopes times the values
    double *sums                # where the caller wants all sums
    Worker *workers             # one for each thread
    Py_ssize_t num_threads
    int64_t last_turn
    int64_t num_helpers         # helpers in the last pass
    Task task


cdef void score_rows(void *context, int64_t job, int64_t rank) noexcept nogil:
    """Write the slopes of a block of samples, and what else it sums up to: a job."""
    cdef:
        PassState *state = <PassState *>context
        Worker *worker = state.workers + rank
        const Block *block = state.blocks + job
        const int32_t *lanes = state.lanes + LANES * block.first
        Py_ssize_t i, k, row, width = state.data.num_neurons
        double *outputs = <double *>worker.scratch.outputs
        double *out
    for i in range(LANES * (block.end - block.first)):
        row = lanes[i]
        for k in range(width):
            worker.sums[k] = state.parameters[width * state.num_features + k]
        if row >= 0:
            multiply_row(state.rows, row, state.parameters, width, worker.sums)
        out = outputs + LANES * width * (i // LANES) + i % LANES
        for k in range(width):
            out[LANES * k] = worker.sums[k]
    state.kernel.score_block(
        &state.data, block, &worker.scratch, state.block_sums + SUMS * width * job
    )
    for i in range(LANES * (block.end - block.first)):
        row = lanes[i]
        out = outputs + LANES * width * (i // LANES) + i % LANES
        if row >= 0:
            for k in range(width):
                state.slopes[width * row + k] = out[LANES * k]


cdef void begin_pass(
    PassState *state, const double *parameters, const unsigned char *active
) noexcept nogil:
    """Gather the active neurons and their parameters."""
    cdef:
        Py_ssize_t j, k, before = state.data.num_neurons, side = state.num_features + 1
        Py_ssize_t width = 0
    for k in range(state.num_neurons):
        if active[k // state.data.layer]:
            state.active[width] = k
            state.active_classes[width] = state.own_classes[k]
            width += 1
    state.data.num_neurons = width
    if width != before:  # the slopes of samples without weight must be zero
        memset(state.slopes, 0, width * state.num_samples * sizeof(double))
    for k in range(width):
        for j in range(side):
            state.parameters[width * j + k] = LOG2_E * parameters[side * state.active[k] + j]


cdef void add_blocks(const PassState *state) noexcept nogil:
    """Add up the blocks' sums for the bias, the cost and the wrong samples, in order."""
    cdef:
        Py_ssize_t i, j, k, width = state.data.num_neurons
        double *out
    for k in range(width):
        out = state.sums + (state.num_features + SUMS) * state.active[k] + state.num_features
        for j in range(SUMS):
            out[j] = 0.0
            for i in range(state.num_blocks):
                out[j] += state.block_sums[SUMS * (width * i + k) + j]


cdef void write_column_sums(const PassState *state) noexcept nogil:
    """Write the sums for the weights, neuron by neuron."""
    cdef:
        Py_ssize_t j, k, width = state.data.num_neurons
        double *out
    for k in range(width):
        out = state.sums + (state.num_features + SUMS) * state.active[k]
        for j in range(state.num_features):
            out[j] = state.column_sums[width * j + k]


cdef int evaluate(
    void *context, const double *parameters, const unsigned char *active, double *sums_out
) except -1 nogil:
    """Make a pass for the active neurons; this is `Problem.evaluate`."""
    cdef:
        PassState *state = <PassState *>context
        Task *task = &state.task
        Py_ssize_t num_helpers
    begin_pass(state, parameters, active)
    state.sums, task.width = sums_out, state.data.num_neurons
    num_helpers = helpers_for(<double>state.rows.num_values * task.width, state.num_threads)
    state.num_helpers = min(num_helpers, state.num_blocks - 1)
    share_rows(task, score_rows, state, state.num_blocks, num_helpers)
    add_blocks(state)
    memset(state.column_sums, 0, state.num_features * task.width * sizeof(double))
    share_columns(task, add_range, num_helpers)
    write_column_sums(state)
    return give_turn(task, &state.last_turn)  # as many passes are too short for any above


cdef void start_passes(void *context, int64_t num_passes) noexcept nogil:
    """Begin to count the time to the next turn; this is `Problem.start_helpers`.

    Helpers are started for each phase, which takes them much longer than that.
    """
    (<PassState *>context).last_turn = milliseconds()


cdef void end_passes(void *context) noexcept nogil:
    """Do nothing: each phase has ended its helpers. This is `Problem.stop_helpers`."""


cdef class SparsePass:
    """A pass over sparse samples, for K neurons.

    Parameters
    ----------
    kernel : PyCapsule
        The functions of the kernel for float64 (`kernel.pxd`).
    rows : SparseRows
        The samples.
    lanes : ndarray of shape (num_tiles, tile), int32
        The number of each lane's row; -1 for lanes without a sample, or with one of weight 0.
    weights, runs, blocks : ndarray
        As `Samples` describes them, in float64; `weights` may be None.
    own_classes, loss, layer, num_threads, turn
        As for `Pass`.

    Attributes
    ----------
    problem : PyCapsule
        What a solver needs: see `problem.pxd`.
    num_helpers : int
        The number of helpers in the last pass.
    """

    cdef:
        PassState *state
        Problem described
        void *allocated             # see `pieces.pxd`
        object kept                 # what `state` points into
        readonly object problem

    def __init__(
        self,
        kernel,
        SparseRows rows,
        const int32_t[:, ::1] lanes,
        const double[:, ::1] weights,
        const int64_t[:, ::1] runs,
        const int64_t[:, ::1] blocks,
        const int64_t[::1] own_classes,
        Loss loss,
        Py_ssize_t layer,
        Py_ssize_t num_threads,
        turn,
    ):
        cdef:
            PassState *state = <PassState *>self.allocate(sizeof(PassState))
            Data *data = &state.data
        self.state = state
        self.kept = kernel, rows, lanes, weights, runs, blocks, own_classes, turn
        state.kernel = <const Kernel *>PyCapsule_GetPointer(kernel, "oneneuron.kernel")
        state.rows = state.task.rows = &rows.rows
        state.num_samples, state.num_features = rows.rows.num_rows, rows.rows.num_columns
        state.num_neurons = own_classes.shape[0]
        state.blocks, state.num_blocks = <const Block *>&blocks[0, 0], blocks.shape[0]
        state.lanes = &lanes[0, 0]
        state.own_classes = &own_classes[0]
        state.num_threads = max(1, num_threads)
        state.task.turn = <void *>turn
        state.last_turn = milliseconds()
        if weights is not None:
            data.weights = &weights[0, 0]
        data.runs = <const Run *>&runs[0, 0]
        data.loss, data.layer, data.rounds = loss, layer, ROUNDS
        self.allocate_memory()
        data.own_classes = state.active_classes
        self.describe()

    cdef int describe(self) except -1:
        """Make the capsule for solvers."""
        self.described.context = self.state
        self.described.num_models = self.state.num_neurons // self.state.data.layer
        self.described.num_neurons = self.state.data.layer
        self.described.num_features = self.state.num_features
        self.described.evaluate = evaluate
        self.described.start_helpers = start_passes
        self.described.stop_helpers = end_passes
        self.problem = PyCapsule_New(&self.described, "oneneuron.problem", NULL)
        return 0

    cdef void *allocate(self, Py_ssize_t num_bytes) except NULL:
        """Return zeroed memory that shares no cache line, and that is freed with this object."""
        return allocate_piece(&self.allocated, num_bytes)

    cdef int allocate_memory(self) except -1:
        """Allocate all that threads write to."""
        cdef:
            PassState *state = self.state
            Py_ssize_t i, most_tiles = 0, width = state.num_neurons
            Worker *worker
        state.active = <int64_t *>self.allocate(width * sizeof(int64_t))
        state.active_classes = <int64_t *>self.allocate(width * sizeof(int64_t))
        state.parameters = self.doubles((state.num_features + 1) * width)
        state.slopes = self.doubles(state.num_samples * width)
        state.column_sums = self.doubles(state.num_features * width)
        state.task.factors, state.task.sums = state.slopes, state.column_sums
        state.block_sums = self.doubles(state.num_blocks * width * SUMS)
        state.workers = <Worker *>self.allocate(state.num_threads * sizeof(Worker))
        for i in range(state.num_blocks):
            most_tiles = max(most_tiles, state.blocks[i].end - state.blocks[i].first)
        for i in range(state.num_threads):
            worker = state.workers + i
            worker.sums = self.doubles(width)
            worker.scratch.partial = self.doubles(SUMS * LINE_BYTES)
            worker.scratch.outputs = self.doubles(most_tiles * LANES * width)
        return 0

    cdef double *doubles(self, Py_ssize_t count) except NULL:
        return <double *>self.allocate(count * sizeof(double))

    def __dealloc__(self):
        free_pieces(&self.allocated)

    @property
    def num_helpers(self):
        return self.state.num_helpers
