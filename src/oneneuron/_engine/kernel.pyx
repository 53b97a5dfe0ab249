"""The kernel: one pass over the samples for many sigmoid neurons, and their predictions.

Compiled for each instruction set (`lanes.h`) in double and in float (`precision.h`).

Layout. `Samples` lays the rows out in tiles. A tile holds samples of one class, feature by feature:
its row j has feature j of a few cache lines of samples. Where a class fills only a part of its last
tile, the other lanes weigh 0. Tiles of one class that follow each other are a run, and about 1,024
samples are a block. A pass goes through the blocks, and through a block once for each neuron, while
the block is in cache.

The sign. With s = +1 for a neuron's own class and -1 for the rest, and the margin m = s (w.x + b),
the error |f - y| of either is p = sigma(-m) = 1 / (1 + e^m), and 1 - p = e^m p. So the gradient of
the quadratic cost 1/2 sum p^2 is -sum p^2 (1 - p) s x, and that of the log cost -sum log(1 - p) is
-sum p s x. There is no branch, no y to load, and no cancellation at either end. All samples of a
run have the same sign. A run takes the parameters times s at its beginning and multiplies its sums
by s at its end, so the loops in between know no sign, and one layout serves every neuron.

The exponential. The parameters are scaled by log2 e once in a pass, so the forward sum is already
t = m log2 e. With k = round(t) the rest r = t - k is exact. With two short polynomials in r^2,
2^r = (even + r odd) / (even - r odd), as tanh(r ln 2 / 2) is odd in r. k goes into the exponent of
the numerator, and the one division that p needs anyway serves 2^r too.

The order of the sums. The samples of a run are added into LANES partial sums, which are folded in
double. Sums of runs are added to a block's. Sums of blocks are added as a binary tree over the
numbers of the blocks, as a binary counter carries. None of this depends on the width of a vector
or on the number of threads. Nor does it depend on where a block is: samples laid out in several
pieces give the sums of one. So with fused multiply-adds the same data gives the same bits
everywhere. In float, at most 20 tiles meet in a partial sum, which is then off by 4e-7 at most.

Sharing. Threads share the chunks of a pass, of one or more blocks (`sharing.h`). Each thread begins
with its own part of the chunks, which its cache holds already, and then takes what others have
left. A chunk's sums take part in a pass when they are published. Helpers run only while a solver
does (`helpers.h`), and nobody waits at a barrier for a thread that the system has put to sleep.
"""

from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

cdef extern from "lanes.h" nogil:
    ctypedef double real        # or float
    ctypedef double lanes       # C's arithmetic works on it as on a double
    const real *ODD
    const real *EVEN
    const real *LOG
    const real ROUNDER, LOW, HIGH, TIE, LN_2, LEAST_SUM
    enum:
        DEGREE
        LOG_DEGREE
        WIDTH
        LANES
        PARTS
        ROUNDS
    lanes splat(real) noexcept
    lanes load(const real *) noexcept
    void store(real *, lanes) noexcept
    void fetch(const real *) noexcept
    lanes clamp(lanes, lanes, lanes) noexcept
    lanes lesser(lanes, lanes) noexcept
    lanes add_unless_greater(lanes, lanes, lanes, lanes) noexcept
    lanes shift_exponent(lanes, lanes) noexcept
    lanes power_to_one(lanes) noexcept
    lanes exponent(lanes) noexcept
    lanes multiply_add(lanes, lanes, lanes) noexcept

cdef extern from "helpers.h" nogil:
    ctypedef struct Crew:
        int64_t started
    void start_helpers(Crew *, void (*)(void *, int64_t) noexcept nogil, void *, int64_t) noexcept
    void join_helpers(Crew *) noexcept
    bint helpers_exist(const Crew *) noexcept

cdef extern from "waiting.h" nogil:
    int64_t milliseconds() noexcept
    int64_t load_count "LOAD"(const int64_t *) noexcept
    void store_count "STORE"(int64_t *, int64_t) noexcept
    int64_t add_to_count "ADD"(int64_t *, int64_t) noexcept

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
    real get(const real *) noexcept
    void put(real *, real) noexcept

cdef extern from "problem.h" nogil:
    ctypedef struct Problem:
        void *passes "pass"
        int64_t num_neurons
        int64_t num_features
        int (*evaluate)(void *, const double *, const unsigned char *, double *) except -1 nogil
        void (*start_helpers)(void *, int64_t) noexcept nogil
        void (*stop_helpers)(void *) noexcept nogil

cdef enum Loss:
    QUADRATIC
    LOGISTIC

# What follows the d sums of the weights in a neuron's row of sums.
cdef enum:
    BIAS
    COST
    WRONG
    SUMS

cdef enum:
    CHAINED_ROWS = 256  # the most terms of a margin in a chain of additions: more lose digits
    FETCHED_ROWS = 64   # the next tile is fetched if it has 16 KB at most: more crowds out a cache
    LINE_BYTES = 64
    MOST_PAUSES = 100000
    CACHED_BYTES = 16384  # of tiles that several neurons go through in turns
    GROUP_BYTES = 65536   # of their partial sums: they stay in a cache while tiles pass by
    TURN_MILLISECONDS = 40  # after which Python gets a turn, for Ctrl-C and other threads

# The estimated seconds of a pass for each sample, and for each feature of a sample. A helper
# must save more than it takes to start, and more in a pass than it takes to share it.
cdef double SECONDS_OF_A_SAMPLE = 1e-9
cdef double SECONDS_OF_A_VALUE = 2e-10
cdef double LEAST_SECONDS_FOR_A_HELPER = 2e-4
cdef double LEAST_SECONDS_OF_A_PASS = 4e-6

cdef double LOG2_E = 1.4426950408889634


cdef inline lanes polynomial(
    const real *coefficients, Py_ssize_t degree, lanes x
) noexcept nogil:
    """Highest power first."""
    cdef:
        Py_ssize_t i
        lanes y = splat(coefficients[0])
    for i in range(1, degree + 1):
        y = multiply_add(y, x, splat(coefficients[i]))
    return y


