"""The kernel: one pass over the samples for many sigmoid neurons, and their predictions.

Compiled for each instruction set (`lanes.h`) in double and in float (`precision.h`).

Layout. There are K neurons, and n samples of d features in tiles (`samples.py`). A tile holds
samples of one class, feature by feature: its row j has feature j of four cache lines of samples, or
of one cache line in the narrow tiles of very wide data. A place in a row is a lane. Lanes without a
sample have weight 0. Tiles of one class that follow each other are a run, and tiles with about
1,024 samples are a block. A pass takes one block after the other. Where the partial sums of all
neurons outgrow a cache, it takes the block once for each group of neurons. The neurons of a group
go through a few tiles one after another, while these are in cache.

The sign. With s = +1 for a neuron's own class and -1 for the rest, and the margin m = s (w.x + b),
the error |f - y| of either is p = sigma(-m) = 1 / (1 + e^m), and 1 - p = e^m p. So the gradient of
the quadratic cost 1/2 sum p^2 is -sum p^2 (1 - p) s x, and that of the log cost -sum log(1 - p) is
-sum p s x. The factor of -s x is the gradient weight g. There is no branch, no y to load, and no
cancellation at either end. All samples of a run have the same sign. A run is given the parameters
times s, and its sums are multiplied by s at the end. So the loops in between know no sign, and one
layout serves every neuron.

The exponential. The parameters are scaled by log2 e once in a pass, so the forward sum is already
t = m log2 e. With k = round(t), r = t - k is exact. With two short polynomials in r^2,
2^r = (even + r odd) / (even - r odd), as tanh(r ln 2 / 2) is odd in r. k goes into the exponent of
the numerator, and the one division that p needs anyway serves 2^r too.

The order of the sums. In a block, neighbouring runs of the same sign are added into LANES partial
sums, which are folded in double and added to the block's sums. Sums of blocks are added as a binary
tree over the numbers of the blocks, as a binary counter carries. None of this depends on the width
of a vector or on the number of threads. Nor does it depend on where a block is: samples laid out in
several pieces give the sums of one piece. So with fused multiply-adds, the same data gives the same
bits everywhere. In float, at most 20 tiles meet in a partial sum. Adding them up costs at most
1.4e-6 of the sum of the absolute values.

Sharing. The leader is the thread that runs a solver, and helpers are threads that run only while it
does (`helpers.h`). A chunk is one or more blocks. Threads claim chunks, sum them, and publish the
sums (`sharing.h`). Each thread begins with its own part of the chunks, which its cache holds
already, and then takes what others have left. There is no barrier: if the system has put a helper
to sleep, the leader sums that helper's chunk again.
"""

from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

# A cache line holds LANES numbers and a vector WIDTH of them, so a line is VECTORS = LANES / WIDTH
# vectors. A row of a tile has ROUNDS lines, or one line if the tile is narrow: `rounds` below.
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
        VECTORS
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
    int64_t LOAD(const int64_t *) noexcept
    void STORE(int64_t *, int64_t) noexcept
    int64_t ADD(int64_t *, int64_t) noexcept

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
        void *context
        int64_t num_models
        int64_t num_neurons
        int64_t num_features
        int (*evaluate)(void *, const double *, const unsigned char *, double *) except -1 nogil
        void (*start_helpers)(void *, int64_t) noexcept nogil
        void (*stop_helpers)(void *) noexcept nogil

cdef enum Loss:
    QUADRATIC
    LOGISTIC

# A neuron's row of sums has d sums for the weights, then these. SUMS is their number.
cdef enum:
    BIAS
    COST
    WRONG
    SUMS

cdef enum:
    CHAINED_ROWS = 256      # a margin is summed in chains of 256 terms: longer ones lose digits
    FETCHED_ROWS = 64       # longer tiles (above 16 KB) are not fetched early: they fill a cache
    LINE_BYTES = 64         # the size of a cache line
    MOST_PAUSES = 100000    # pauses in which the leader waits for a helper: a few milliseconds
    CACHED_BYTES = 16384    # the size of the tiles that a group of neurons goes through at a time
    GROUP_BYTES = 65536     # the size of a group's partial sums, which stay in a cache meanwhile
    TURN_MILLISECONDS = 40  # the time after which Python gets a turn, for Ctrl-C and other threads

# A pass takes about this long for each sample, plus this long for each feature of a sample. A
# helper must save more than it takes to start, and in each pass more than it takes to share it.
cdef double SECONDS_OF_A_SAMPLE = 1e-9
cdef double SECONDS_OF_A_VALUE = 2e-10
cdef double LEAST_SECONDS_FOR_A_HELPER = 2e-4
cdef double LEAST_SECONDS_OF_A_PASS = 4e-6

cdef double LOG2_E = 1.4426950408889634


# --- The sigmoid and the logarithm ---


cdef inline lanes polynomial(
    const real *coefficients, Py_ssize_t degree, lanes x
) noexcept nogil:
    """Evaluate a polynomial, whose coefficients begin with that of the highest power."""
    cdef:
        Py_ssize_t i
        lanes y = splat(coefficients[0])
    for i in range(1, degree + 1):
        y = multiply_add(y, x, splat(coefficients[i]))
    return y


