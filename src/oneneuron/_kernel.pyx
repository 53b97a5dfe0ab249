"""The kernel: full-batch gradient descent of one sigmoid neuron on the quadratic cost.

Layout. Samples come in tiles of TILE = 32; a tile holds a row for each feature and a last one
for the bias, 32 doubles to a row. Every row is multiplied by s = +1 for class 1, -1 for class 0
(so the last row is s itself), and the samples missing from the last tile are zeros.

The s trick. With the margin m = s (w.x + b), the error |f - y| of either class is
p = sigma(-m) = 1 / (1 + e^m), and 1 - p = e^m p. So the gradient of the cost 1/2 sum p^2 is
-sum p^2 (1 - p) (s x): no branch, no y to load, no cancellation at either end. Zeros add
nothing to that sum; their p = 1/2 is kept out of the cost by a factor s.

The exponential. The weights are scaled by log2 e once a step, so the forward sum is already
t = m log2 e. With k = round(t) the rest r = t - k is exact, 2^r is a polynomial, and k goes into
the exponent. t is clamped to [-1020, 510]: below, 1 - p, and above, p^2, would no longer be
normal doubles, so the clamp changes nothing above 1e-307.

The order of the sums. Each total is LANES = 8 partial sums over a block of tiles, folded as a
tree; the blocks are added in their order. None of it depends on the width of a vector, so with
fused multiply-adds every instruction set gives the same bits.

A step. `descend` updates the parameters from the sums of the last pass, then passes over the
tiles once: margins, errors, gradient, cost and correct samples of the new parameters together.
It can stop after any block and go on later, which is how Ctrl-C gets through.
"""

from libc.string cimport memcpy

cdef extern from "lanes.h" nogil:
    ctypedef double lanes       # C's arithmetic works on it as on a double
    enum:
        WIDTH
        TILE
        LANES
        VECTORS
        PARTS
        ROUNDS
    lanes splat(double) noexcept
    lanes load(const double *) noexcept
    void store(double *, lanes) noexcept
    lanes clamp(lanes, lanes, lanes) noexcept
    lanes one_where_greater(lanes, lanes) noexcept
    lanes shift_exponent(lanes, lanes) noexcept
    lanes multiply_add(lanes, lanes, lanes) noexcept

# Rows of `models`, and what follows the weights and the bias in each row.
cdef enum:
    LAST
    BEST
    LOWEST
cdef enum:
    STEP
    COST
    CORRECT

cdef double LOG2_E = 1.4426950408889634

TILE_SAMPLES = TILE


cdef inline lanes exp2(lanes t) noexcept nogil:
    """2**t for |t| <= 1021: minimax in r on [-1/2, 1/2], error 1.8e-17 before rounding."""
    cdef:
        lanes rounder = splat(6755399441055744.0)  # 1.5 * 2**52: t + rounder has k = round(t)
        lanes k = t + rounder                      # in its low bits
        lanes r = t - (k - rounder)
        lanes e = splat(4.078071929588337e-10)
    e = multiply_add(e, r, splat(7.072570412814423e-09))
    e = multiply_add(e, r, splat(1.0180647659234139e-07))
    e = multiply_add(e, r, splat(1.3215442675329823e-06))
    e = multiply_add(e, r, splat(1.5252727385193868e-05))
    e = multiply_add(e, r, splat(0.0001540353044157213))
    e = multiply_add(e, r, splat(0.0013333558153439966))
    e = multiply_add(e, r, splat(0.009618129107607003))
    e = multiply_add(e, r, splat(0.05550410866479039))
    e = multiply_add(e, r, splat(0.24022650695910097))
    e = multiply_add(e, r, splat(0.6931471805599457))
    e = multiply_add(e, r, splat(1.0))
    return shift_exponent(e, k)


cdef inline void forward(
    const double *tile, Py_ssize_t rows, const double *scaled, lanes *t_out
) noexcept nogil:
    """The margins of a tile, times log2 e."""
    cdef:
        Py_ssize_t j, v
        lanes u
    for v in range(VECTORS):
        t_out[v] = splat(0.0)
    for j in range(rows):
        u = splat(scaled[j])
        for v in range(VECTORS):
            t_out[v] = multiply_add(u, load(tile + TILE * j + WIDTH * v), t_out[v])


cdef inline void errors(const lanes *t, lanes *p_out, lanes *g_out) noexcept nogil:
    """Errors p of a tile's samples and their gradient weights g = p^2 (1 - p)."""
    cdef:
        Py_ssize_t v
        lanes one = splat(1.0)
        lanes e, p
    for v in range(VECTORS):
        e = exp2(clamp(splat(-1020.0), t[v], splat(510.0)))
        p = one / (one + e)
        p_out[v] = p
        g_out[v] = p * p * (e * p)


cdef inline void add_scores(
    const double *signs, const lanes *t, const lanes *p, double *cost_sums, double *correct_sums
) noexcept nogil:
    """Add a tile's p^2 and its correct samples."""
    cdef:
        Py_ssize_t part, k, v
        # f rounds to more than 1/2 only where z is above 1.5 * 2**-53; here times log2 e. So
        # t > tie s counts as np.round(f) == y does: a tie is class 0, and s = 0 is never right.
        lanes tie = splat(2.4e-16)
        lanes cost, correct, s, sp
    for part in range(PARTS):
        cost = load(cost_sums + WIDTH * part)
        correct = load(correct_sums + WIDTH * part)
        for k in range(ROUNDS):
            v = PARTS * k + part
            s = load(signs + WIDTH * v)
            sp = s * p[v]
            cost = multiply_add(sp, sp, cost)
            correct = correct + one_where_greater(t[v], tie * s)
        store(cost_sums + WIDTH * part, cost)
        store(correct_sums + WIDTH * part, correct)