cdef inline void sigmoid(lanes t, real high, lanes *p_out, lanes *rest_out) noexcept nogil:
    """p = 1 / (1 + 2^t) and rest = 1 - p, each with full relative accuracy.

    t is clamped to [LOW, high], with `high` at most -LOW, where both are normal numbers. Within,
    the errors are at most 2.3 units of the last digit, in float 3.
    """
    cdef:
        lanes r = clamp(splat(LOW), t, splat(high))
        lanes k = r + splat(ROUNDER)  # round(t) is in its low bits
        lanes odd, even, a, b, inverse
    r = r - (k - splat(ROUNDER))
    odd = polynomial(ODD, DEGREE, r * r)
    even = polynomial(EVEN, DEGREE, r * r)
    a = multiply_add(-r, odd, even)
    b = shift_exponent(multiply_add(r, odd, even), k)  # b / a is 2^t
    inverse = splat(1.0) / (a + b)
    p_out[0] = a * inverse
    rest_out[0] = b * inverse


cdef inline lanes log_of_rest(lanes u) noexcept nogil:
    """-log(1 - u), for u from 0 to 1 - 2^-20. A small u keeps its digits.

    With the power 2^k that takes 1 - u to some w between 1/sqrt(2) and sqrt(2), it is k log 2 minus
    log w. That is -2 artanh(s) with s = (1 - w) / (1 + w), at most 0.172: s times a polynomial in
    s^2. The error is at most 2 units of the last digit.
    """
    cdef:
        lanes power = power_to_one(splat(1.0) - u)
        lanes v = multiply_add(power, u, splat(1.0) - power)  # 1 - w; u itself if the power is 1
        lanes s = v / (splat(2.0) - v)
    return multiply_add(exponent(power), splat(LN_2), s * polynomial(LOG, LOG_DEGREE, s * s))


cdef inline lanes twice_log_cost(lanes low, lanes u) noexcept nogil:
    """-2 log of the product of several 1 - p.

    For one of them, -log(1 - p) = max(-m, 0) - log(1 - q) with q the lesser of p and 1 - p. So
    `low` is the sum of all min(t, 0), and u is 1 minus the product of all 1 - q, of which there may
    be up to ROUNDS. One logarithm serves them all.
    """
    # Not of the greater of -t and 0: gcc 15 takes the sign out of that, and then has no maximum.
    cdef lanes cost = multiply_add(splat(-LN_2), low, log_of_rest(u))
    return cost + cost


cdef inline void chain(
    const real *tile, Py_ssize_t features, Py_ssize_t rounds, Py_ssize_t first, Py_ssize_t last,
    const real *weights, lanes *t
) noexcept nogil:
    """Add w x of some of a tile's rows to its margins."""
    cdef:
        Py_ssize_t i, j, v, half = (features + 1) // 2
        lanes u
    for i in range(first, last):
        # Both halves in turns: two pages at once come faster from memory than one.
        j = i // 2 + (half if i % 2 else 0)
        u = splat(weights[j])
        for v in range(PARTS * rounds):
            t[v] = multiply_add(u, load(tile + LANES * rounds * j + WIDTH * v), t[v])