cdef inline void sigmoid(lanes t, real high, lanes *p_out, lanes *rest_out) noexcept nogil:
    """Compute p = 1 / (1 + 2^t) and rest = 1 - p, each with full relative accuracy.

    t is clamped to [LOW, high], with `high` at most -LOW, where both are normal numbers. There, the
    errors are at most 2.3 units of the last digit (3 in float).
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
    """Return -log(1 - u) for u from 0 to 1 - 2^-20, with full relative accuracy for small u, too.

    Let 2^k be the power that takes 1 - u to w = 2^k (1 - u) between 1/sqrt(2) and sqrt(2). Then the
    result is k log 2 - log w. With s = (1 - w) / (1 + w), -log w is 2 artanh(s). As |s| is at most
    0.172, that is s times a short polynomial in s^2. The error is at most 2 units of the last
    digit.
    """
    cdef:
        lanes power = power_to_one(splat(1.0) - u)
        lanes v = multiply_add(power, u, splat(1.0) - power)  # 1 - w; u itself if the power is 1
        lanes s = v / (splat(2.0) - v)
    return multiply_add(exponent(power), splat(LN_2), s * polynomial(LOG, LOG_DEGREE, s * s))


cdef inline lanes twice_log_cost(lanes low, lanes u) noexcept nogil:
    """Return -2 log of the product of (1 - p) over several samples.

    For one sample, -log(1 - p) = max(-m, 0) - log(1 - q), where q is the lesser of p and 1 - p.
    `low` is the sum of min(t, 0) over the samples, and u is 1 minus the product of their 1 - q. So
    one logarithm serves all of them. There may be up to ROUNDS samples.
    """
    # Callers take min(t, 0), not max(-t, 0): gcc 15 moves the sign out of the latter, and then does
    # not use the processor's maximum.
    cdef lanes cost = multiply_add(splat(-LN_2), low, log_of_rest(u))
    return cost + cost


# --- A tile ---


cdef inline void chain(
    const real *tile, Py_ssize_t features, Py_ssize_t rounds, Py_ssize_t first, Py_ssize_t last,
    const real *weights, lanes *t
) noexcept nogil:
    """Add w x of a tile's rows `first` to `last` - 1, in another order, to its margins t."""
    cdef:
        Py_ssize_t i, j, v, half = (features + 1) // 2
        lanes u
    for i in range(first, last):
        # Rows of both halves alternate: memory delivers two pages at once faster than one.
        j = i // 2 + (half if i % 2 else 0)
        u = splat(weights[j])
        for v in range(VECTORS * rounds):
            t[v] = multiply_add(u, load(tile + LANES * rounds * j + WIDTH * v), t[v])


