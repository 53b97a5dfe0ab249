"""The kernel: full-batch gradient descent of one sigmoid neuron on the quadratic cost.

Compiled for each instruction set (`lanes.h`) in double and in float (`precision.h`).

Layout. Samples come in tiles of TILE, those of class 1 first; a tile has a row for each feature,
times the sign s of its class: +1 for class 1, -1 for class 0. The last tile of a class is filled
up with samples of weight 0.

The s trick. With the margin m = s (w.x + b), the error |f - y| of either class is
p = sigma(-m) = 1 / (1 + e^m), and 1 - p = e^m p. So the gradient of the cost 1/2 sum p^2 is
-sum p^2 (1 - p) (s x): no branch, no y to load, no cancellation at either end.

The exponential. The weights are scaled by log2 e once a step, so the forward sum is already
t = m log2 e. With k = round(t) the rest r = t - k is exact, 2^r is a polynomial, and k goes into
the exponent. t is clamped to where 1 - p and p^2 are normal numbers, which changes nothing above
1e-307 (in float, 1e-37).

The order of the sums. A tile's samples are added into LANES partial sums, tiles to a block's;
these are folded in double as a tree, and the blocks are added in their order. None of it depends
on the width of a vector or the number of threads, so with fused multiply-adds the same data gives
the same bits everywhere. In float, 20 tiles at most meet in a partial sum: even if all are alike
it is off by 4e-7 at most. Parameters are kept in double.

A step. `descend` updates the parameters from the totals of the last pass, then passes over the
tiles once: margins, errors, gradient, cost and correct samples of the new parameters together. It
can stop after any block and go on later, which is how Ctrl-C gets through.

Threads. Each calls `descend` and takes its share of a step's blocks; they meet (`meeting.h`) once
a step, then each adds all blocks and updates parameters of its own, to the same bits. The blocks
have two sets of rows, used in turns, so that nobody overwrites what another still reads.
"""

from libc.stdint cimport int64_t
from libc.string cimport memcpy

cdef extern from "lanes.h" nogil:
    ctypedef double real        # or float
    ctypedef double lanes       # C's arithmetic works on it as on a double
    const real *EXP2
    const real ROUNDER, LOW, HIGH, TIE
    enum:
        DEGREE
        WIDTH
        TILE
        LANES
        VECTORS
        PARTS
        ROUNDS
    lanes splat(real) noexcept
    lanes load(const real *) noexcept
    void store(real *, lanes) noexcept
    void fetch(const real *) noexcept
    lanes clamp(lanes, lanes, lanes) noexcept
    lanes one_where_greater(lanes, lanes) noexcept
    lanes shift_exponent(lanes, lanes) noexcept
    lanes multiply_add(lanes, lanes, lanes) noexcept

cdef extern from "meeting.h" nogil:
    bint meet(int64_t *, int64_t, int64_t, int64_t) noexcept

# Rows of `models`, and what follows the d weights and the bias in a row of totals or models.
cdef enum:
    LAST
    BEST
    LOWEST
cdef enum:
    BIAS
    COST
    CORRECT
    STEP

cdef double LOG2_E = 1.4426950408889634
cdef Py_ssize_t FETCHED_ROWS = 128  # tiles of 32 KB: they and the sums fit in a first-level cache

TILE_SAMPLES = TILE
SUM_LANES = LANES

cdef struct Samples:
    const real *tiles
    const real *weights         # a row for each tile, or for the last of each class alone
    Py_ssize_t features
    Py_ssize_t num_tiles
    Py_ssize_t num_positive
    bint weighted


cdef inline lanes exp2(lanes t) noexcept nogil:
    """2**t within the clamp, by splitting t into a whole number and the rest."""
    cdef:
        Py_ssize_t i
        lanes k = t + splat(ROUNDER)  # round(t) is in its low bits
        lanes r = t - (k - splat(ROUNDER))
        lanes e = splat(EXP2[0])
    for i in range(1, DEGREE + 1):
        e = multiply_add(e, r, splat(EXP2[i]))
    return shift_exponent(e, k)


cdef inline void forward(
    const real *tile, Py_ssize_t features, const real *scaled, real sign, lanes *t_out
) noexcept nogil:
    """The margins of a tile, times log2 e."""
    cdef:
        Py_ssize_t j, v
        lanes u = splat(sign * scaled[features])
    for v in range(VECTORS):
        t_out[v] = u
    for j in range(features):
        u = splat(scaled[j])
        for v in range(VECTORS):
            t_out[v] = multiply_add(u, load(tile + TILE * j + WIDTH * v), t_out[v])


