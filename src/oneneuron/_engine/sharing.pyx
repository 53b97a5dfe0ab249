"""Passes: the sums of many neurons over all samples, which several threads share.

It is compiled once. The kernel (`kernel.pxd`) computes the sums over a block.

Threads. The leader is the thread that runs a solver, and helpers are threads that run only while it
does (`helpers.h`). A chunk is one or more blocks. Threads claim chunks, sum them, and publish the
sums (`sharing.h`). Each thread begins with its own part of the chunks, which its cache holds
already, and then takes what others have left. There is no barrier: if the system has put a helper
to sleep, the leader sums that helper's chunk again.

The tree. Sums of blocks are added in double, as a binary tree over the numbers of the blocks, as a
binary counter carries: first in each chunk, then over the chunks. So it does not matter which
thread sums which chunk. Samples that lie in several places have whole subtrees in each place, and
`sums.py` adds these to the sums over all.

Turns. About every 40 ms, between two blocks, the leader lets Python run. If Python raises an
exception, such as KeyboardInterrupt, the pass is lost. The next pass has another number, so nothing
that is left of the lost one counts.
"""

import numpy as np

from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New
from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memcpy

from .kernel cimport SUMS, Data, Kernel, Loss, Scratch, estimated_seconds
from .layout cimport LINE_BYTES, Block, Run
from .pieces cimport allocate_piece, free_pieces
from .problem cimport Problem

cdef extern from "helpers.h" nogil:
    ctypedef struct Crew:
        int64_t started
    const double LEAST_SECONDS_FOR_A_HELPER
    void start_helpers(Crew *, void (*)(void *, int64_t) noexcept nogil, void *, int64_t) noexcept
    void join_helpers(Crew *) noexcept

cdef extern from "waiting.h" nogil:
    enum:
        TURN_MILLISECONDS
    int64_t milliseconds() noexcept
    int64_t LOAD(const int64_t *) noexcept
    void STORE(int64_t *, int64_t) noexcept
    void put(double *, double) noexcept

cdef extern from "sharing.h" nogil:
    enum:
        CLAIMED
        WRITING
        PUBLISHED
        NO_PASS
        LAST_PASS
    bint raise_mark(int64_t *, int64_t, int64_t, bint) noexcept
    bint await_chunk(const int64_t *, int64_t, int64_t) noexcept
    bint await_writer(const int64_t *, int64_t, const Crew *) noexcept
    void set_current(int64_t *, int64_t) noexcept
    bint is_current(const int64_t *, int64_t) noexcept
    int64_t await_pass(const int64_t *, int64_t) noexcept

cdef enum:
    MOST_PAUSES = 100000    # pauses in which the leader waits for a helper: a few milliseconds
    CACHED_BYTES = 16384    # the size of the tiles that a group of neurons goes through at a time
    GROUP_BYTES = 65536     # the size of a group's partial sums, which stay in a cache meanwhile

# A pass that is shorter than this takes longer to share than a helper would save.
cdef double LEAST_SECONDS_OF_A_PASS = 4e-6

# What one thread works on.
cdef struct Worker:
    Scratch scratch
    double *stack               # subtrees of a chunk's blocks: the sums of each
    Py_ssize_t height           # the number of these subtrees