cdef inline void backward(
    const double *tile, Py_ssize_t rows, const lanes *g, double *sums
) noexcept nogil:
    """Add a tile's sum of g (s x) for every row."""
    cdef:
        Py_ssize_t j, part, k, v
        lanes total
    for j in range(rows):
        for part in range(PARTS):
            total = load(sums + LANES * j + WIDTH * part)
            for k in range(ROUNDS):
                v = PARTS * k + part
                total = multiply_add(g[v], load(tile + TILE * j + WIDTH * v), total)
            store(sums + LANES * j + WIDTH * part, total)


cdef inline void sum_block(
    const double *tiles, Py_ssize_t num_tiles, Py_ssize_t rows, const double *scaled,
    double *sums, double *block_out
) noexcept nogil:
    """The descent direction (rows), the sum of p^2 and the correct samples of a block."""
    cdef:
        Py_ssize_t i
        const double *tile
        double *part
        lanes t[VECTORS]
        lanes p[VECTORS]
        lanes g[VECTORS]
    for i in range(LANES * (rows + 2)):
        sums[i] = 0.0
    for i in range(num_tiles):
        tile = tiles + TILE * rows * i
        forward(tile, rows, scaled, t)
        errors(t, p, g)
        add_scores(
            tile + TILE * (rows - 1), t, p, sums + LANES * rows, sums + LANES * (rows + 1)
        )
        backward(tile, rows, g, sums)
    for i in range(rows + 2):
        part = sums + LANES * i
        block_out[i] = (
            ((part[0] + part[4]) + (part[2] + part[6]))
            + ((part[1] + part[5]) + (part[3] + part[7]))
        )


cdef inline bint update(
    const double *last, const double *totals, double eta, Py_ssize_t rows,
    double *parameters_out, double *scaled_out
) noexcept nogil:
    """One step of the descent; false if a parameter is no longer finite."""
    cdef:
        Py_ssize_t j
        double remainder = 0.0
    for j in range(rows):
        parameters_out[j] = last[j] + eta * totals[j]
        scaled_out[j] = LOG2_E * parameters_out[j]
        remainder += scaled_out[j] - scaled_out[j]  # NaN for an infinity or a NaN
    return remainder == 0.0


cdef inline void add_blocks(const double[:, ::1] blocks, double *totals_out) noexcept nogil:
    """Totals over the blocks, in their order."""
    cdef Py_ssize_t i, j
    for j in range(blocks.shape[1]):
        totals_out[j] = 0.0
    for i in range(blocks.shape[0]):
        for j in range(blocks.shape[1]):
            totals_out[j] += blocks[i, j]


cdef inline bint score(
    const double *parameters, const double *totals, double step, Py_ssize_t rows,
    double[:, ::1] models
) noexcept nogil:
    """Keep the parameters as last, and as best and lowest if they are; false if C is NaN."""
    cdef:
        Py_ssize_t j
        double cost = 0.5 * totals[rows], correct = totals[rows + 1]
        # The start is only a stand-in: models are ranked after each update.
        bint first = step <= 1.0
    if cost != cost:
        return False
    for j in range(rows):
        models[LAST, j] = parameters[j]
    models[LAST, rows + STEP] = step
    models[LAST, rows + COST] = cost
    models[LAST, rows + CORRECT] = correct
    if first or correct > models[BEST, rows + CORRECT]:
        memcpy(&models[BEST, 0], &models[LAST, 0], models.shape[1] * sizeof(double))
    if first or cost < models[LOWEST, rows + COST]:
        memcpy(&models[LOWEST, 0], &models[LAST, 0], models.shape[1] * sizeof(double))
    return True


def descend(
    const double[:, :, ::1] tiles,
    double[:, ::1] models,
    double[:, ::1] blocks,
    double[:, ::1] work,
    double[::1] sums,
    Py_ssize_t tiles_in_block,
    double eta,
    Py_ssize_t last_step,
    Py_ssize_t next_block,
    Py_ssize_t budget,
):
    """Descend until step `last_step` is scored, or for `budget` blocks at most.

    Parameters
    ----------
    tiles : (num_tiles, rows, 32), rows = features + 1
    models : (3, rows + 3), in and out
        Last, best and lowest: weights, bias, step, cost, correct. Row 0 starts as the initial
        parameters at step -1, of which the first pass makes step 0.
    blocks : (num_blocks, rows + 2), in and out
        Each block's sums: descent direction, p^2, correct.
    work : (3, rows + 2), in and out
        Totals over the blocks, the parameters being scored, and those times log2 e.
    sums : (8 * (rows + 2),), scratch
    next_block : the block to go on with; 0 when no step is under way

    Returns
    -------
    next_block : the block to go on with; -1 if the parameters are no longer finite
    """
    cdef:
        Py_ssize_t rows = tiles.shape[1], num_blocks = blocks.shape[0], first
        double *totals = &work[0, 0]
        double *parameters = &work[1, 0]
        double *scaled = &work[2, 0]
    with nogil:
        while models[LAST, rows + STEP] < last_step:
            if next_block == 0 and not update(
                &models[LAST, 0], totals, eta, rows, parameters, scaled
            ):
                next_block = -1
                break
            while next_block < num_blocks and budget > 0:
                first = tiles_in_block * next_block
                sum_block(
                    &tiles[first, 0, 0], min(tiles_in_block, tiles.shape[0] - first), rows,
                    scaled, &sums[0], &blocks[next_block, 0]
                )
                next_block += 1
                budget -= 1
            if next_block < num_blocks:
                break
            add_blocks(blocks, totals)
            next_block = 0
            if not score(parameters, totals, models[LAST, rows + STEP] + 1.0, rows, models):
                next_block = -1
                break
    return next_block