cdef inline void forward(
    const real *tile, Py_ssize_t features, Py_ssize_t rounds, const real *parameters, lanes *t_out
) noexcept nogil:
    """Compute the margins t of a tile, w.x + b with these parameters, of which the bias is last."""
    cdef:
        Py_ssize_t i, first, v
        lanes part[VECTORS * ROUNDS]
    for v in range(VECTORS * rounds):
        t_out[v] = splat(parameters[features])
    chain(tile, features, rounds, 0, min(features, CHAINED_ROWS), parameters, t_out)
    for i in range(1, 1 + (features - 1) // CHAINED_ROWS):
        first = CHAINED_ROWS * i
        for v in range(VECTORS * rounds):
            part[v] = splat(0.0)
        chain(tile, features, rounds, first, min(features, first + CHAINED_ROWS), parameters, part)
        for v in range(VECTORS * rounds):
            t_out[v] = t_out[v] + part[v]


cdef inline void score(
    Loss loss, const lanes *t, Py_ssize_t rounds, real tie, const real *weights, lanes *g_out,
    real *sums
) noexcept nogil:
    """Compute the gradient weights g of a tile's samples, and add what they sum up to.

    The gradient weight is p^2 (1 - p) for the quadratic loss, and p for the log loss. A sample is
    wrong unless its t is above `tie`. `sums` points to LANES partial sums of g, then of twice the
    cost, then of the weights of wrong samples.
    """
    cdef:
        Py_ssize_t i, part
        lanes weight = splat(1.0)
        lanes p, rest, q, low, cost, g
        lanes costs[VECTORS]
        lanes lows[VECTORS]       # for the log loss, as `twice_log_cost` needs them
        lanes us[VECTORS]
        lanes biases[VECTORS]
        lanes wrongs[VECTORS]
    for part in range(VECTORS):
        costs[part] = lows[part] = us[part] = biases[part] = wrongs[part] = splat(0.0)
    for i in range(rounds):
        for part in range(VECTORS):
            sigmoid(t[VECTORS * i + part], HIGH, &p, &rest)
            if weights != NULL:
                weight = load(weights + LANES * i + WIDTH * part)
            if loss == QUADRATIC:
                cost = p * p
                g = cost * rest
            else:
                low = lesser(t[VECTORS * i + part], splat(0.0))
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
            if loss != LOGISTIC or weights != NULL:
                costs[part] = costs[part] + cost
            g_out[VECTORS * i + part] = g
            biases[part] = biases[part] + g
            wrongs[part] = add_unless_greater(
                wrongs[part], weight, t[VECTORS * i + part], splat(tie)
            )
    for part in range(VECTORS):
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
    """Call `score` with constants, so that none of its loops asks for the loss or for weights."""
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
    """Add a tile's g x to LANES partial sums for each feature."""
    cdef:
        Py_ssize_t j, part, i
        lanes total
        const real *next_tile = tile + LANES * rounds * features
    for j in range(features):
        if features <= FETCHED_ROWS:  # fetch the next tile from memory meanwhile
            for i in range(rounds):
                fetch(next_tile + LANES * (rounds * j + i))
        for part in range(VECTORS):
            total = g[part] * load(tile + WIDTH * part)
            for i in range(1, rounds):
                total = multiply_add(
                    g[VECTORS * i + part], load(tile + LANES * i + WIDTH * part), total
                )
            store(sums + WIDTH * part, load(sums + WIDTH * part) + total)
        tile += LANES * rounds
        sums += LANES


cdef inline double fold(const real *parts) noexcept nogil:
    """Return the sum of LANES partial sums, added as a tree."""
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


cdef inline void backward_narrow(
    const real *tile, Py_ssize_t features, double sign, const lanes *g, double *sums
) noexcept nogil:
    """Add a narrow tile's g s x, folded at once, as partial sums of wide data outgrow a cache."""
    cdef:
        Py_ssize_t j, part
        real parts[LANES]
    for j in range(features):
        for part in range(VECTORS):
            store(parts + WIDTH * part, g[part] * load(tile + LANES * j + WIDTH * part))
        sums[j] += sign * fold(parts)


# --- What threads work on ---

# The rows of `runs` and `blocks`, as `Samples` describes them.
cdef struct Run:
    int64_t class_code          # the code of its class
    int64_t first, end          # its tiles
    int64_t filled              # the number of samples in its last tile

cdef struct Block:
    int64_t first, end          # its tiles
    int64_t first_run           # the first run that has tiles in it

# What all threads read, and where they write what others read.
cdef struct Data:
    const real *tiles
    const real *weights         # a row for each tile; NULL if every sample weighs 1
    const real *masks           # row i has i ones, for the last tile of a run with i samples
    const Run *runs
    const Block *blocks
    const int64_t *own_classes  # the class that each neuron tells from the rest
    Loss loss
    Py_ssize_t features
    Py_ssize_t rounds           # cache lines in a row of a tile: ROUNDS, or 1 if tiles are narrow
    Py_ssize_t num_tiles
    Py_ssize_t num_blocks
    Py_ssize_t chunk_blocks     # blocks in a chunk, a power of two
    Py_ssize_t num_chunks
    Py_ssize_t num_neurons
    Py_ssize_t group            # neurons whose partial sums fit into a cache
    Py_ssize_t cached_tiles     # tiles that a group of neurons goes through at a time
    Py_ssize_t num_threads
    # The leader writes these, and helpers copy them: each neuron's parameters times log2 e, and
    # their negatives; then 1 for each neuron that is active in this pass, and 0 for the others.
    real *inputs
    double *chunks              # the published sums of each chunk
    int64_t *current            # the number of the pass
    int64_t *marks              # one for each chunk; see sharing.h

# What one thread works on.
cdef struct Scratch:
    real *inputs                # the thread's copy of the inputs; the leader's is the original
    real *partial               # for each neuron of a group, LANES partial sums of each sum
    double *stack               # sums of blocks and of subtrees of blocks


# The state of a `Pass`. It is on the heap: if the interpreter ends during a call, the leader's
# stack is gone before the helpers are.
cdef struct PassState:
    Data data
    Scratch *scratch            # one for each thread, the leader's first
    Crew crew
    int64_t number              # the number of the last pass
    int64_t first_chunk         # the number of the first chunk among those of all pieces
    double *nodes               # a stack of subtrees of chunks: the sums of each
    int64_t *sizes              # the number of chunks in each subtree
    Py_ssize_t num_nodes
    Py_ssize_t budget           # chunks that the leader sums between two looks at the clock
    Py_ssize_t left             # chunks until the next look
    int64_t last_turn           # when Python had its last turn, in milliseconds
    bint has_hook
    int64_t num_helpers         # helpers in the last call of a solver
    void *owner                 # the `Pass`

cdef class Pass


# --- Runs, blocks and chunks ---


cdef inline const real *weights_of(
    const Data *data, Py_ssize_t rounds, const Run *run, Py_ssize_t i
) noexcept nogil:
    """Return the sample weights of tile i, which is in this run; NULL if all of them are 1."""
    if data.weights != NULL:
        return data.weights + LANES * rounds * i
    if i == run.end - 1 and run.filled < LANES * rounds:
        return data.masks + LANES * rounds * run.filled
    return NULL


cdef inline bint is_active(const Data *data, const real *inputs, Py_ssize_t k) noexcept nogil:
    """Return whether neuron k takes part in this pass."""
    return inputs[2 * data.num_neurons * (data.features + 1) + k] != 0.0


cdef inline void sum_tiles(
    const Data *data, Py_ssize_t features, Py_ssize_t rounds, const Run *run, Py_ssize_t first,
    Py_ssize_t end, const real *parameters, double sign, real *partial, double *sums
) noexcept nogil:
    """Add up tiles of a run in `partial`, but the weights' sums of narrow tiles in `sums`."""
    cdef:
        Py_ssize_t i
        const real *tile = data.tiles + LANES * rounds * features * first
        lanes t[VECTORS * ROUNDS]
        lanes g[VECTORS * ROUNDS]
    for i in range(first, end):
        forward(tile, features, rounds, parameters, t)
        score_either(
            data.loss, t, rounds, <real>sign * TIE, weights_of(data, rounds, run, i), g,
            partial if rounds == 1 else partial + LANES * features,
        )
        if rounds == 1:
            backward_narrow(tile, features, sign, g, sums)
        else:
            backward(tile, features, rounds, g, partial)
        tile += LANES * rounds * features


cdef inline void fold_sums(
    Py_ssize_t features, Py_ssize_t folded, double sign, real *partial, double *sums
) noexcept nogil:
    """Fold a neuron's partial sums, add them to its sums, and set them to 0.

    Those of the gradient are multiplied by the sign. The first `folded` sums, which are those of
    the weights with narrow tiles, have no partial sums.
    """
    cdef Py_ssize_t j
    for j in range(folded, features + COST):
        sums[j] += sign * fold(partial + LANES * (j - folded))
    for j in range(features + COST, features + SUMS):
        sums[j] += fold(partial + LANES * (j - folded))
    for j in range(LANES * (features + SUMS - folded)):
        partial[j] = 0.0


cdef inline void sum_group(
    const Data *data, Py_ssize_t features, Py_ssize_t rounds, const Block *block,
    Py_ssize_t first_neuron, Py_ssize_t end_neuron, Scratch *scratch, double *sums_out
) noexcept nogil:
    """Compute the sums of a group of neurons over a block.

    All neurons go through a few tiles before the first one goes on, so that these are read from
    memory once. A neuron's partial sums are folded where its sign changes.
    """
    cdef:
        Py_ssize_t i = block.first, j, k, end, folded = features if rounds == 1 else 0
        Py_ssize_t size = LANES * (features + SUMS - folded)
        const Run *run = data.runs + block.first_run
        const real *parameters
        bint is_own
    for j in range(size * (end_neuron - first_neuron)):
        scratch.partial[j] = 0.0
    for j in range((features + SUMS) * first_neuron, (features + SUMS) * end_neuron):
        sums_out[j] = 0.0
    while i < block.end:
        end = min(min(run.end, block.end), i + data.cached_tiles)
        for k in range(first_neuron, end_neuron):
            if not is_active(data, scratch.inputs, k):
                continue
            is_own = run.class_code == data.own_classes[k]
            parameters = scratch.inputs + 2 * (features + 1) * k
            sum_tiles(
                data, features, rounds, run, i, end,
                parameters if is_own else parameters + features + 1, 1.0 if is_own else -1.0,
                scratch.partial + size * (k - first_neuron), sums_out + (features + SUMS) * k,
            )
            if end == block.end or (
                end == run.end and is_own != (run[1].class_code == data.own_classes[k])
            ):
                fold_sums(
                    features, folded, 1.0 if is_own else -1.0,
                    scratch.partial + size * (k - first_neuron), sums_out + (features + SUMS) * k,
                )
        if end == run.end:
            run += 1
        i = end


cdef inline void sum_block(
    const Data *data, Py_ssize_t features, Py_ssize_t rounds, const Block *block,
    Scratch *scratch, double *sums_out
) noexcept nogil:
    """Compute the sums of each active neuron over a block."""
    cdef Py_ssize_t k
    for k in range((data.num_neurons + data.group - 1) // data.group):
        sum_group(
            data, features, rounds, block, data.group * k,
            min(data.group * (k + 1), data.num_neurons), scratch, sums_out,
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


cdef void sum_chunk(const Data *data, Py_ssize_t chunk, Scratch *scratch) noexcept nogil:
    """Add up the blocks of a chunk as a tree. The result is the first row of `scratch.stack`."""
    cdef:
        Py_ssize_t row = data.num_neurons * (data.features + SUMS)
        Py_ssize_t i, carries, first = data.chunk_blocks * chunk
        const Block *block
        double *top = scratch.stack
    for i in range(min(data.chunk_blocks, data.num_blocks - first)):
        block = data.blocks + first + i
        # Calls with constants, for which the compiler makes faster loops.
        if data.rounds == 1:
            sum_block(data, data.features, 1, block, scratch, top)
        elif data.features == 2:
            sum_block(data, 2, ROUNDS, block, scratch, top)
        else:
            sum_block(data, data.features, ROUNDS, block, scratch, top)
        carries = i
        while carries & 1:
            top -= row
            add_sums(data, scratch.inputs, top)
            carries >>= 1
        top += row
    top -= row
    while top != scratch.stack:
        top -= row
        add_sums(data, scratch.inputs, top)


# --- How threads share a pass ---


cdef inline void publish(
    const Data *data, Py_ssize_t chunk, int64_t number, const double *sums
) noexcept nogil:
    """Publish a chunk's sums, unless another thread has published them or is doing so."""
    cdef Py_ssize_t row = data.num_neurons * (data.features + SUMS)
    if raise_mark(data.marks + chunk, number, WRITING, data.num_threads == 1):
        memcpy(data.chunks + row * chunk, sums, row * sizeof(double))
        raise_mark(data.marks + chunk, number, PUBLISHED, True)


cdef Py_ssize_t claim(
    const Data *data, Py_ssize_t rank, int64_t number, Py_ssize_t *num_tried
) noexcept nogil:
    """Claim a chunk for a thread and return it, or -1 if none is left or the pass is over.

    `num_tried` counts the chunks that the thread has tried to claim in this pass.
    """
    cdef:
        Py_ssize_t i, chunk
        Py_ssize_t first = data.num_chunks * rank // data.num_threads
        Py_ssize_t own = data.num_chunks * (rank + 1) // data.num_threads - first
    while num_tried[0] < data.num_chunks and is_current(data.current, number):
        i = num_tried[0]
        num_tried[0] += 1
        # After its own part, it tries the other chunks from the last one down, since their owners
        # begin with the first ones.
        chunk = first + i
        if i >= own:
            chunk = data.num_chunks - 1 - (i - own)
            if chunk < first + own:
                chunk -= own
        if raise_mark(data.marks + chunk, number, CLAIMED, data.num_threads == 1):
            return chunk
    return -1


cdef Py_ssize_t num_inputs(const Data *data) noexcept nogil:
    """Return the length of the inputs."""
    return data.num_neurons * (2 * (data.features + 1) + 1)


cdef void help_with_passes(void *context, int64_t rank) noexcept nogil:
    """Help with each pass that becomes current, until there are no more: the work of a helper."""
    cdef:
        PassState *state = <PassState *>context
        const Data *data = &state.data
        Scratch *scratch = &state.scratch[rank]
        Py_ssize_t i, chunk, num_tried
        int64_t number = NO_PASS
    while True:
        number = await_pass(data.current, number)
        if number == LAST_PASS:
            break
        for i in range(num_inputs(data)):
            scratch.inputs[i] = get(data.inputs + i)
        num_tried = 0
        chunk = claim(data, rank, number, &num_tried)
        while chunk >= 0:
            sum_chunk(data, chunk, scratch)
            publish(data, chunk, number, scratch.stack)
            chunk = claim(data, rank, number, &num_tried)


cdef bint is_time_for_a_turn(PassState *state) noexcept nogil:
    """Return whether Python is due for a turn. The clock is read once in `budget` chunks."""
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


cdef int call_hook(
    PassState *state, const unsigned char *active, double *sums_out
) except -1 with gil:
    """Have the hook turn the sums of these samples into the sums of all."""
    cdef:
        const Data *data = &state.data
        Py_ssize_t k, side = data.features + SUMS
        double[:, :, ::1] nodes = (
            <double[:state.num_nodes, :data.num_neurons, :side]>state.nodes
        )
        # A copy, which the hook may keep.
        const double[:, ::1] sums = (<Pass>state.owner).hook(nodes.copy())
    if sums.shape[0] != data.num_neurons or sums.shape[1] != side:
        raise ValueError(
            f"the hook must return sums of shape {(data.num_neurons, side)}, found "
            f"{(sums.shape[0], sums.shape[1])}."
        )
    for k in range(data.num_neurons):
        if active[k]:
            memcpy(sums_out + side * k, &sums[k, 0], side * sizeof(double))
    return 0


cdef int sum_chunks(PassState *state) except -1 nogil:
    """Sum and publish chunks while there are any to claim; the leader's part of a pass."""
    cdef:
        const Data *data = &state.data
        Scratch *scratch = &state.scratch[0]
        Py_ssize_t num_tried = 0
        Py_ssize_t chunk = claim(data, 0, state.number, &num_tried)
    while chunk >= 0:
        sum_chunk(data, chunk, scratch)
        publish(data, chunk, state.number, scratch.stack)
        if is_time_for_a_turn(state):
            give_turn(state)
        chunk = claim(data, 0, state.number, &num_tried)
    return 0


cdef void complete(PassState *state, Py_ssize_t chunk) noexcept nogil:
    """Wait until a chunk is published, but sum it again if the helper that claimed it is late."""
    cdef:
        const Data *data = &state.data
        Scratch *scratch = &state.scratch[0]
        Py_ssize_t row = data.num_neurons * (data.features + SUMS)
        # 3 to 25 times what a chunk takes, if a pause takes 10 to 50 ns, but a few ms at most.
        Py_ssize_t values = data.num_tiles * data.rounds * LANES * (data.features + 8)
        Py_ssize_t pauses = min(
            MOST_PAUSES, 100 + data.num_neurons * (values // data.num_chunks // 16)
        )
    if await_chunk(data.marks + chunk, state.number, pauses):
        return
    sum_chunk(data, chunk, scratch)
    publish(data, chunk, state.number, scratch.stack)
    if not await_writer(data.marks + chunk, state.number, &state.crew):
        # `turn` has forked this process, and the helper that was writing the sums is gone.
        memcpy(data.chunks + row * chunk, scratch.stack, row * sizeof(double))


cdef void add_chunks(PassState *state) noexcept nogil:
    """Add the chunks as a tree, as far as it lies in these samples: see `Pass.subtrees`."""
    cdef:
        const Data *data = &state.data
        Py_ssize_t row = data.num_neurons * (data.features + SUMS)
        Py_ssize_t i, top = -1
        int64_t size
    for i in range(data.num_chunks):
        complete(state, i)
        top += 1
        memcpy(state.nodes + row * top, data.chunks + row * i, row * sizeof(double))
        size = 1
        while top > 0 and state.sizes[top - 1] == size and (
            (state.first_chunk + i + 1) % (2 * size) == 0
        ):
            top -= 1
            add_sums(data, data.inputs, state.nodes + row * top)
            size *= 2
        state.sizes[top] = size
    state.num_nodes = top + 1


cdef void prepare(
    PassState *state, const double *parameters, const unsigned char *active
) noexcept nogil:
    """Write the inputs of a pass, which helpers may be reading for the pass before."""
    cdef:
        const Data *data = &state.data
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
    void *context, const double *parameters, const unsigned char *active, double *sums_out
) except -1 nogil:
    """Make a pass for the active neurons; this is `Problem.evaluate`."""
    cdef:
        PassState *state = <PassState *>context
        const Data *data = &state.data
        Py_ssize_t k, side = data.features + SUMS, row = side * data.num_neurons
        Py_ssize_t top
    prepare(state, parameters, active)
    state.number += 1
    set_current(data.current, state.number)
    sum_chunks(state)
    add_chunks(state)
    if state.has_hook:
        return call_hook(state, active, sums_out)
    for top in range(state.num_nodes - 2, -1, -1):
        add_sums(data, data.inputs, state.nodes + row * top)
    for k in range(data.num_neurons):
        if active[k]:
            memcpy(sums_out + side * k, state.nodes + side * k, side * sizeof(double))
    return 0


cdef void begin_help(void *context, int64_t num_passes) noexcept nogil:
    """Start as many helpers as pay off; this is `Problem.start_helpers`."""
    cdef:
        PassState *state = <PassState *>context
        const Data *data = &state.data
        double samples = <double>data.num_tiles * data.rounds * LANES
        double seconds = samples * data.num_neurons * (
            SECONDS_OF_A_SAMPLE + SECONDS_OF_A_VALUE * data.features
        )
        double helpers = min(
            num_passes * seconds / LEAST_SECONDS_FOR_A_HELPER,
            seconds / LEAST_SECONDS_OF_A_PASS - 1.0,
        )
    state.last_turn = milliseconds()
    state.budget = state.left = 1
    helpers = max(0.0, min(helpers, <double>(data.num_threads - 1)))
    set_current(data.current, NO_PASS)
    start_helpers(&state.crew, help_with_passes, state, <int64_t>helpers)
    STORE(&state.num_helpers, state.crew.started)


cdef void end_help(void *context) noexcept nogil:
    """Let the helpers end, and wait for that; this is `Problem.stop_helpers`."""
    cdef PassState *state = <PassState *>context
    set_current(state.data.current, LAST_PASS)
    join_helpers(&state.crew)


cdef class Pass:
    """A pass over samples, for K neurons.

    Parameters
    ----------
    values, weights, runs, blocks : ndarray
        The samples, as `Samples` describes them; `weights` may be None.
    own_classes : ndarray of shape (K,), int64
        The class of each neuron.
    loss : int
        A number of `enum Loss`.
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
        What a solver needs: see `problem.h`.
    hook : callable or None
        ``hook(nodes)`` gets the sums over these samples. It returns the sums over all, (K, d + 3).
        `nodes`, a buffer of shape (num_nodes, K, d + 3) for ``np.asarray``, has a row for each of
        the `subtrees`. Sums of neurons that are not active are meaningless, and are ignored.
    subtrees : list of tuple of (int, int)
        The first block and the number of blocks of each subtree of blocks. The last subtree counts
        whole chunks, so it may end after the last block.
    num_helpers : int
        The number of helpers in the last call of a solver.
    """

    cdef:
        PassState *state
        Problem described
        void *allocated             # a linked list: memory begins with a pointer to the next
        object samples              # keeps alive what `state` points into
        object function
        readonly object problem
        object turn

    def __cinit__(self):
        self.state = NULL
        self.allocated = NULL

    def __init__(
        self,
        const real[:, :, ::1] values,
        const real[:, ::1] weights,
        const int64_t[:, ::1] runs,
        const int64_t[:, ::1] blocks,
        const int64_t[::1] own_classes,
        Loss loss,
        Py_ssize_t chunk_blocks,
        int64_t first_block,
        Py_ssize_t num_threads,
        turn,
    ):
        cdef Data *data
        self.state = <PassState *>self.allocate(sizeof(PassState))
        self.samples = values, weights, runs, blocks, own_classes
        self.turn = turn
        data = &self.state.data
        data.tiles = &values[0, 0, 0]
        data.weights = NULL
        if weights is not None:
            data.weights = &weights[0, 0]
        data.runs = <const Run *>&runs[0, 0]
        data.blocks = <const Block *>&blocks[0, 0]
        data.own_classes = &own_classes[0]
        data.loss = loss
        data.features = values.shape[1]
        data.rounds = values.shape[2] // LANES
        data.num_tiles = values.shape[0]
        data.num_blocks = blocks.shape[0]
        data.chunk_blocks = chunk_blocks
        data.num_chunks = (data.num_blocks + chunk_blocks - 1) // chunk_blocks
        data.num_neurons = own_classes.shape[0]
        data.group = max(1, min(
            data.num_neurons, GROUP_BYTES // (LINE_BYTES * (data.features + SUMS))
        ))
        data.cached_tiles = data.num_tiles
        if data.num_neurons > 1:
            data.cached_tiles = max(1, CACHED_BYTES // (LINE_BYTES * data.rounds * data.features))
        data.num_threads = min(num_threads, data.num_chunks)
        self.state.first_chunk = first_block // chunk_blocks
        self.state.number = 0
        self.state.budget = 1
        self.state.has_hook = False
        self.state.owner = <void *>self
        self.state.last_turn = milliseconds()
        self.allocate_memory()
        self.described.context = self.state
        self.described.num_models = data.num_neurons
        self.described.num_neurons = 1
        self.described.num_features = data.features
        self.described.evaluate = evaluate
        self.described.start_helpers = begin_help
        self.described.stop_helpers = end_help
        self.problem = PyCapsule_New(&self.described, "oneneuron.problem", NULL)

    cdef void *allocate(self, Py_ssize_t num_bytes) except NULL:
        """Return zeroed memory that shares no cache line, and that is freed with this object."""
        cdef char *piece = <char *>calloc(1, num_bytes + 3 * LINE_BYTES)
        if piece == NULL:
            raise MemoryError()
        (<void **>piece)[0] = self.allocated
        self.allocated = piece
        return piece + 2 * LINE_BYTES - <size_t>piece % LINE_BYTES

    cdef int allocate_memory(self) except -1:
        """Allocate all that threads write to, and the masks of incomplete tiles."""
        cdef:
            PassState *state = self.state
            Data *data = &state.data
            Py_ssize_t i, side = data.features + SUMS, row = data.num_neurons * side
            Py_ssize_t folded = data.features if data.rounds == 1 else 0
            Py_ssize_t tile = data.rounds * LANES
            Py_ssize_t depth = depth_of(data.num_chunks)
            Scratch *scratch
            real *masks = <real *>self.allocate((tile + 1) * tile * sizeof(real))
        for i in range((tile + 1) * tile):
            masks[i] = 1.0 if i % tile < i // tile else 0.0
        data.masks = masks
        data.current = <int64_t *>self.allocate(sizeof(int64_t))
        data.marks = <int64_t *>self.allocate(data.num_chunks * sizeof(int64_t))
        data.chunks = <double *>self.allocate(data.num_chunks * row * sizeof(double))
        # From left to right, the subtrees first grow and then shrink, each at most `depth` times.
        state.nodes = <double *>self.allocate(2 * depth * row * sizeof(double))
        state.sizes = <int64_t *>self.allocate(2 * depth * sizeof(int64_t))
        state.scratch = <Scratch *>self.allocate(data.num_threads * sizeof(Scratch))
        for i in range(data.num_threads):
            scratch = &state.scratch[i]
            scratch.inputs = <real *>self.allocate(num_inputs(data) * sizeof(real))
            scratch.partial = <real *>self.allocate(
                data.group * LANES * (side - folded) * sizeof(real)
            )
            scratch.stack = <double *>self.allocate(
                (depth_of(data.chunk_blocks) + 1) * row * sizeof(double)
            )
        data.inputs = state.scratch[0].inputs
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
        self.state.has_hook = function is not None

    @property
    def subtrees(self):
        cdef Data *data = &self.state.data
        cdef int64_t first = self.state.first_chunk
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
        return LOAD(&self.state.num_helpers)


cdef Py_ssize_t depth_of(Py_ssize_t leaves) noexcept nogil:
    """Return the largest number of subtrees that a binary counter has while it counts `leaves`."""
    cdef Py_ssize_t depth = 1
    while leaves > 1:
        leaves //= 2
        depth += 1
    return depth


# --- Predictions ---

# What a prediction returns.
cdef enum Output:
    MARGINS                     # w.x + b of each neuron
    CODES                       # the code of the class
    PROBABILITIES               # of each class

cdef enum:
    COPIED_TOGETHER = 8         # samples that are copied together
    BATCH_BYTES = 262144        # the size of the samples that a thread takes at once, for its cache
    WIDE = 1024                 # with this number of features or more, tiles are narrow here

# A prediction, on which all threads work. It is on the heap for the same reason as `PassState`.
cdef struct Job:
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
    real **scratch              # for each thread, a batch of tiles and the margins of one tile
    int64_t next_batch
    int64_t num_infinite        # tiles with a margin that is infinite or NaN
    int64_t is_over             # no thread may begin another batch
    Crew crew


cdef inline void copy_rows(
    const char **rows, Py_ssize_t count, Py_ssize_t features, Py_ssize_t stride,
    Py_ssize_t tile_size, real *tile
) noexcept nogil:
    """Copy samples into neighbouring lanes of a tile; faster with a constant `count`."""
    cdef Py_ssize_t j, k
    for j in range(features):
        for k in range(count):
            memcpy(tile + k, rows[k] + j * stride, sizeof(real))  # may be unaligned
        tile += tile_size


cdef void copy_batch(
    const Job *job, Py_ssize_t first, Py_ssize_t count, real *tiles
) noexcept nogil:
    """Copy samples into tiles. Spare lanes repeat the last sample, or keep what they hold."""
    cdef:
        Py_ssize_t i, j, k, row, size = LANES * job.rounds
        const char *start = job.samples + first * job.row_stride
        const char *rows[COPIED_TOGETHER]
    if job.row_stride == sizeof(real):  # values of a feature are neighbours already
        for j in range(job.features):
            for i in range((count + size - 1) // size):
                memcpy(
                    tiles + size * (job.features * i + j),
                    start + j * job.column_stride + size * i * sizeof(real),
                    min(size, count - size * i) * sizeof(real),
                )
        return
    for i in range((count + COPIED_TOGETHER - 1) // COPIED_TOGETHER):
        row = COPIED_TOGETHER * i
        for k in range(COPIED_TOGETHER):
            rows[k] = start + min(row + k, count - 1) * job.row_stride
        copy_rows(
            rows, COPIED_TOGETHER, job.features, job.column_stride, size,
            tiles + row // size * size * job.features + row % size,
        )


cdef inline bint fill_margins(
    const Job *job, Py_ssize_t rounds, const real *tile, real *margins_out
) noexcept nogil:
    """Write the margins of a tile for each neuron; return false if any of them is not finite."""
    cdef:
        Py_ssize_t k, v
        lanes zero = splat(0.0)  # NaN once a margin has been infinite or NaN
        lanes t[VECTORS * ROUNDS]
        real parts[WIDTH]
        real total = 0.0
    for k in range(job.num_neurons):
        forward(tile, job.features, rounds, job.parameters + (job.features + 1) * k, t)
        for v in range(VECTORS * rounds):
            store(margins_out + WIDTH * v, t[v])
            zero = zero + (t[v] - t[v])
        margins_out += LANES * rounds
    store(parts, zero)
    for v in range(WIDTH):
        total += parts[v]
    return total == 0.0


cdef void write_margins(
    const Job *job, const real *margins, Py_ssize_t count, real *out
) noexcept nogil:
    """Write the margins of a tile, sample by sample."""
    cdef Py_ssize_t i, k, size = LANES * job.rounds
    for k in range(job.num_neurons):
        for i in range(count):
            out[job.num_neurons * i + k] = margins[size * k + i]


cdef void write_codes(
    const Job *job, real *margins, Py_ssize_t count, int64_t *out
) noexcept nogil:
    """Write the code of each sample's class: that of the neuron with the largest margin.

    Of equal margins, the first counts. With one neuron, the code is 1 if the margin is above 0, and
    otherwise 0. The first row of margins is overwritten.
    """
    cdef Py_ssize_t i, k, size = LANES * job.rounds
    if job.num_neurons == 1:
        for i in range(count):
            out[i] = margins[i] > 0.0
        return
    for i in range(count):
        out[i] = 0
    for k in range(1, job.num_neurons):
        for i in range(count):
            if margins[size * k + i] > margins[i]:
                margins[i] = margins[size * k + i]
                out[i] = k


cdef inline void sigmoids(real *margins, Py_ssize_t rounds, real *rests_out) noexcept nogil:
    """Replace the margins m of a tile by 1 - f, and write f, with f = sigma(m)."""
    cdef:
        Py_ssize_t v
        lanes p, rest
    for v in range(VECTORS * rounds):
        sigmoid(splat(<real>LOG2_E) * load(margins + WIDTH * v), -LOW, &p, &rest)
        store(margins + WIDTH * v, p)
        store(rests_out + WIDTH * v, rest)


cdef void write_probabilities(
    const Job *job, real *margins, Py_ssize_t count, real *out
) noexcept nogil:
    """Write the probabilities: 1 - f and f with one neuron, else each f divided by their sum.

    If every f of a sample is close to underflow, its quotients would be inexact. They are set to
    -1, and `predictions.py` computes them.
    """
    cdef:
        Py_ssize_t i, k, size = LANES * job.rounds
        real sums[LANES * ROUNDS]
        real spare[LANES * ROUNDS]
    if job.num_neurons == 1:
        sigmoids(margins, job.rounds, spare)
        for i in range(count):
            out[2 * i] = margins[i]
            out[2 * i + 1] = spare[i]
        return
    for i in range(size):
        sums[i] = 0.0
    for k in range(job.num_neurons):
        sigmoids(margins + size * k, job.rounds, spare)
        for i in range(size):
            margins[size * k + i] = spare[i]
            sums[i] += spare[i]
    for i in range(count):
        for k in range(job.num_neurons):
            out[k] = margins[size * k + i] / sums[i] if sums[i] > LEAST_SUM else -1.0
        out += job.num_neurons


cdef void predict_tile(
    Job *job, Py_ssize_t first, const real *tile, real *margins
) noexcept nogil:
    """Predict for the samples of a tile, of which `first` is the first."""
    cdef:
        Py_ssize_t count = min(LANES * job.rounds, job.num_samples - first)
        bint is_finite
    if job.rounds == 1:
        is_finite = fill_margins(job, 1, tile, margins)
    else:
        is_finite = fill_margins(job, ROUNDS, tile, margins)
    if not is_finite:
        ADD(&job.num_infinite, 1)
    if job.output == MARGINS:
        write_margins(job, margins, count, job.reals_out + job.num_neurons * first)
    elif job.output == CODES:
        write_codes(job, margins, count, job.codes_out + first)
    else:
        write_probabilities(
            job, margins, count, job.reals_out + max(2, job.num_neurons) * first
        )


cdef Py_ssize_t predict_batch(Job *job, int64_t rank) noexcept nogil:
    """Predict for the next batch of samples; return their number, 0 if none is left."""
    cdef:
        Py_ssize_t i, size = LANES * job.rounds, batch = size * job.batch_tiles
        Py_ssize_t first = batch * ADD(&job.next_batch, 1)
        Py_ssize_t count = min(batch, job.num_samples - first)
        real *tiles = job.scratch[rank]
    if count <= 0 or LOAD(&job.is_over):
        return 0
    copy_batch(job, first, count, tiles)
    for i in range((count + size - 1) // size):
        predict_tile(
            job, first + size * i, tiles + size * job.features * i,
            tiles + batch * job.features,
        )
    return count


cdef void help_to_predict(void *context, int64_t rank) noexcept nogil:
    """Predict until no batch is left: the work of a helper."""
    while predict_batch(<Job *>context, rank) > 0:
        pass


cdef int lead_prediction(Job *job, turn) except -1:
    """Predict until no batch is left, with turns for Python in between."""
    cdef int64_t now, last_turn = milliseconds()
    with nogil:
        while predict_batch(job, 0) > 0:
            now = milliseconds()
            if now - last_turn >= TURN_MILLISECONDS:
                last_turn = now
                with gil:
                    turn()
    return 0


cdef int predict_all(Job *job, Py_ssize_t num_helpers, turn) except -1:
    """Predict for all samples, with helpers."""
    start_helpers(&job.crew, help_to_predict, job, num_helpers)
    try:
        lead_prediction(job, turn)
        if job.crew.started > 0 and not helpers_exist(&job.crew):
            # `turn` has forked this process, and what the helpers had claimed is not done.
            STORE(&job.next_batch, 0)
            lead_prediction(job, turn)
    finally:
        with nogil:
            STORE(&job.is_over, 1)
            join_helpers(&job.crew)
    return 0


cdef Py_ssize_t helpers_to_predict(const Job *job, Py_ssize_t num_threads) noexcept nogil:
    """Return the number of helpers that pay off."""
    cdef double seconds = job.num_samples * job.num_neurons * (
        SECONDS_OF_A_SAMPLE + SECONDS_OF_A_VALUE * job.features
    )
    return <Py_ssize_t>min(<double>(num_threads - 1), seconds / LEAST_SECONDS_FOR_A_HELPER)


cdef int allocate_scratch(Job *job, Py_ssize_t num_threads) except -1:
    """Allocate the memory of all threads in one piece."""
    cdef:
        Py_ssize_t i, size = sizeof(real) * LANES * job.rounds * (
            job.batch_tiles * job.features + job.num_neurons
        )
        char *piece
    job.scratch = <real **>calloc(num_threads, sizeof(real *))
    piece = <char *>calloc(num_threads, size + LINE_BYTES)
    if job.scratch == NULL or piece == NULL:
        free(piece)
        raise MemoryError()
    for i in range(num_threads):
        job.scratch[i] = <real *>(piece + i * (size + LINE_BYTES))
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
    output : 0 for margins, 1 for class codes, 2 for probabilities
    reals : (n, K), or (n, max(2, K)) for probabilities, out; for class codes None
    codes : (n,), out; else None
    num_threads : the largest number of threads
    turn : callable, as in `Pass`
    """
    cdef Job *job = <Job *>calloc(1, sizeof(Job))
    if job == NULL:
        raise MemoryError()
    try:
        job.samples = <const char *>&samples[0, 0]
        job.num_samples = samples.shape[0]
        job.features = samples.shape[1]
        job.row_stride = samples.strides[0]
        job.column_stride = samples.strides[1]
        job.parameters = &parameters[0, 0]
        job.num_neurons = parameters.shape[0]
        job.rounds = ROUNDS if job.features < WIDE else 1
        job.batch_tiles = max(1, min(
            BATCH_BYTES // (sizeof(real) * LANES * job.rounds * job.features),
            (job.num_samples - 1) // (LANES * job.rounds) + 1,
        ))
        job.output = output
        if output == CODES:
            job.codes_out = &codes[0]
        else:
            job.reals_out = &reals[0, 0]
        num_threads = 1 + helpers_to_predict(job, num_threads)
        allocate_scratch(job, num_threads)
        predict_all(job, num_threads - 1, turn)
        return job.num_infinite
    finally:
        if job.scratch != NULL:
            free(job.scratch[0])
        free(job.scratch)
        free(job)