# The state of a `Pass`. It is on the heap: if the interpreter ends during a call, the leader's
# stack is gone before the helpers are.
cdef struct PassState:
    # What does not change.
    Data data
    const Kernel *kernel
    const Block *blocks
    Py_ssize_t num_blocks
    Py_ssize_t chunk_blocks     # blocks in a chunk, a power of two
    Py_ssize_t num_chunks
    Py_ssize_t first_chunk      # the number of the first chunk among those of all pieces
    Py_ssize_t num_lanes        # lanes of all tiles: the number of samples, rounded up
    Py_ssize_t row              # the length of the sums of all neurons, K * (d + SUMS)
    Py_ssize_t num_threads
    # What all threads read or write.
    double *parameters          # of the current pass, (K, d + 1)
    int64_t *active             # whether each neuron takes part in it
    double *chunks              # the published sums of each chunk
    int64_t *current            # the number of the pass
    int64_t *marks              # one for each chunk; see sharing.h
    Worker **workers            # one for each thread, the leader's first
    Crew crew
    # What only the leader uses.
    int64_t number              # the number of the last pass
    double *nodes               # a stack of subtrees of chunks: the sums of each
    int64_t *sizes              # the number of chunks in each subtree
    Py_ssize_t num_nodes
    Py_ssize_t budget           # blocks that the leader sums between two looks at the clock
    Py_ssize_t left             # blocks until the next look
    int64_t last_turn           # when Python had its last turn, in milliseconds
    int64_t num_helpers         # helpers in the last call of a solver
    void *owner                 # the `Pass`

cdef class Pass


# --- A chunk ---


cdef void add_sums(
    const PassState *state, const unsigned char *active, double *sums
) noexcept nogil:
    """Add the sums in the row after `sums` to those in `sums`, for the active neurons."""
    cdef Py_ssize_t j, k, side = state.data.num_features + SUMS
    for k in range(state.data.num_neurons):
        if active[k]:
            for j in range(side * k, side * (k + 1)):
                sums[j] += sums[state.row + j]


cdef Py_ssize_t blocks_of(const PassState *state, Py_ssize_t chunk) noexcept nogil:
    """Return the number of blocks in a chunk; only the last chunk may have fewer than others."""
    return min(state.chunk_blocks, state.num_blocks - state.chunk_blocks * chunk)


cdef void join_subtrees(const PassState *state, Worker *worker) noexcept nogil:
    """Add the last two subtrees of a worker's stack."""
    worker.height -= 1
    add_sums(state, worker.scratch.active, worker.stack + state.row * (worker.height - 1))


cdef void add_block(
    const PassState *state, Worker *worker, Py_ssize_t chunk, Py_ssize_t i
) noexcept nogil:
    """Sum block i of a chunk, and add it to the tree of those before: a binary counter carries."""
    if i == 0:
        worker.height = 0
    state.kernel.sum_block(
        &state.data, state.blocks + state.chunk_blocks * chunk + i, &worker.scratch,
        worker.stack + state.row * worker.height,
    )
    worker.height += 1
    while i & 1:
        join_subtrees(state, worker)
        i >>= 1


cdef void publish(
    const PassState *state, Worker *worker, Py_ssize_t chunk, int64_t number
) noexcept nogil:
    """Publish a chunk's sums, unless another thread has published them or is doing so."""
    while worker.height > 1:
        join_subtrees(state, worker)
    if raise_mark(state.marks + chunk, number, WRITING, state.num_threads == 1):
        memcpy(state.chunks + state.row * chunk, worker.stack, state.row * sizeof(double))
        raise_mark(state.marks + chunk, number, PUBLISHED, True)


# --- How threads share a pass ---


cdef Py_ssize_t claim(
    const PassState *state, Py_ssize_t rank, int64_t number, Py_ssize_t *num_tried
) noexcept nogil:
    """Claim a chunk for a thread and return it, or -1 if none is left or the pass is over.

    `num_tried` counts the chunks that the thread has tried to claim in this pass.
    """
    cdef:
        Py_ssize_t i, chunk
        Py_ssize_t first = state.num_chunks * rank // state.num_threads
        Py_ssize_t own = state.num_chunks * (rank + 1) // state.num_threads - first
    while num_tried[0] < state.num_chunks and is_current(state.current, number):
        i = num_tried[0]
        num_tried[0] += 1
        # After its own part, it tries the other chunks from the last one down, since their owners
        # begin with the first ones.
        chunk = first + i
        if i >= own:
            chunk = state.num_chunks - 1 - (i - own)
            if chunk < first + own:
                chunk -= own
        if raise_mark(state.marks + chunk, number, CLAIMED, state.num_threads == 1):
            return chunk
    return -1