cdef inline void forward(
    const real *tile, Py_ssize_t features, Py_ssize_t rounds, const real *parameters, lanes *t_out
) noexcept nogil:
    """The margins of a tile: w.x + b with the given parameters, the bias last."""
    cdef:
        Py_ssize_t i, first, v
        lanes part[PARTS * ROUNDS]
    for v in range(PARTS * rounds):
        t_out[v] = splat(parameters[features])
    chain(tile, features, rounds, 0, min(features, CHAINED_ROWS), parameters, t_out)
    for i in range(1, 1 + (features - 1) // CHAINED_ROWS):
        first = CHAINED_ROWS * i
        for v in range(PARTS * rounds):
            part[v] = splat(0.0)
        chain(tile, features, rounds, first, min(features, first + CHAINED_ROWS), parameters, part)
        for v in range(PARTS * rounds):
            t_out[v] = t_out[v] + part[v]


cdef inline void score(
    Loss loss, const lanes *t, Py_ssize_t rounds, real tie, const real *weights, lanes *g_out,
    real *sums
) noexcept nogil:
    """Gradient weights of a tile; their sum, twice the cost and the wrong samples are added up.

    The gradient weight is p^2 (1 - p) for the quadratic loss, and p for the log loss.

    `sums` points to the bias's partial sums, which the cost's and the wrong samples' follow.
    """
    cdef:
        Py_ssize_t i, part
        lanes weight = splat(1.0)
        lanes p, rest, q, low, cost, g
        lanes costs[PARTS]
        lanes lows[PARTS]       # for the log loss, as `twice_log_cost` needs them
        lanes us[PARTS]
        lanes biases[PARTS]
        lanes wrongs[PARTS]
    for part in range(PARTS):
        costs[part] = lows[part] = us[part] = biases[part] = wrongs[part] = splat(0.0)
    for i in range(rounds):
        for part in range(PARTS):
            sigmoid(t[PARTS * i + part], HIGH, &p, &rest)
            if weights != NULL:
                weight = load(weights + LANES * i + WIDTH * part)
            if loss == QUADRATIC:
                cost = p * p
                g = cost * rest
            else:
                low = lesser(t[PARTS * i + part], splat(0.0))
                q = lesser(p, rest)
                g = p
                if weights != NULL:
                    cost = twice_log_cost(low, q)
                else:
                    lows[part] = lows[part] + low
                    us[part] = multiply_add(q, splat(1.0) - us[part], us[part])
            if weights != NULL:
                cost = weight * cost
                g = weight * g
            if loss == QUADRATIC or weights != NULL:
                costs[part] = costs[part] + cost
            g_out[PARTS * i + part] = g
            biases[part] = biases[part] + g
            wrongs[part] = add_unless_greater(
                wrongs[part], weight, t[PARTS * i + part], splat(tie)
            )
    for part in range(PARTS):
        if loss == LOGISTIC and weights == NULL:
            costs[part] = twice_log_cost(lows[part], us[part])
        store(sums, load(sums) + biases[part])
        store(sums + LANES, load(sums + LANES) + costs[part])
        store(sums + 2 * LANES, load(sums + 2 * LANES) + wrongs[part])
        sums += WIDTH


cdef inline void score_either(
    Loss loss, const lanes *t, Py_ssize_t rounds, real tie, const real *weights, lanes *g_out,
    real *sums
) noexcept nogil:
    """`score` four times, so that no loop of it asks for the loss or for weights."""
    if loss == QUADRATIC and weights == NULL:
        score(QUADRATIC, t, rounds, tie, NULL, g_out, sums)
    elif loss == QUADRATIC:
        score(QUADRATIC, t, rounds, tie, weights, g_out, sums)
    elif weights == NULL:
        score(LOGISTIC, t, rounds, tie, NULL, g_out, sums)
    else:
        score(LOGISTIC, t, rounds, tie, weights, g_out, sums)


cdef inline void backward(
    const real *tile, Py_ssize_t features, Py_ssize_t rounds, const lanes *g, real *sums
) noexcept nogil:
    """Add a tile's sums of g x."""
    cdef:
        Py_ssize_t j, part, i
        lanes total
        const real *next_tile = tile + LANES * rounds * features
    for j in range(features):
        if features <= FETCHED_ROWS:  # have memory send the next tile meanwhile
            for i in range(rounds):
                fetch(next_tile + LANES * (rounds * j + i))
        for part in range(PARTS):
            total = g[part] * load(tile + WIDTH * part)
            for i in range(1, rounds):
                total = multiply_add(
                    g[PARTS * i + part], load(tile + LANES * i + WIDTH * part), total
                )
            store(sums + WIDTH * part, load(sums + WIDTH * part) + total)
        tile += LANES * rounds
        sums += LANES


cdef inline double fold(const real *parts) noexcept nogil:
    """The sum of LANES partial sums, as a tree."""
    cdef:
        Py_ssize_t i, half = LANES // 2
        double halves[LANES]
    for i in range(half):
        halves[i] = <double>parts[i] + <double>parts[half + i]
    while half > 1:
        half = half // 2
        for i in range(half):
            halves[i] = halves[i] + halves[half + i]
    return halves[0]


cdef inline void backward_wide(
    const real *tile, Py_ssize_t features, double sign, const lanes *g, double *sums
) noexcept nogil:
    """Add a narrow tile's sums of g s x, folded: LANES partial sums of each outgrow a cache."""
    cdef:
        Py_ssize_t j, part
        real parts[LANES]
    for j in range(features):
        for part in range(PARTS):
            store(parts + WIDTH * part, g[part] * load(tile + LANES * j + WIDTH * part))
        sums[j] += sign * fold(parts)


# The rows of `runs` and `blocks`, as `Samples` describes them.
cdef struct Run:
    int64_t label               # the code of its class
    int64_t first, end          # its tiles
    int64_t filled              # the number of samples in its last tile

cdef struct Block:
    int64_t first, end          # its tiles
    int64_t first_run           # the first run that has tiles in it

# What all threads read.
cdef struct Data:
    const real *tiles
    const real *weights         # a row for each tile; NULL if every sample weighs 1
    const real *masks           # row i has i ones, for the last tile of a run with i samples
    const Run *runs
    const Block *blocks
    const int64_t *labels       # the class of each neuron
    Loss loss
    Py_ssize_t features
    Py_ssize_t rounds           # cache lines in a row of a tile
    Py_ssize_t num_tiles
    Py_ssize_t num_blocks
    Py_ssize_t chunk_blocks     # blocks in a chunk, a power of two
    Py_ssize_t num_chunks
    Py_ssize_t num_neurons
    Py_ssize_t group            # neurons that share tiles while these are in cache
    Py_ssize_t cached_tiles     # the number of these tiles
    Py_ssize_t num_threads
    # What the leader writes for all: each neuron's parameters times log2 e and their negatives,
    # then 1 for each neuron that takes part in the pass and 0 for the others.
    real *inputs
    double *chunks              # the published sums of each chunk
    int64_t *current            # the number of the pass
    int64_t *marks              # one for each chunk; see sharing.h

# What one thread works on.
cdef struct Desk:
    real *inputs                # its copy of the inputs
    real *partial               # for each neuron of a group, LANES partial sums of each sum
    double *stack               # sums of blocks and of subtrees of blocks


# All that a pass works on. It is on the heap: helpers may see it when the leader's stack is gone.
cdef struct Shared:
    Data data
    Desk *desks                 # one for each thread, the leader's first
    Crew crew
    int64_t number              # of the last pass
    int64_t first_chunk         # the number of the first chunk, counted over all pieces
    double *nodes               # a stack of sums of subtrees of chunks
    int64_t *sizes              # and the number of chunks in each
    Py_ssize_t num_nodes
    Py_ssize_t budget           # chunks that the leader may sum before it looks at the clock
    Py_ssize_t left             # how many of these are left
    int64_t last_turn           # when Python had its last turn, in milliseconds
    bint has_hook
    int64_t num_helpers         # that the last call of a solver had
    void *owner                 # the `Pass`

cdef class Pass


cdef inline const real *weights_of(
    const Data *data, Py_ssize_t rounds, const Run *run, Py_ssize_t i
) noexcept nogil:
    """The weights of a tile of a run; NULL if all are 1."""
    if data.weights != NULL:
        return data.weights + LANES * rounds * i
    if i == run.end - 1 and run.filled < LANES * rounds:
        return data.masks + LANES * rounds * run.filled
    return NULL


cdef inline bint is_active(const Data *data, const real *inputs, Py_ssize_t k) noexcept nogil:
    return inputs[2 * data.num_neurons * (data.features + 1) + k] != 0.0


cdef inline void sum_tiles(
    const Data *data, Py_ssize_t features, Py_ssize_t rounds, const Run *run, Py_ssize_t first,
    Py_ssize_t end, const real *parameters, double sign, real *partial, double *sums
) noexcept nogil:
    """Add the sums of tiles of a run to partial sums; with narrow tiles, the weights' to `sums`."""
    cdef:
        Py_ssize_t i
        const real *tile = data.tiles + LANES * rounds * features * first
        lanes t[PARTS * ROUNDS]
        lanes g[PARTS * ROUNDS]
    for i in range(first, end):
        forward(tile, features, rounds, parameters, t)
        score_either(
            data.loss, t, rounds, <real>sign * TIE, weights_of(data, rounds, run, i), g,
            partial if rounds == 1 else partial + LANES * features,
        )
        if rounds == 1:
            backward_wide(tile, features, sign, g, sums)
        else:
            backward(tile, features, rounds, g, partial)
        tile += LANES * rounds * features


cdef inline void fold_sums(
    Py_ssize_t features, Py_ssize_t folded, double sign, real *partial, double *sums
) noexcept nogil:
    """Add a neuron's partial sums, times their sign, to its sums, and set them to 0."""
    cdef Py_ssize_t j
    for j in range(folded, features + COST):
        sums[j] += sign * fold(partial + LANES * (j - folded))
    for j in range(features + COST, features + SUMS):
        sums[j] += fold(partial + LANES * (j - folded))
    for j in range(LANES * (features + SUMS - folded)):
        partial[j] = 0.0


cdef inline void sum_group(
    const Data *data, Py_ssize_t features, Py_ssize_t rounds, const Block *block,
    Py_ssize_t first_neuron, Py_ssize_t end_neuron, Desk *desk, double *sums_out
) noexcept nogil:
    """The sums of some neurons over a block.

    All of them go through a few tiles before they go on, so that memory is read once. A neuron's
    partial sums are folded where its sign changes.
    """
    cdef:
        Py_ssize_t i = block.first, j, k, end, folded = features if rounds == 1 else 0
        Py_ssize_t size = LANES * (features + SUMS - folded)
        const Run *run = data.runs + block.first_run
        const real *parameters
        bint is_own
    for j in range(size * (end_neuron - first_neuron)):
        desk.partial[j] = 0.0
    for j in range((features + SUMS) * first_neuron, (features + SUMS) * end_neuron):
        sums_out[j] = 0.0
    while i < block.end:
        end = min(min(run.end, block.end), i + data.cached_tiles)
        for k in range(first_neuron, end_neuron):
            if not is_active(data, desk.inputs, k):
                continue
            is_own = run.label == data.labels[k]
            parameters = desk.inputs + 2 * (features + 1) * k
            sum_tiles(
                data, features, rounds, run, i, end,
                parameters if is_own else parameters + features + 1, 1.0 if is_own else -1.0,
                desk.partial + size * (k - first_neuron), sums_out + (features + SUMS) * k,
            )
            if end == block.end or (
                end == run.end and is_own != (run[1].label == data.labels[k])
            ):
                fold_sums(
                    features, folded, 1.0 if is_own else -1.0,
                    desk.partial + size * (k - first_neuron), sums_out + (features + SUMS) * k,
                )
        if end == run.end:
            run += 1
        i = end


cdef inline void sum_block(
    const Data *data, Py_ssize_t features, Py_ssize_t rounds, const Block *block, Desk *desk,
    double *sums_out
) noexcept nogil:
    """The sums of each active neuron over a block."""
    cdef Py_ssize_t k
    for k in range(0, (data.num_neurons + data.group - 1) // data.group):
        sum_group(
            data, features, rounds, block, data.group * k,
            min(data.group * (k + 1), data.num_neurons), desk, sums_out,
        )


cdef inline void add_sums(const Data *data, const real *inputs, double *sums) noexcept nogil:
    """Add the sums in the row after `sums` to those in `sums`."""
    cdef Py_ssize_t j, k, side = data.features + SUMS
    cdef double *total = sums
    for k in range(data.num_neurons):
        if is_active(data, inputs, k):
            for j in range(side):
                total[j] += total[side * data.num_neurons + j]
        total += side


cdef void sum_chunk(const Data *data, Py_ssize_t chunk, Desk *desk) noexcept nogil:
    """The sums of the blocks of a chunk, added as a tree. They are left in the stack's first row.
    """
    cdef:
        Py_ssize_t row = data.num_neurons * (data.features + SUMS)
        Py_ssize_t i, carries, first = data.chunk_blocks * chunk
        const Block *block
        double *top = desk.stack
    for i in range(min(data.chunk_blocks, data.num_blocks - first)):
        block = data.blocks + first + i
        # One function thrice, so that the compiler knows the numbers in it.
        if data.rounds == 1:
            sum_block(data, data.features, 1, block, desk, top)
        elif data.features == 2:
            sum_block(data, 2, ROUNDS, block, desk, top)
        else:
            sum_block(data, data.features, ROUNDS, block, desk, top)
        carries = i
        while carries & 1:
            top -= row
            add_sums(data, desk.inputs, top)
            carries >>= 1
        top += row
    top -= row
    while top != desk.stack:
        top -= row
        add_sums(data, desk.inputs, top)


cdef inline void publish(
    const Data *data, Py_ssize_t chunk, int64_t number, const double *sums
) noexcept nogil:
    """Let a chunk's sums take part in the pass, if none have been published."""
    cdef Py_ssize_t row = data.num_neurons * (data.features + SUMS)
    if raise_mark(data.marks + chunk, number, WRITING, data.num_threads == 1):
        memcpy(data.chunks + row * chunk, sums, row * sizeof(double))
        raise_mark(data.marks + chunk, number, PUBLISHED, True)


cdef Py_ssize_t claim(
    const Data *data, Py_ssize_t rank, int64_t number, Py_ssize_t *next_chunk
) noexcept nogil:
    """The next chunk for a thread, or -1. `next_chunk` counts those it has asked for, from 0."""
    cdef:
        Py_ssize_t i, chunk
        Py_ssize_t first = data.num_chunks * rank // data.num_threads
        Py_ssize_t own = data.num_chunks * (rank + 1) // data.num_threads - first
    while next_chunk[0] < data.num_chunks and is_current(data.current, number):
        i = next_chunk[0]
        next_chunk[0] += 1
        # After its own part, take the others' from the end, since they begin at the start.
        chunk = first + i
        if i >= own:
            chunk = data.num_chunks - 1 - (i - own)
            if chunk < first + own:
                chunk -= own
        if raise_mark(data.marks + chunk, number, CLAIMED, data.num_threads == 1):
            return chunk
    return -1


cdef Py_ssize_t num_inputs(const Data *data) noexcept nogil:
    return data.num_neurons * (2 * (data.features + 1) + 1)


cdef void help_with_passes(void *context, int64_t rank) noexcept nogil:
    """Help with every pass until the last is over."""
    cdef:
        Shared *shared = <Shared *>context
        const Data *data = &shared.data
        Desk *desk = &shared.desks[rank]
        Py_ssize_t i, chunk, next_chunk
        int64_t number = NO_PASS
    while True:
        number = await_pass(data.current, number)
        if number == LAST_PASS:
            break
        for i in range(num_inputs(data)):
            desk.inputs[i] = get(data.inputs + i)
        next_chunk = 0
        chunk = claim(data, rank, number, &next_chunk)
        while chunk >= 0:
            sum_chunk(data, chunk, desk)
            publish(data, chunk, number, desk.stack)
            chunk = claim(data, rank, number, &next_chunk)


cdef bint is_time_for_a_turn(Shared *shared) noexcept nogil:
    """Return whether Python is due for a turn. Most calls only count down."""
    cdef int64_t elapsed
    shared.left -= 1
    if shared.left > 0:
        return False
    elapsed = milliseconds() - shared.last_turn
    if elapsed < TURN_MILLISECONDS // 4:
        shared.budget = 2 * shared.budget
    elif elapsed > TURN_MILLISECONDS:
        shared.budget = max(1, shared.budget // 2)
    shared.left = shared.budget
    return elapsed >= TURN_MILLISECONDS // 2


cdef int give_turn(Shared *shared) except -1 with gil:
    """Let Python handle signals, raise exceptions that are due, and run other threads."""
    (<Pass>shared.owner).turn()
    shared.last_turn = milliseconds()
    return 0


cdef int call_hook(
    Shared *shared, const unsigned char *active, double *sums_out
) except -1 with gil:
    """Have the hook turn the sums of these samples into the sums of all."""
    cdef:
        const Data *data = &shared.data
        Py_ssize_t k, side = data.features + SUMS
        double[:, :, ::1] nodes = (
            <double[:shared.num_nodes, :data.num_neurons, :side]>shared.nodes
        )
        # A copy, which the hook may keep.
        const double[:, ::1] sums = (<Pass>shared.owner).hook(nodes.copy())
    if sums.shape[0] != data.num_neurons or sums.shape[1] != side:
        raise ValueError(
            f"the hook must return sums of shape {(data.num_neurons, side)}, found "
            f"{(sums.shape[0], sums.shape[1])}."
        )
    for k in range(data.num_neurons):
        if active[k]:
            memcpy(sums_out + side * k, &sums[k, 0], side * sizeof(double))
    return 0


cdef int sum_chunks(Shared *shared) except -1 nogil:
    """Sum chunks while there are any to claim; -1 if Python has raised an exception."""
    cdef:
        const Data *data = &shared.data
        Desk *desk = &shared.desks[0]
        Py_ssize_t next_chunk = 0
        Py_ssize_t chunk = claim(data, 0, shared.number, &next_chunk)
    while chunk >= 0:
        sum_chunk(data, chunk, desk)
        publish(data, chunk, shared.number, desk.stack)
        if is_time_for_a_turn(shared):
            give_turn(shared)
        chunk = claim(data, 0, shared.number, &next_chunk)
    return 0


cdef void complete(Shared *shared, Py_ssize_t chunk) noexcept nogil:
    """Wait for a chunk, or sum it again if the helper that claimed it is late."""
    cdef:
        const Data *data = &shared.data
        Desk *desk = &shared.desks[0]
        Py_ssize_t row = data.num_neurons * (data.features + SUMS)
        # Some 3 to 25 times what a chunk takes, if a pause takes 10 to 50 ns. At most a few ms.
        Py_ssize_t values = data.num_tiles * data.rounds * LANES * (data.features + 8)
        Py_ssize_t pauses = min(
            MOST_PAUSES, 100 + data.num_neurons * (values // data.num_chunks // 16)
        )
    if await_chunk(data.marks + chunk, shared.number, pauses):
        return
    sum_chunk(data, chunk, desk)
    publish(data, chunk, shared.number, desk.stack)
    if not await_writer(data.marks + chunk, shared.number, &shared.crew):
        # A fork has come between the helper and its sums.
        memcpy(data.chunks + row * chunk, desk.stack, row * sizeof(double))


cdef void add_chunks(Shared *shared) noexcept nogil:
    """Add the chunks as a tree, to a stack of subtrees of falling size."""
    cdef:
        const Data *data = &shared.data
        Py_ssize_t row = data.num_neurons * (data.features + SUMS)
        Py_ssize_t i, top = -1
        int64_t size
    for i in range(data.num_chunks):
        complete(shared, i)
        top += 1
        memcpy(shared.nodes + row * top, data.chunks + row * i, row * sizeof(double))
        size = 1
        while top > 0 and shared.sizes[top - 1] == size and (
            (shared.first_chunk + i + 1) % (2 * size) == 0
        ):
            top -= 1
            add_sums(data, data.inputs, shared.nodes + row * top)
            size *= 2
        shared.sizes[top] = size
    shared.num_nodes = top + 1


cdef void prepare(
    Shared *shared, const double *parameters, const unsigned char *active
) noexcept nogil:
    """Write the inputs of a pass."""
    cdef:
        const Data *data = &shared.data
        Py_ssize_t j, k, side = data.features + 1
        real *inputs = data.inputs
        real scaled
    for _ in range(data.num_neurons):
        for j in range(side):
            scaled = <real>(LOG2_E * parameters[j])
            put(inputs + j, scaled)
            put(inputs + side + j, -scaled)
        inputs += 2 * side
        parameters += side
    for k in range(data.num_neurons):
        put(inputs + k, 1.0 if active[k] else 0.0)


cdef int evaluate(
    void *passes, const double *parameters, const unsigned char *active, double *sums_out
) except -1 nogil:
    """Score the active neurons: `Problem.evaluate`."""
    cdef:
        Shared *shared = <Shared *>passes
        const Data *data = &shared.data
        Py_ssize_t k, side = data.features + SUMS, row = side * data.num_neurons
        Py_ssize_t top
    prepare(shared, parameters, active)
    shared.number += 1
    set_current(data.current, shared.number)
    sum_chunks(shared)
    add_chunks(shared)
    if shared.has_hook:
        return call_hook(shared, active, sums_out)
    for top in range(shared.num_nodes - 2, -1, -1):
        add_sums(data, data.inputs, shared.nodes + row * top)
    for k in range(data.num_neurons):
        if active[k]:
            memcpy(sums_out + side * k, shared.nodes + side * k, side * sizeof(double))
    return 0


cdef void begin_help(void *passes, int64_t num_passes) noexcept nogil:
    """Start the helpers that are worth it: `Problem.start_helpers`."""
    cdef:
        Shared *shared = <Shared *>passes
        const Data *data = &shared.data
        double samples = <double>data.num_tiles * data.rounds * LANES
        double seconds = samples * data.num_neurons * (
            SECONDS_OF_A_SAMPLE + SECONDS_OF_A_VALUE * data.features
        )
        double helpers = min(
            num_passes * seconds / LEAST_SECONDS_FOR_A_HELPER,
            seconds / LEAST_SECONDS_OF_A_PASS - 1.0,
        )
    shared.last_turn = milliseconds()
    shared.budget = shared.left = 1
    helpers = max(0.0, min(helpers, <double>(data.num_threads - 1)))
    set_current(data.current, NO_PASS)
    start_helpers(&shared.crew, help_with_passes, shared, <int64_t>helpers)
    store_count(&shared.num_helpers, shared.crew.started)


cdef void end_help(void *passes) noexcept nogil:
    """Have the helpers return, and wait for that: `Problem.stop_helpers`."""
    cdef Shared *shared = <Shared *>passes
    set_current(shared.data.current, LAST_PASS)
    join_helpers(&shared.crew)


cdef class Pass:
    """A pass over samples, for K neurons.

    Parameters
    ----------
    values, weights, runs, blocks : ndarray
        The samples, as `Samples` describes them; `weights` may be None.
    labels : ndarray of shape (K,), int64
        The class of each neuron.
    loss : int
    chunk_blocks : int
        The number of blocks in a chunk, a power of two.
    first_block : int
        The number of the first block, counted over all pieces; a multiple of `chunk_blocks`.
    num_threads : int
    turn : callable
        Called without arguments about every 40 ms, so that Python can raise what is due.

    Attributes
    ----------
    problem : PyCapsule
        What a solver needs: see `problem.h`.
    hook : callable or None
        ``hook(nodes)`` gets the sums over these samples. It returns the sums over all, (K, d + 3).
        `nodes`, a buffer of shape (num_nodes, K, d + 3) for ``np.asarray``, has a row for each of
        the `subtrees`.
    subtrees : list of tuple of (int, int)
        The first block and the number of blocks of each subtree of blocks.
    num_helpers : int
        The number of helpers that the last solver's call had.
    """

    cdef:
        Shared *shared
        Problem described
        void *allocated             # a list of pieces of memory, each starting with the next
        object samples              # keeps alive what `shared` points into
        object function
        readonly object problem
        object turn

    def __cinit__(self):
        self.shared = NULL
        self.allocated = NULL

    def __init__(
        self,
        const real[:, :, ::1] values,
        const real[:, ::1] weights,
        const int64_t[:, ::1] runs,
        const int64_t[:, ::1] blocks,
        const int64_t[::1] labels,
        Loss loss,
        Py_ssize_t chunk_blocks,
        int64_t first_block,
        Py_ssize_t num_threads,
        turn,
    ):
        cdef Data *data
        self.shared = <Shared *>self.allocate(sizeof(Shared))
        self.samples = values, weights, runs, blocks, labels
        self.turn = turn
        data = &self.shared.data
        data.tiles = &values[0, 0, 0]
        data.weights = NULL
        if weights is not None:
            data.weights = &weights[0, 0]
        data.runs = <const Run *>&runs[0, 0]
        data.blocks = <const Block *>&blocks[0, 0]
        data.labels = &labels[0]
        data.loss = loss
        data.features = values.shape[1]
        data.rounds = values.shape[2] // LANES
        data.num_tiles = values.shape[0]
        data.num_blocks = blocks.shape[0]
        data.chunk_blocks = chunk_blocks
        data.num_chunks = (data.num_blocks + chunk_blocks - 1) // chunk_blocks
        data.num_neurons = labels.shape[0]
        data.group = max(1, min(
            data.num_neurons, GROUP_BYTES // (LINE_BYTES * (data.features + SUMS))
        ))
        data.cached_tiles = data.num_tiles
        if data.num_neurons > 1:
            data.cached_tiles = max(1, CACHED_BYTES // (LINE_BYTES * data.rounds * data.features))
        data.num_threads = min(num_threads, data.num_chunks)
        self.shared.first_chunk = first_block // chunk_blocks
        self.shared.number = 0
        self.shared.budget = 1
        self.shared.has_hook = False
        self.shared.owner = <void *>self
        self.shared.last_turn = milliseconds()
        self.allocate_sums()
        self.described.passes = self.shared
        self.described.num_neurons = data.num_neurons
        self.described.num_features = data.features
        self.described.evaluate = evaluate
        self.described.start_helpers = begin_help
        self.described.stop_helpers = end_help
        self.problem = PyCapsule_New(&self.described, "oneneuron.problem", NULL)

    cdef void *allocate(self, Py_ssize_t num_bytes) except NULL:
        """Memory of zeros on cache lines of its own, which lasts as long as this object."""
        cdef char *piece = <char *>calloc(1, num_bytes + 3 * LINE_BYTES)
        if piece == NULL:
            raise MemoryError()
        (<void **>piece)[0] = self.allocated
        self.allocated = piece
        return piece + 2 * LINE_BYTES - <size_t>piece % LINE_BYTES

    cdef int allocate_sums(self) except -1:
        cdef:
            Shared *shared = self.shared
            Data *data = &shared.data
            Py_ssize_t i, side = data.features + SUMS, row = data.num_neurons * side
            Py_ssize_t folded = data.features if data.rounds == 1 else 0
            Py_ssize_t tile = data.rounds * LANES
            Py_ssize_t depth = depth_of(data.num_chunks)
            Desk *desk
            real *masks = <real *>self.allocate((tile + 1) * tile * sizeof(real))
        for i in range((tile + 1) * tile):
            masks[i] = 1.0 if i % tile < i // tile else 0.0
        data.masks = masks
        data.current = <int64_t *>self.allocate(sizeof(int64_t))
        data.marks = <int64_t *>self.allocate(data.num_chunks * sizeof(int64_t))
        data.chunks = <double *>self.allocate(data.num_chunks * row * sizeof(double))
        # Subtrees grow up to the middle of a piece and shrink after it: two counters' worth.
        shared.nodes = <double *>self.allocate(2 * depth * row * sizeof(double))
        shared.sizes = <int64_t *>self.allocate(2 * depth * sizeof(int64_t))
        shared.desks = <Desk *>self.allocate(data.num_threads * sizeof(Desk))
        for i in range(data.num_threads):
            desk = &shared.desks[i]
            desk.inputs = <real *>self.allocate(num_inputs(data) * sizeof(real))
            desk.partial = <real *>self.allocate(
                data.group * LANES * (side - folded) * sizeof(real)
            )
            desk.stack = <double *>self.allocate(
                (depth_of(data.chunk_blocks) + 1) * row * sizeof(double)
            )
        data.inputs = shared.desks[0].inputs
        return 0

    def __dealloc__(self):
        cdef void *piece
        while self.allocated != NULL:
            piece = self.allocated
            self.allocated = (<void **>piece)[0]
            free(piece)

    @property
    def hook(self):
        return self.function

    @hook.setter
    def hook(self, function):
        self.function = function
        self.shared.has_hook = function is not None

    @property
    def subtrees(self):
        cdef Data *data = &self.shared.data
        cdef int64_t first = self.shared.first_chunk
        cdef int64_t end = first + data.num_chunks
        found = []
        while first < end:
            size = 1
            while first % (2 * size) == 0 and first + 2 * size <= end:
                size *= 2
            found.append((first * data.chunk_blocks, size * data.chunk_blocks))
            first += size
        return found

    @property
    def num_helpers(self):
        return load_count(&self.shared.num_helpers)


cdef Py_ssize_t depth_of(Py_ssize_t leaves) noexcept nogil:
    """The largest number of subtrees that a binary counter keeps while it counts to `leaves`."""
    cdef Py_ssize_t depth = 1
    while leaves > 1:
        leaves //= 2
        depth += 1
    return depth


# What a prediction returns.
cdef enum Output:
    MARGINS                     # w.x + b of each neuron
    CODES                       # the number of the class
    PROBABILITIES               # of each class

cdef enum:
    GROUP = 8                   # samples that are copied together
    BATCH_BYTES = 262144  # samples that a thread takes at once: they stay in its cache
    WIDE = 1024                 # features from which on tiles of a prediction are narrow

# A prediction, shared by its threads; on the heap for the same reason as `Shared`.
cdef struct Request:
    const char *samples
    Py_ssize_t num_samples
    Py_ssize_t features
    Py_ssize_t row_stride       # bytes from a sample to the next
    Py_ssize_t column_stride    # bytes from a feature to the next
    const real *parameters      # a row for each neuron, the bias last
    Py_ssize_t num_neurons
    Py_ssize_t rounds
    Output output
    real *reals_out             # margins or probabilities, a row for each sample
    int64_t *codes_out
    Py_ssize_t batch_tiles      # tiles that a thread takes at once
    real **desks                # for each thread a batch of tiles, then the margins of one
    int64_t next_batch
    int64_t num_infinite        # tiles with a margin that is infinite or NaN
    int64_t is_over
    Crew crew


cdef inline void copy_rows(
    const char **rows, Py_ssize_t count, Py_ssize_t features, Py_ssize_t stride,
    Py_ssize_t tile_size, real *tile
) noexcept nogil:
    """Copy samples into lanes of a tile, faster with a constant `count`."""
    cdef Py_ssize_t j, k
    for j in range(features):
        for k in range(count):
            memcpy(tile + k, rows[k] + j * stride, sizeof(real))  # may be unaligned
        tile += tile_size


cdef void copy_batch(
    const Request *request, Py_ssize_t first, Py_ssize_t count, real *tiles
) noexcept nogil:
    """Copy samples into tiles. The last may have lanes to spare, which keep what they hold."""
    cdef:
        Py_ssize_t i, j, k, row, size = LANES * request.rounds
        const char *start = request.samples + first * request.row_stride
        const char *rows[GROUP]
    if request.row_stride == sizeof(real):  # feature by feature already
        for j in range(request.features):
            for i in range((count + size - 1) // size):
                memcpy(
                    tiles + size * (request.features * i + j),
                    start + j * request.column_stride + size * i * sizeof(real),
                    min(size, count - size * i) * sizeof(real),
                )
        return
    for i in range((count + GROUP - 1) // GROUP):
        row = GROUP * i
        for k in range(GROUP):
            rows[k] = start + min(row + k, count - 1) * request.row_stride
        copy_rows(
            rows, GROUP, request.features, request.column_stride, size,
            tiles + row // size * size * request.features + row % size,
        )


cdef inline bint fill_margins(
    const Request *request, Py_ssize_t rounds, const real *tile, real *margins_out
) noexcept nogil:
    """The margins of a tile for each neuron; false if one is not finite."""
    cdef:
        Py_ssize_t k, v
        lanes rest = splat(0.0)  # NaN for an infinity or a NaN
        lanes t[PARTS * ROUNDS]
        real parts[WIDTH]
        real total = 0.0
    for k in range(request.num_neurons):
        forward(tile, request.features, rounds, request.parameters + (request.features + 1) * k, t)
        for v in range(PARTS * rounds):
            store(margins_out + WIDTH * v, t[v])
            rest = rest + (t[v] - t[v])
        margins_out += LANES * rounds
    store(parts, rest)
    for v in range(WIDTH):
        total += parts[v]
    return total == 0.0


cdef void write_margins(
    const Request *request, const real *margins, Py_ssize_t count, real *out
) noexcept nogil:
    cdef Py_ssize_t i, k, size = LANES * request.rounds
    for k in range(request.num_neurons):
        for i in range(count):
            out[request.num_neurons * i + k] = margins[size * k + i]


cdef void write_codes(
    const Request *request, real *margins, Py_ssize_t count, int64_t *out
) noexcept nogil:
    """The class with the largest margin, the first of equals; of two, whether it is above 0.

    The first row of margins is overwritten.
    """
    cdef Py_ssize_t i, k, size = LANES * request.rounds
    if request.num_neurons == 1:
        for i in range(count):
            out[i] = margins[i] > 0.0
        return
    for i in range(count):
        out[i] = 0
    for k in range(1, request.num_neurons):
        for i in range(count):
            if margins[size * k + i] > margins[i]:
                margins[i] = margins[size * k + i]
                out[i] = k


cdef inline void sigmoids(real *margins, Py_ssize_t rounds, real *rests_out) noexcept nogil:
    """Replace the margins m of a tile by 1 - f, and write f, with f = sigma(m)."""
    cdef:
        Py_ssize_t v
        lanes p, rest
    for v in range(PARTS * rounds):
        sigmoid(splat(<real>LOG2_E) * load(margins + WIDTH * v), -LOW, &p, &rest)
        store(margins + WIDTH * v, p)
        store(rests_out + WIDTH * v, rest)


cdef void write_probabilities(
    const Request *request, real *margins, Py_ssize_t count, real *out
) noexcept nogil:
    """1 - f and f of two classes; of more, each f divided by the sum of all.

    Where every f is near the smallest number, the quotient is not exact, and the row is left -1.
    """
    cdef:
        Py_ssize_t i, k, size = LANES * request.rounds
        real sums[LANES * ROUNDS]
        real spare[LANES * ROUNDS]
    if request.num_neurons == 1:
        sigmoids(margins, request.rounds, spare)
        for i in range(count):
            out[2 * i] = margins[i]
            out[2 * i + 1] = spare[i]
        return
    for i in range(size):
        sums[i] = 0.0
    for k in range(request.num_neurons):
        sigmoids(margins + size * k, request.rounds, spare)
        for i in range(size):
            margins[size * k + i] = spare[i]
            sums[i] += spare[i]
    for i in range(count):
        for k in range(request.num_neurons):
            out[k] = margins[size * k + i] / sums[i] if sums[i] > LEAST_SUM else -1.0
        out += request.num_neurons


cdef void predict_tile(
    Request *request, Py_ssize_t first, const real *tile, real *margins
) noexcept nogil:
    cdef:
        Py_ssize_t count = min(LANES * request.rounds, request.num_samples - first)
        bint is_finite
    if request.rounds == 1:
        is_finite = fill_margins(request, 1, tile, margins)
    else:
        is_finite = fill_margins(request, ROUNDS, tile, margins)
    if not is_finite:
        add_to_count(&request.num_infinite, 1)
    if request.output == MARGINS:
        write_margins(request, margins, count, request.reals_out + request.num_neurons * first)
    elif request.output == CODES:
        write_codes(request, margins, count, request.codes_out + first)
    else:
        write_probabilities(
            request, margins, count, request.reals_out + max(2, request.num_neurons) * first
        )


cdef Py_ssize_t predict_batch(Request *request, int64_t rank) noexcept nogil:
    """Predict for the next batch of samples; return how many these are."""
    cdef:
        Py_ssize_t i, size = LANES * request.rounds, batch = size * request.batch_tiles
        Py_ssize_t first = batch * add_to_count(&request.next_batch, 1)
        Py_ssize_t count = min(batch, request.num_samples - first)
        real *tiles = request.desks[rank]
    if count <= 0 or load_count(&request.is_over):
        return 0
    copy_batch(request, first, count, tiles)
    for i in range((count + size - 1) // size):
        predict_tile(
            request, first + size * i, tiles + size * request.features * i,
            tiles + batch * request.features,
        )
    return count


cdef void help_to_predict(void *context, int64_t rank) noexcept nogil:
    while predict_batch(<Request *>context, rank) > 0:
        pass


cdef int lead_prediction(Request *request, turn) except -1:
    """Predict until no batch is left, with turns for Python in between."""
    cdef int64_t now, last_turn = milliseconds()
    with nogil:
        while predict_batch(request, 0) > 0:
            now = milliseconds()
            if now - last_turn >= TURN_MILLISECONDS:
                last_turn = now
                with gil:
                    turn()
    return 0


cdef int predict_all(Request *request, Py_ssize_t num_helpers, turn) except -1:
    start_helpers(&request.crew, help_to_predict, request, num_helpers)
    try:
        lead_prediction(request, turn)
        if request.crew.started > 0 and not helpers_exist(&request.crew):
            # `turn` has forked this process, and what the helpers had claimed is not done.
            store_count(&request.next_batch, 0)
            lead_prediction(request, turn)
    finally:
        with nogil:
            store_count(&request.is_over, 1)
            join_helpers(&request.crew)
    return 0


cdef Py_ssize_t helpers_to_predict(const Request *request, Py_ssize_t num_threads) noexcept nogil:
    cdef double seconds = request.num_samples * request.num_neurons * (
        SECONDS_OF_A_SAMPLE + SECONDS_OF_A_VALUE * request.features
    )
    return <Py_ssize_t>min(<double>(num_threads - 1), seconds / LEAST_SECONDS_FOR_A_HELPER)


cdef int allocate_desks(Request *request, Py_ssize_t num_threads) except -1:
    """Allocate what the threads work on, in one piece of memory."""
    cdef:
        Py_ssize_t i, size = sizeof(real) * LANES * request.rounds * (
            request.batch_tiles * request.features + request.num_neurons
        )
        char *piece
    request.desks = <real **>calloc(num_threads, sizeof(real *))
    piece = <char *>calloc(num_threads, size + LINE_BYTES)
    if request.desks == NULL or piece == NULL:
        free(piece)
        raise MemoryError()
    for i in range(num_threads):
        request.desks[i] = <real *>(piece + i * (size + LINE_BYTES))
    return 0


def predict(
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
    samples : (n, d), of any strides
    parameters : (K, d + 1), the bias last
    output : 0 for margins, 1 for the numbers of the classes, 2 for probabilities
    reals : (n, K), or (n, max(2, K)) for probabilities, out; for class numbers None
    codes : (n,), out; else None
    num_threads : the largest number of threads
    turn : callable, as in `Pass`
    """
    cdef Request *request = <Request *>calloc(1, sizeof(Request))
    if request == NULL:
        raise MemoryError()
    try:
        request.samples = <const char *>&samples[0, 0]
        request.num_samples = samples.shape[0]
        request.features = samples.shape[1]
        request.row_stride = samples.strides[0]
        request.column_stride = samples.strides[1]
        request.parameters = &parameters[0, 0]
        request.num_neurons = parameters.shape[0]
        request.rounds = ROUNDS if request.features < WIDE else 1
        request.batch_tiles = max(1, min(
            BATCH_BYTES // (sizeof(real) * LANES * request.rounds * request.features),
            (request.num_samples - 1) // (LANES * request.rounds) + 1,
        ))
        request.output = output
        if output == CODES:
            request.codes_out = &codes[0]
        else:
            request.reals_out = &reals[0, 0]
        num_threads = 1 + helpers_to_predict(request, num_threads)
        allocate_desks(request, num_threads)
        predict_all(request, num_threads - 1, turn)
        return request.num_infinite
    finally:
        if request.desks != NULL:
            free(request.desks[0])
        free(request.desks)
        free(request)