cdef inline void judge(
    const lanes *t, real sign, lanes *g_out, lanes *cost_out, lanes *correct_out
) noexcept nogil:
    """Gradient weights p^2 (1 - p), costs p^2, and 1 where np.round(f) == y, of a tile."""
    cdef:
        Py_ssize_t v
        lanes one = splat(1.0)
        lanes tie = splat(sign * TIE)
        lanes p
        lanes e[VECTORS]
    for v in range(VECTORS):
        e[v] = exp2(clamp(splat(LOW), t[v], splat(HIGH)))
    for v in range(VECTORS):
        p = one / (one + e[v])
        cost_out[v] = p * p
        g_out[v] = cost_out[v] * (e[v] * p)
        correct_out[v] = one_where_greater(t[v], tie)


cdef inline void weigh(const real *weights, lanes *values) noexcept nogil:
    """Multiply by the weights of a tile's samples."""
    cdef Py_ssize_t v
    for v in range(VECTORS):
        values[v] = load(weights + WIDTH * v) * values[v]


cdef inline void add(const lanes *values, real factor, real *sums) noexcept nogil:
    """Add a tile's values, times a factor, to their partial sums."""
    cdef:
        Py_ssize_t part, k
        lanes total
    for part in range(PARTS):
        total = values[part]
        for k in range(1, ROUNDS):
            total = total + values[PARTS * k + part]
        total = multiply_add(splat(factor), total, load(sums + WIDTH * part))
        store(sums + WIDTH * part, total)


cdef inline void backward(
    const real *tile, Py_ssize_t features, const lanes *g, const real *next_tile, real *sums
) noexcept nogil:
    """Add a tile's sums of g (s x); have memory send the next tile meanwhile."""
    cdef:
        Py_ssize_t j, part, k, v
        lanes total
    for j in range(features):
        if features <= FETCHED_ROWS:
            for k in range(4):
                fetch(next_tile + TILE * j + LANES * k)
        for part in range(PARTS):
            total = g[part] * load(tile + TILE * j + WIDTH * part)
            for k in range(1, ROUNDS):
                v = PARTS * k + part
                total = multiply_add(g[v], load(tile + TILE * j + WIDTH * v), total)
            total = total + load(sums + LANES * j + WIDTH * part)
            store(sums + LANES * j + WIDTH * part, total)


cdef inline const real *weights_of(const Samples *samples, Py_ssize_t i) noexcept nogil:
    """The weights of a tile; NULL if all are 1."""
    if samples.weighted:
        return samples.weights + TILE * i
    if i == samples.num_positive - 1:
        return samples.weights
    if i == samples.num_tiles - 1:
        return samples.weights + TILE
    return NULL


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


cdef inline void sum_block(
    const Samples *samples, Py_ssize_t first, Py_ssize_t last, const real *scaled,
    real *sums, double *block_out
) noexcept nogil:
    """The descent direction, the sum of p^2 and the correct samples of tiles first to last."""
    cdef:
        Py_ssize_t i, features = samples.features
        const real *tile
        const real *weights
        real sign
        lanes t[VECTORS]
        lanes g[VECTORS]
        lanes cost[VECTORS]
        lanes correct[VECTORS]
    for i in range(LANES * (features + STEP)):
        sums[i] = 0.0
    for i in range(first, last):
        tile = samples.tiles + TILE * features * i
        sign = 1.0 if i < samples.num_positive else -1.0
        forward(tile, features, scaled, sign, t)
        judge(t, sign, g, cost, correct)
        weights = weights_of(samples, i)
        if weights != NULL:
            weigh(weights, g)
            weigh(weights, cost)
            weigh(weights, correct)
        add(g, sign, sums + LANES * (features + BIAS))
        add(cost, 1.0, sums + LANES * (features + COST))
        add(correct, 1.0, sums + LANES * (features + CORRECT))
        backward(tile, features, g, tile + TILE * features, sums)
    for i in range(features + STEP):
        block_out[i] = fold(sums + LANES * i)


cdef inline void add_blocks(const double[:, ::1] blocks, double *totals_out) noexcept nogil:
    """Totals over the blocks, in their order."""
    cdef Py_ssize_t i, j
    for j in range(blocks.shape[1]):
        totals_out[j] = 0.0
    for i in range(blocks.shape[0]):
        for j in range(blocks.shape[1]):
            totals_out[j] += blocks[i, j]


cdef inline void update(
    double *parameters, const double *totals, double eta, double alpha, Py_ssize_t features
) noexcept nogil:
    """One step of the descent; the bias is not penalised."""
    cdef Py_ssize_t j
    for j in range(features):
        parameters[j] += eta * (totals[j] - alpha * parameters[j])
    parameters[features] += eta * totals[features]


cdef inline bint scale(
    const double *parameters, Py_ssize_t features, real *scaled_out
) noexcept nogil:
    """Parameters times log2 e; false if one is not finite."""
    cdef:
        Py_ssize_t j
        real rest = 0.0
    for j in range(features + 1):
        scaled_out[j] = <real>(LOG2_E * parameters[j])
        rest += scaled_out[j] - scaled_out[j]  # NaN for an infinity or a NaN
    return rest == 0.0