cdef void take_inputs(const PassState *state, Worker *worker) noexcept nogil:
    """Copy the parameters and the active neurons of a pass, as the kernel needs them.

    If the leader is writing those of the next pass, the copy is useless. But then the chunks of
    this pass are published, so it is not used.
    """
    cdef Py_ssize_t k
    for k in range(state.data.num_neurons):
        worker.scratch.active[k] = LOAD(state.active + k) != 0
    state.kernel.set_inputs(&state.data, state.parameters, &worker.scratch)


cdef void help_with_passes(void *context, int64_t rank) noexcept nogil:
    """Help with each pass that becomes current, until there are no more: the work of a helper."""
    cdef:
        const PassState *state = <const PassState *>context
        Worker *worker = state.workers[rank]
        Py_ssize_t i, chunk, num_tried
        int64_t number = NO_PASS
    while True:
        number = await_pass(state.current, number)
        if number == LAST_PASS:
            break
        take_inputs(state, worker)
        num_tried = 0
        chunk = claim(state, rank, number, &num_tried)
        while chunk >= 0:
            for i in range(blocks_of(state, chunk)):
                add_block(state, worker, chunk, i)
            publish(state, worker, chunk, number)
            chunk = claim(state, rank, number, &num_tried)


cdef void begin_help(void *context, int64_t num_passes) noexcept nogil:
    """Start as many helpers as pay off; this is `Problem.start_helpers`."""
    cdef:
        PassState *state = <PassState *>context
        double seconds = estimated_seconds(
            state.num_lanes, state.data.num_neurons, state.data.num_features
        )
        double helpers = min(
            num_passes * seconds / LEAST_SECONDS_FOR_A_HELPER,
            seconds / LEAST_SECONDS_OF_A_PASS - 1.0,
        )
    state.last_turn = milliseconds()
    state.budget = state.left = 1
    helpers = max(0.0, min(helpers, <double>(state.num_threads - 1)))
    set_current(state.current, NO_PASS)
    start_helpers(&state.crew, help_with_passes, state, <int64_t>helpers)
    STORE(&state.num_helpers, state.crew.started)


cdef void end_help(void *context) noexcept nogil:
    """Let the helpers end, and wait for that; this is `Problem.stop_helpers`."""
    cdef PassState *state = <PassState *>context
    set_current(state.current, LAST_PASS)
    join_helpers(&state.crew)


# --- Turns ---


