"""Sparse samples: passes over them, their moments, and their products with vectors.

It is compiled once. The kernel (`kernel.pxd`) turns outputs into gradient weights.

Layout. The values lie twice in memory: by rows, which are samples, and by columns, which are
features. A pass has two phases. The first one goes forward by rows: it computes w.x + b of each
sample and neuron, has the kernel turn these into gradient weights, and writes them to the `slopes`,
(n, K). The second one goes backward by columns: the gradient of a weight is the product of its
column with the slopes. So each thread writes only to numbers of its own, and each number is a sum
in an order that depends on the data alone.

Tiles. The kernel needs tiles, of samples of one class. They are laid out as for other samples
(`samples.py`), except that a lane holds the number of a row.

Precision. All sums are in double, also for values in float.

Threads share the jobs of a phase (`jobs.pxd`): blocks of rows, or ranges of columns.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New
from libc.float cimport DBL_MAX
from libc.math cimport INFINITY, fabs, sqrt
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from .jobs cimport Jobs, Work, do_jobs, share_jobs
from .kernel cimport SUMS, Data, Kernel, Loss, Scratch
from .layout cimport LINE_BYTES, ROUNDS, Block, Run
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
    LINES_OF_A_JOB = 1024
    TRANSPOSED = 5                      # products that take as long as transposing a value

cdef double LOG2_E = 1.4426950408889634

# A standard deviation of this number of units of rounding of the mean is noise.
cdef double NOISE = 16.0 * 2.0 ** -52

# About what it takes to multiply a value.
cdef double SECONDS_OF_A_VALUE = 1e-9

ctypedef fused value:
    float
    double

# The values of a matrix, row by row or column by column: lines.
cdef struct Lines:
    const float *singles        # either these or `doubles`
    const double *doubles
    const int32_t *places       # the place of each value in its line
    const int64_t *starts       # the first value of each line, and the end of the last


# --- Products of a line ---


cdef inline double product(
    const value *values, const int32_t *places, int64_t count, const double *x
) noexcept nogil:
    """Return the product of a line with a vector."""
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
    """Add the products of a line with the columns of a matrix (any, width)."""
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


cdef inline void multiply_line(
    const Lines *lines, Py_ssize_t i, const double *x, Py_ssize_t width, double *sums
) noexcept nogil:
    """Add the products of line i with the columns of a matrix (any, width)."""
    cdef int64_t first = lines.starts[i], count = lines.starts[i + 1] - first
    if width == 1 and lines.doubles != NULL:
        sums[0] += product(lines.doubles + first, lines.places + first, count, x)
    elif width == 1:
        sums[0] += product(lines.singles + first, lines.places + first, count, x)
    elif lines.doubles != NULL:
        products(lines.doubles + first, lines.places + first, count, x, width, sums)
    else:
        products(lines.singles + first, lines.places + first, count, x, width, sums)


cdef inline double value_at(const Lines *lines, int64_t i) noexcept nogil:
    return lines.doubles[i] if lines.doubles != NULL else <double>lines.singles[i]


# --- Lines, and what many threads compute of them ---

# The jobs of one call. It is on the heap, as its `Jobs` must be.
cdef struct Task:
    Lines lines
    Py_ssize_t num_lines
    Py_ssize_t length           # of a line, with the zeros that are not stored
    # The product with a matrix.
    const double *x             # (length, width)
    Py_ssize_t width
    const double *constants     # (width,), added to each row of the result; or NULL
    double *out                 # (num_lines, width)
    # Moments.
    double total                # the sum of the weights
    double *moments             # (4, num_lines), as in `moments.pyx`
    # The transpose.
    const int64_t *ranges       # the first line of it in each job, and at the end their number
    int64_t *following          # where the next value of each of its lines goes
    int32_t *places_out
    void *values_out
    # The weights of the results of a product, or of the places in a line. Or NULL.
    const double *weights
    Jobs jobs


cdef void multiply_lines(void *context, int64_t job, int64_t rank) noexcept nogil:
    """Multiply some lines with a matrix: a job."""
    cdef:
        Task *task = <Task *>context
        Py_ssize_t i, k, width = task.width, first = LINES_OF_A_JOB * job
        double *out
    for i in range(first, min(first + LINES_OF_A_JOB, task.num_lines)):
        out = task.out + width * i
        for k in range(width):
            out[k] = task.constants[k] if task.constants != NULL else 0.0
        multiply_line(&task.lines, i, task.x, width, out)
        if task.weights != NULL:
            for k in range(width):
                out[k] *= task.weights[i]


cdef inline int64_t first_from(
    const int32_t *places, int64_t first, int64_t end, int64_t place
) noexcept nogil:
    """Return the first value from `first` on whose place is at least `place`."""
    cdef int64_t middle
    while first < end:
        middle = first + (end - first) // 2
        if places[middle] < place:
            first = middle + 1
        else:
            end = middle
    return first


cdef inline void transpose_part(
    const value *values, const Task *task, int64_t first_place, int64_t end_place,
    value *values_out
) noexcept nogil:
    """Copy what lies between two places, in all lines, to the lines of the transpose."""
    cdef:
        const int32_t *places = task.lines.places
        const int64_t *starts = task.lines.starts
        int64_t *following = task.following
        int32_t *places_out = task.places_out
        Py_ssize_t i
        int64_t j, at, end
    for i in range(task.num_lines):
        end = starts[i + 1]
        j = first_from(places, starts[i], end, first_place)
        while j < end and places[j] < end_place:
            at = following[places[j]]
            following[places[j]] = at + 1
            places_out[at] = <int32_t>i
            values_out[at] = values[j]
            j += 1


cdef void transpose_range(void *context, int64_t job, int64_t rank) noexcept nogil:
    """Write some lines of the transpose, so few that they stay in a cache: a job."""
    cdef:
        const Task *task = <const Task *>context
        int64_t first = task.ranges[job], end = task.ranges[job + 1]
    if task.lines.doubles != NULL:
        transpose_part(task.lines.doubles, task, first, end, <double *>task.values_out)
    else:
        transpose_part(task.lines.singles, task, first, end, <float *>task.values_out)


cdef void measure_line(const Task *task, Py_ssize_t i, double *moments) noexcept nogil:
    """Compute the mean, scale, standard deviation and root mean square of a line.

    The values that are not stored are zeros. The mean is taken off before anything is squared. If
    all values are stored, it is computed from differences to the first, so a constant is found.
    """
    cdef:
        int64_t j, first = task.lines.starts[i], end = task.lines.starts[i + 1]
        Py_ssize_t step = task.num_lines
        bint is_full = end - first == task.length
        double shift = value_at(&task.lines, first) if is_full else 0.0
        double x, weight, sum = 0.0, stored = 0.0, squares = 0.0
        double mean, rest, variance, deviation, size
    for j in range(first, end):
        weight = weight_at(task, j)
        sum += weight * (value_at(&task.lines, j) - shift)
        stored += weight
    mean = shift + sum / task.total
    for j in range(first, end):
        x = value_at(&task.lines, j) - mean
        squares += weight_at(task, j) * (x * x)
    # If all values are stored, a rest would be a rounding error.
    rest = 0.0 if is_full else max(0.0, task.total - stored)
    variance = (squares + rest * (mean * mean)) / task.total
    if not variance <= DBL_MAX or not fabs(mean) <= DBL_MAX:  # or NaN
        mean = variance = INFINITY
    deviation = sqrt(variance)
    size = sqrt(variance + mean * mean)
    if deviation <= NOISE * fabs(mean):
        deviation = 0.0
        size = fabs(mean)
    moments[0] = mean
    moments[step] = deviation if deviation > 0.0 else size
    moments[2 * step] = deviation
    moments[3 * step] = size


cdef inline double weight_at(const Task *task, int64_t j) noexcept nogil:
    return task.weights[task.lines.places[j]] if task.weights != NULL else 1.0


cdef void measure_lines(void *context, int64_t job, int64_t rank) noexcept nogil:
    """Compute the moments of some lines: a job."""
    cdef:
        Task *task = <Task *>context
        Py_ssize_t i, first = LINES_OF_A_JOB * job
    for i in range(first, min(first + LINES_OF_A_JOB, task.num_lines)):
        measure_line(task, i, task.moments + i)


cdef Py_ssize_t helpers_for(double num_values, Py_ssize_t num_threads) noexcept nogil:
    """Return how many helpers pay off for so many products."""
    return <Py_ssize_t>min(
        <double>(num_threads - 1), SECONDS_OF_A_VALUE * num_values / LEAST_SECONDS_FOR_A_HELPER
    )


cdef class SparseLines:
    """The values of a sparse matrix, row by row or column by column.

    Parameters
    ----------
    values : ndarray of shape (num_values,), float32 or float64
    places : ndarray of shape (num_values,), int32
        The place of each value in its line: rising, and each at most once.
    starts : ndarray of shape (num_lines + 1,), int64
        The first value of each line, and at the end the number of values.
    length : int
        The length of a line, with the zeros that are not stored.
    """

    cdef:
        Lines lines
        readonly Py_ssize_t num_lines, length, num_values
        object kept                 # what `lines` points into

    def __init__(
        self, values, const int32_t[::1] places, const int64_t[::1] starts, Py_ssize_t length
    ):
        cdef:
            const float[::1] singles
            const double[::1] doubles
        self.kept = values, places, starts
        if values.dtype == "float32":
            singles = values
            self.lines.singles = &singles[0]
        else:
            doubles = values
            self.lines.doubles = &doubles[0]
        self.lines.places, self.lines.starts = &places[0], &starts[0]
        self.num_lines, self.length, self.num_values = starts.shape[0] - 1, length, places.shape[0]

    cdef int share(
        self, Task *task, Work work, Py_ssize_t width, Py_ssize_t num_threads, turn
    ) except -1:
        """Do a task for all lines, with as many helpers as pay off."""
        return do_jobs(
            &task.jobs, work, task, (self.num_lines + LINES_OF_A_JOB - 1) // LINES_OF_A_JOB,
            helpers_for(<double>self.num_values * width, num_threads), turn, TURN_MILLISECONDS,
        )

    def count(self, int64_t[::1] counts):
        """Add the number of values at each place, (length,), to `counts`."""
        cdef Py_ssize_t i
        with nogil:
            for i in range(self.num_values):
                counts[self.lines.places[i]] += 1

    def transpose(
        self, const int64_t[::1] starts, const int64_t[::1] ranges, int32_t[::1] places, values,
        Py_ssize_t num_threads, turn,
    ):
        """Write the lines of the transpose.

        Parameters
        ----------
        starts : (length + 1,), the first value of each line of the transpose
        ranges : the first of the lines that a thread takes at once, and at the end `length`
        places : (num_values,), out
        values : (num_values,), of the same dtype as those of the lines, out
        num_threads : the largest number of threads
        turn : callable, as in `Pass`
        """
        cdef:
            Task *task = self.new_task(None)
            int64_t[::1] following = starts[:self.length].copy()
            uint8_t[::1] value_bytes = values.view("uint8")
        try:
            task.ranges, task.following = &ranges[0], &following[0]
            task.places_out, task.values_out = &places[0], &value_bytes[0]
            do_jobs(
                &task.jobs, transpose_range, task, ranges.shape[0] - 1,
                helpers_for(TRANSPOSED * <double>self.num_values, num_threads), turn,
                TURN_MILLISECONDS,
            )
        finally:
            free(task)

    def multiply(
        self, const double[:, ::1] x, const double[::1] constants, const double[::1] weights,
        double[:, ::1] out, Py_ssize_t num_threads, turn,
    ):
        """Write the product with a matrix.

        Parameters
        ----------
        x : (length, width)
        constants : (width,) or None, added to each row of the product
        weights : (num_lines,) or None, by which the rows are multiplied after that
        out : (num_lines, width), out
        num_threads : the largest number of threads
        turn : callable, as in `Pass`
        """
        cdef Task *task = self.new_task(weights)
        try:
            task.x, task.width, task.out = &x[0, 0], x.shape[1], &out[0, 0]
            if constants is not None:
                task.constants = &constants[0]
            self.share(task, multiply_lines, x.shape[1], num_threads, turn)
        finally:
            free(task)

    def measure(
        self, const double[::1] weights, double total, double[:, ::1] moments,
        Py_ssize_t num_threads, turn,
    ):
        """Write the moments of each line.

        Parameters
        ----------
        weights : (length,) or None
        total : the sum of the weights
        moments : (4, num_lines), out
            The mean, the scale, the standard deviation and the root of the mean square, infinite
            as `moments.pyx` says.
        num_threads : the largest number of threads
        turn : callable, as in `Pass`
        """
        cdef Task *task = self.new_task(weights)
        try:
            task.total, task.moments = total, &moments[0, 0]
            self.share(task, measure_lines, 1, num_threads, turn)
        finally:
            free(task)

    cdef Task *new_task(self, const double[::1] weights) except NULL:
        cdef Task *task = <Task *>calloc(1, sizeof(Task))
        if task == NULL:
            raise MemoryError()
        task.lines, task.num_lines, task.length = self.lines, self.num_lines, self.length
        if weights is not None:
            task.weights = &weights[0]
        return task


# --- A pass ---

# What one thread works on.
cdef struct Worker:
    Scratch scratch
    double *sums                # (K,)

# The state of a `SparsePass`, on the heap.
cdef struct PassState:
    Data data                   # of the active neurons, as the kernel sees them
    const Kernel *kernel
    Lines rows, columns
    Py_ssize_t num_samples, num_features, num_neurons, num_values
    const Block *blocks
    Py_ssize_t num_blocks
    const int32_t *lanes        # (num_tiles, tile), the number of each lane's row; -1 if none
    const int64_t *ranges       # the first column of each job, and at the end their number
    Py_ssize_t num_ranges
    const int64_t *own_classes  # (K,)
    int64_t *active             # the numbers of the active neurons
    int64_t *active_classes     # their classes
    double *parameters          # theirs, (d + 1, number of active neurons), times log2 e
    double *slopes              # (n, number of active neurons), the gradient weights times s
    double *block_sums          # (num_blocks, number of active neurons, SUMS)
    double *sums                # where the caller wants the sums
    Worker *workers             # one for each thread
    Py_ssize_t num_threads
    void *turn
    int64_t last_turn
    int64_t num_helpers         # helpers in the last pass
    Jobs jobs


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
            multiply_line(&state.rows, row, state.parameters, width, worker.sums)
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


cdef void sum_columns(void *context, int64_t job, int64_t rank) noexcept nogil:
    """Write the sums for the weights of some features: a job."""
    cdef:
        PassState *state = <PassState *>context
        double *sums = state.workers[rank].sums
        Py_ssize_t j, k, width = state.data.num_neurons, row = state.num_features + SUMS
    for j in range(state.ranges[job], state.ranges[job + 1]):
        for k in range(width):
            sums[k] = 0.0
        multiply_line(&state.columns, j, state.slopes, width, sums)
        for k in range(width):
            state.sums[row * state.active[k] + j] = sums[k]


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
    """Write the sums that are not those of weights: the blocks', added in their order."""
    cdef:
        Py_ssize_t i, j, k, width = state.data.num_neurons
        double *out
    for k in range(width):
        out = state.sums + (state.num_features + SUMS) * state.active[k] + state.num_features
        for j in range(SUMS):
            out[j] = 0.0
            for i in range(state.num_blocks):
                out[j] += state.block_sums[SUMS * (width * i + k) + j]