cdef inline double cost_of(
    const double *parameters, const double *totals, double alpha, Py_ssize_t features
) noexcept nogil:
    """1/2 sum p^2 + alpha/2 |w|^2."""
    cdef:
        Py_ssize_t j
        double squares = 0.0
    if alpha > 0.0:
        for j in range(features):
            squares += parameters[j] * parameters[j]
    return 0.5 * totals[features + COST] + 0.5 * alpha * squares


cdef inline void keep(
    const double *parameters, double cost, double correct, double step, double[:, ::1] models
) noexcept nogil:
    """Keep the parameters as last, and as best and lowest if they are."""
    cdef:
        Py_ssize_t j, features = models.shape[1] - STEP - 1
        # The start is only a stand-in: models are ranked after each update.
        bint first = step <= 1.0
    for j in range(features + 1):
        models[LAST, j] = parameters[j]
    models[LAST, features + COST] = cost
    models[LAST, features + CORRECT] = correct
    models[LAST, features + STEP] = step
    if first or correct > models[BEST, features + CORRECT]:
        memcpy(&models[BEST, 0], &models[LAST, 0], models.shape[1] * sizeof(double))
    if first or cost < models[LOWEST, features + COST]:
        memcpy(&models[LOWEST, 0], &models[LAST, 0], models.shape[1] * sizeof(double))


def descend(
    const real[:, :, ::1] tiles,
    const real[:, ::1] weights,
    bint weighted,
    Py_ssize_t num_positive,
    double[:, ::1] models,
    double[:, :, ::1] blocks,
    double[:, :, ::1] states,
    real[:, ::1] scratch,
    int64_t[:, ::1] counters,
    double eta,
    double alpha,
    Py_ssize_t step,
    Py_ssize_t last_step,
    Py_ssize_t next_block,
    Py_ssize_t budget,
    Py_ssize_t rank,
    Py_ssize_t num_threads,
):
    """Descend from `step` until `last_step` is scored, or for `budget` blocks at most.

    Parameters
    ----------
    tiles : (num_tiles, d, TILE), the first `num_positive` of class 1
    weights : (num_tiles, TILE), or unless `weighted` (2, TILE): of each class's last tile
    models : (3, d + 4), out
        Last, best and lowest: weights, bias, cost, correct, step.
    blocks : (1 or 2, num_blocks, d + 3), in and out
        Each block's sums: descent direction, p^2, correct. Two for more than one thread.
    states : (num_threads, 2, d + 3), in and out
        Each thread's totals over the blocks, and its parameters.
    scratch : (num_threads, LANES * (d + 3) + d + 1)
        Each thread's partial sums, and its parameters times log2 e.
    counters : (num_threads, 8)
        Zeros; see meeting.h.
    next_block : the block to go on with; 0 when no step is under way
    rank : which of the threads this is; the first keeps the models

    Returns
    -------
    next_block : the block to go on with; -1 if parameters or cost are no longer finite
    """
    cdef:
        Py_ssize_t features = tiles.shape[1], num_tiles = tiles.shape[0]
        Py_ssize_t num_blocks = blocks.shape[1]
        Py_ssize_t block, row, stop, share, first, last, meetings = 0
        double *totals = &states[rank, 0, 0]
        double *parameters = &states[rank, 1, 0]
        real *sums = &scratch[rank, 0]
        real *scaled = sums + LANES * (features + STEP)
        double cost
        Samples samples = Samples(
            &tiles[0, 0, 0], &weights[0, 0], features, num_tiles, num_positive, weighted
        )
    with nogil:
        if next_block > 0:
            scale(parameters, features, scaled)
        while step < last_step and budget > 0:
            if next_block == 0:
                update(parameters, totals, eta, alpha, features)
                if not scale(parameters, features, scaled):
                    next_block = -1
                    break
            row = (step + 1) % blocks.shape[0]
            stop = min(num_blocks, next_block + budget)
            share = stop - next_block
            first = next_block + share * rank // num_threads
            last = next_block + share * (rank + 1) // num_threads
            for block in range(first, last):
                sum_block(
                    &samples, num_tiles * block // num_blocks,
                    num_tiles * (block + 1) // num_blocks, scaled, sums, &blocks[row, block, 0]
                )
            budget -= share
            next_block = stop
            if stop < num_blocks:
                break
            meetings += 1
            if not meet(&counters[0, 0], rank, num_threads, meetings):
                next_block = last  # the first thread's share is the first; the rest is to be done
                break
            add_blocks(blocks[row], totals)
            next_block = 0
            step += 1
            cost = cost_of(parameters, totals, alpha, features)
            if cost != cost:
                next_block = -1
                break
            if rank == 0:
                keep(parameters, cost, totals[features + CORRECT], step, models)
    return next_block