cdef bint is_time_for_a_turn(PassState *state) noexcept nogil:
    """Return whether Python is due for a turn. The clock is read once in `budget` blocks."""
    cdef int64_t elapsed
    state.left -= 1
    if state.left > 0:
        return False
    elapsed = milliseconds() - state.last_turn
    if elapsed < TURN_MILLISECONDS // 4:
        state.budget = 2 * state.budget
    elif elapsed > TURN_MILLISECONDS:
        state.budget = max(1, state.budget // 2)
    state.left = state.budget
    return elapsed >= TURN_MILLISECONDS // 2


cdef int give_turn(PassState *state) except -1 with gil:
    """Let Python handle signals, raise exceptions that are due, and run other threads."""
    (<Pass>state.owner).turn()
    state.last_turn = milliseconds()
    return 0


# --- The leader's part of a pass ---


cdef int sum_chunk(PassState *state, Py_ssize_t chunk) except -1 nogil:
    """Sum and publish a chunk, with turns for Python between its blocks."""
    cdef Py_ssize_t i
    for i in range(blocks_of(state, chunk)):
        add_block(state, state.workers[0], chunk, i)
        if is_time_for_a_turn(state):
            give_turn(state)
    publish(state, state.workers[0], chunk, state.number)
    return 0


cdef int sum_chunks(PassState *state) except -1 nogil:
    """Sum and publish chunks while there are any to claim."""
    cdef Py_ssize_t num_tried = 0, chunk = claim(state, 0, state.number, &num_tried)
    while chunk >= 0:
        sum_chunk(state, chunk)
        chunk = claim(state, 0, state.number, &num_tried)
    return 0


cdef int complete(PassState *state, Py_ssize_t chunk) except -1 nogil:
    """Wait until a chunk is published, but sum it again if the helper that claimed it is late."""
    cdef:
        # 3 to 25 times what a chunk takes, if a pause takes 10 to 50 ns, but a few ms at most.
        Py_ssize_t values = state.num_lanes * (state.data.num_features + 8)
        Py_ssize_t pauses = min(
            MOST_PAUSES, 100 + state.data.num_neurons * (values // state.num_chunks // 16)
        )
    if await_chunk(state.marks + chunk, state.number, pauses):
        return 0
    sum_chunk(state, chunk)
    if not await_writer(state.marks + chunk, state.number, &state.crew):
        # `turn` has forked this process, and the helper that was writing the sums is gone.
        memcpy(
            state.chunks + state.row * chunk, state.workers[0].stack, state.row * sizeof(double)
        )
    return 0


cdef int add_chunks(PassState *state) except -1 nogil:
    """Add the chunks as a tree, as far as it lies in these samples: see `Pass.sums`."""
    cdef:
        Py_ssize_t i, top = -1
        int64_t size
    for i in range(state.num_chunks):
        complete(state, i)
        top += 1
        memcpy(
            state.nodes + state.row * top, state.chunks + state.row * i, state.row * sizeof(double)
        )
        size = 1
        while top > 0 and state.sizes[top - 1] == size and (
            (state.first_chunk + i + 1) % (2 * size) == 0
        ):
            top -= 1
            add_sums(state, state.workers[0].scratch.active, state.nodes + state.row * top)
            size *= 2
        state.sizes[top] = size
    state.num_nodes = top + 1
    return 0


cdef void begin_pass(
    PassState *state, const double *parameters, const unsigned char *active
) noexcept nogil:
    """Write the inputs of the next pass, which late helpers may be reading, and let it begin."""
    cdef Py_ssize_t j, k
    for j in range(state.data.num_neurons * (state.data.num_features + 1)):
        put(state.parameters + j, parameters[j])
    for k in range(state.data.num_neurons):
        STORE(state.active + k, active[k // state.data.layer])
    take_inputs(state, state.workers[0])
    state.number += 1
    set_current(state.current, state.number)


cdef int evaluate(
    void *context, const double *parameters, const unsigned char *active, double *sums_out
) except -1 nogil:
    """Make a pass for the active neurons; this is `Problem.evaluate`."""
    cdef:
        PassState *state = <PassState *>context
        Py_ssize_t k, top, side = state.data.num_features + SUMS
    begin_pass(state, parameters, active)
    sum_chunks(state)
    add_chunks(state)
    for top in range(state.num_nodes - 2, -1, -1):
        add_sums(state, state.workers[0].scratch.active, state.nodes + state.row * top)
    for k in range(state.data.num_neurons):
        if active[k // state.data.layer]:
            memcpy(sums_out + side * k, state.nodes + side * k, side * sizeof(double))
    return 0


# --- The class ---


cdef class Pass:
    """A pass over samples, for K neurons.

    Parameters
    ----------
    kernel : PyCapsule
        The functions of the kernel for the dtype of the samples (`kernel.pxd`).
    values, weights, runs, blocks : ndarray
        The samples, as `Samples` describes them; `weights` may be None.
    own_classes : ndarray of shape (K,), int64
        The class of each neuron.
    loss : int
        A number of `enum Loss`.
    layer : int
        The number of neurons of a softmax, one for each class in their order; K is a multiple of
        it. It is 1 if the neurons have nothing to do with each other.
    chunk_blocks : int
        The number of blocks in a chunk, a power of two.
    first_block : int
        The number of the first block, counted over all pieces; a multiple of `chunk_blocks`.
    num_threads : int
        The largest number of threads, with the leader.
    turn : callable
        Called without arguments about every 40 ms, so that Python can raise what is due, such as
        KeyboardInterrupt.

    Attributes
    ----------
    problem : PyCapsule
        What a solver needs: see `problem.pxd`.
    num_helpers : int
        The number of helpers in the last call of a solver.
    """

    cdef:
        PassState *state
        Problem described
        void *allocated             # see `pieces.pxd`
        object kept                 # what `state` points into
        readonly object problem
        object turn

    def __init__(
        self,
        kernel,
        values,
        weights,
        const int64_t[:, ::1] runs,
        const int64_t[:, ::1] blocks,
        const int64_t[::1] own_classes,
        Loss loss,
        Py_ssize_t layer,
        Py_ssize_t chunk_blocks,
        int64_t first_block,
        Py_ssize_t num_threads,
        turn,
    ):
        cdef:
            PassState *state = <PassState *>self.allocate(sizeof(PassState))
            Data *data = &state.data
            const uint8_t[:, :, ::1] value_bytes = values.view("uint8")
            const uint8_t[:, ::1] weight_bytes
        self.state = state
        self.kept = kernel, values, weights, runs, blocks, own_classes
        self.turn = turn
        data.tiles = &value_bytes[0, 0, 0]
        if weights is not None:
            weight_bytes = weights.view("uint8")
            data.weights = &weight_bytes[0, 0]
        data.runs = <const Run *>&runs[0, 0]
        data.own_classes = &own_classes[0]
        data.loss = loss
        data.num_features = values.shape[1]
        data.num_neurons = own_classes.shape[0]
        data.layer = layer
        data.rounds = value_bytes.shape[2] // LINE_BYTES
        state.kernel = <const Kernel *>PyCapsule_GetPointer(kernel, "oneneuron.kernel")
        state.blocks = <const Block *>&blocks[0, 0]
        state.num_blocks = blocks.shape[0]
        state.chunk_blocks = chunk_blocks
        state.num_chunks = (state.num_blocks + chunk_blocks - 1) // chunk_blocks
        state.first_chunk = first_block // chunk_blocks
        state.num_lanes = values.shape[0] * values.shape[2]
        state.row = data.num_neurons * (data.num_features + SUMS)
        state.num_threads = min(num_threads, state.num_chunks)
        state.budget = 1
        state.owner = <void *>self
        state.last_turn = milliseconds()
        group_neurons(data, values.shape[0])
        self.allocate_memory()
        self.describe()

    cdef int describe(self) except -1:
        """Make the capsule for solvers."""
        self.described.context = self.state
        self.described.num_models = self.state.data.num_neurons // self.state.data.layer
        self.described.num_neurons = self.state.data.layer
        self.described.num_features = self.state.data.num_features
        self.described.evaluate = evaluate
        self.described.start_helpers = begin_help
        self.described.stop_helpers = end_help
        self.problem = PyCapsule_New(&self.described, "oneneuron.problem", NULL)
        return 0

    cdef void *allocate(self, Py_ssize_t num_bytes) except NULL:
        """Return zeroed memory that shares no cache line, and that is freed with this object."""
        return allocate_piece(&self.allocated, num_bytes)

    cdef int allocate_memory(self) except -1:
        """Allocate all that threads write to."""
        cdef:
            PassState *state = self.state
            Data *data = &state.data
            Py_ssize_t i, num_parameters = data.num_neurons * (data.num_features + 1)
            Py_ssize_t row_bytes = state.row * sizeof(double)
            Py_ssize_t depth = depth_of(state.num_chunks)
            Worker *worker
        state.parameters = <double *>self.allocate(num_parameters * sizeof(double))
        state.active = <int64_t *>self.allocate(data.num_neurons * sizeof(int64_t))
        state.current = <int64_t *>self.allocate(sizeof(int64_t))
        state.marks = <int64_t *>self.allocate(state.num_chunks * sizeof(int64_t))
        state.chunks = <double *>self.allocate(state.num_chunks * row_bytes)
        # From left to right, the subtrees first grow and then shrink, each at most `depth` times.
        state.nodes = <double *>self.allocate(2 * depth * row_bytes)
        state.sizes = <int64_t *>self.allocate(2 * depth * sizeof(int64_t))
        state.workers = <Worker **>self.allocate(state.num_threads * sizeof(Worker *))
        for i in range(state.num_threads):
            worker = state.workers[i] = <Worker *>self.allocate(sizeof(Worker))
            worker.scratch.inputs = self.allocate(2 * num_parameters * state.kernel.real_bytes)
            worker.scratch.partial = self.allocate(data.group * partial_bytes(data))
            if data.layer > 1:
                worker.scratch.outputs = self.allocate(data.cached_tiles * outputs_bytes(data))
            worker.scratch.active = <unsigned char *>self.allocate(data.num_neurons)
            worker.stack = <double *>self.allocate((depth_of(state.chunk_blocks) + 1) * row_bytes)
        return 0

    def __dealloc__(self):
        free_pieces(&self.allocated)

    def sums(self, const double[:, ::1] parameters, const uint8_t[::1] active):
        """Make a pass, and return the sums of the largest subtrees of blocks in these samples.

        Sums of neurons that are not active are meaningless.

        Parameters
        ----------
        parameters : ndarray of shape (K, d + 1), float64
            The weights and the bias of each neuron, the bias last.
        active : ndarray of shape (num_models,), uint8
            Whether each model takes part.

        Returns
        -------
        list of (int, int, ndarray of shape (K, d + 3))
            The first block and the number of blocks of each subtree, counted over all samples, and
            its sums. The last subtree counts whole chunks, so it may end after the last block.
        """
        cdef:
            PassState *state = self.state
            Py_ssize_t i, neurons = state.data.num_neurons, side = state.data.num_features + SUMS
            int64_t first = state.first_chunk, blocks = state.chunk_blocks
            const double[:, ::1] sums
        if (parameters.shape[0], parameters.shape[1] + 2, neurons) != (
            neurons, side, state.data.layer * active.shape[0]
        ):
            raise ValueError("parameters must be of shape (K, d + 1)")
        with nogil:
            begin_help(state, 1)
            try:
                begin_pass(state, &parameters[0, 0], &active[0])
                sum_chunks(state)
                add_chunks(state)
            finally:
                end_help(state)
        found = []
        for i in range(state.num_nodes):
            sums = <double[:neurons, :side]>(state.nodes + state.row * i)
            found.append((first * blocks, state.sizes[i] * blocks, np.array(sums)))
            first += state.sizes[i]
        return found

    @property
    def num_helpers(self):
        return LOAD(&self.state.num_helpers)


cdef Py_ssize_t depth_of(Py_ssize_t leaves) noexcept nogil:
    """Return the largest number of subtrees that a binary counter has while it counts `leaves`."""
    cdef Py_ssize_t depth = 1
    while leaves > 1:
        leaves //= 2
        depth += 1
    return depth


cdef Py_ssize_t partial_bytes(const Data *data) noexcept nogil:
    """Return the size of a neuron's partial sums: those of narrow tiles' weights are folded."""
    return LINE_BYTES * (SUMS + (0 if data.rounds == 1 else data.num_features))


cdef Py_ssize_t outputs_bytes(const Data *data) noexcept nogil:
    """Return the size of the outputs of a layer for a tile."""
    return data.layer * data.rounds * LINE_BYTES


cdef void group_neurons(Data *data, Py_ssize_t num_tiles) noexcept nogil:
    """Decide how many neurons go through tiles together, and how many tiles at a time."""
    data.group = max(1, min(data.num_neurons, GROUP_BYTES // partial_bytes(data)))
    data.cached_tiles = num_tiles
    if data.num_neurons > 1:
        data.cached_tiles = max(1, CACHED_BYTES // (LINE_BYTES * data.rounds * data.num_features))
    if data.layer > 1:
        data.group = data.layer
        data.cached_tiles = max(1, min(data.cached_tiles, GROUP_BYTES // outputs_bytes(data)))