cdef int share_phase(PassState *state, Work work, Py_ssize_t num_jobs) except -1 nogil:
    """Do one phase of a pass, with helpers; let Python have a turn if it is due."""
    cdef Py_ssize_t num_helpers = helpers_for(
        <double>state.num_values * state.data.num_neurons, state.num_threads
    )
    share_jobs(
        &state.jobs, work, state, num_jobs, num_helpers, state.turn, TURN_MILLISECONDS
    )
    state.num_helpers = min(num_helpers, num_jobs - 1)
    if milliseconds() - state.last_turn >= TURN_MILLISECONDS:
        with gil:
            (<object>state.turn)()
        state.last_turn = milliseconds()
    return 0


cdef int evaluate(
    void *context, const double *parameters, const unsigned char *active, double *sums_out
) except -1 nogil:
    """Make a pass for the active neurons; this is `Problem.evaluate`."""
    cdef PassState *state = <PassState *>context
    begin_pass(state, parameters, active)
    state.sums = sums_out
    share_phase(state, score_rows, state.num_blocks)
    add_blocks(state)
    return share_phase(state, sum_columns, state.num_ranges)


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
    rows, columns : SparseLines
        The samples, and the same by features.
    lanes : ndarray of shape (num_tiles, tile), int32
        The number of each lane's row; -1 for lanes without a sample, or with one of weight 0.
    weights, runs, blocks : ndarray
        As `Samples` describes them, in float64; `weights` may be None.
    ranges : ndarray of shape (num_ranges + 1,), int64
        The first column of each range of columns that a thread takes at once, and at the end d.
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
        void *allocated             # a linked list: memory begins with a pointer to the next
        object kept                 # what `state` points into
        readonly object problem

    def __init__(
        self,
        kernel,
        SparseLines rows,
        SparseLines columns,
        const int32_t[:, ::1] lanes,
        const double[:, ::1] weights,
        const int64_t[:, ::1] runs,
        const int64_t[:, ::1] blocks,
        const int64_t[::1] ranges,
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
        self.kept = kernel, rows, columns, lanes, weights, runs, blocks, ranges, own_classes, turn
        state.kernel = <const Kernel *>PyCapsule_GetPointer(kernel, "oneneuron.kernel")
        state.rows, state.columns = rows.lines, columns.lines
        state.num_samples, state.num_features = rows.num_lines, columns.num_lines
        state.num_neurons, state.num_values = own_classes.shape[0], rows.num_values
        state.blocks, state.num_blocks = <const Block *>&blocks[0, 0], blocks.shape[0]
        state.lanes = &lanes[0, 0]
        state.ranges, state.num_ranges = &ranges[0], ranges.shape[0] - 1
        state.own_classes = &own_classes[0]
        state.num_threads = max(1, num_threads)
        state.turn = <void *>turn
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
        cdef char *piece = <char *>calloc(1, num_bytes + 3 * LINE_BYTES)
        if piece == NULL:
            raise MemoryError()
        (<void **>piece)[0] = self.allocated
        self.allocated = piece
        return piece + 2 * LINE_BYTES - <size_t>piece % LINE_BYTES

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
        cdef void *piece
        while self.allocated != NULL:
            piece = self.allocated
            self.allocated = (<void **>piece)[0]
            free(piece)

    @property
    def num_helpers(self):
        return self.state.num_helpers
