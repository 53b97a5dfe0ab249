"""The kernel: full-batch gradient descent of one sigmoid neuron, on one of two losses.

Compiled for each instruction set (`lanes.h`) in double and in float (`precision.h`).

Layout. Samples come in tiles, those of class 1 first; a tile has a row for each feature. The last
tile of a class is filled up with samples of weight 0. A row is four cache lines of samples, or one
where the data is so wide that a tile would not stay in cache between its two halves.

The s trick. With s = +1 for class 1 and -1 for class 0, and the margin m = s (w.x + b), the error
|f - y| of either class is p = sigma(-m) = 1 / (1 + e^m), and 1 - p = e^m p. So the gradient of the
quadratic cost 1/2 sum p^2 is -sum p^2 (1 - p) s x, and that of the log cost -sum log(1 - p) is
-sum p s x: no branch, no y to load, no cancellation at either end. All samples of a tile have the
same s, and each is stored times it.

The exponential. The weights are scaled by log2 e once a step, so that the forward sum is already
t = m log2 e. With k = round(t) the rest r = t - k is exact, and with two short polynomials in r^2,
2^r = (even + r odd) / (even - r odd), as tanh(r ln 2 / 2) is odd in r. k goes into the exponent of
the numerator, and the one division that p needs anyhow does for 2^r too. t is clamped to where
1 - p and p^2 are normal numbers: that changes nothing above 1e-307 (in float, 1e-37) of the
quadratic cost, nor above 3e-154 (2e-19) of the log cost.

The logarithm. -log(1 - p) = max(-m, 0) - log(1 - q) with q the lesser of p and 1 - p, at most 1/2.
The rest is 2 artanh(s) with s = q / (2 - q), at most 1/3: s times a polynomial in s^2, so that a
small cost keeps its digits.

The order of the sums. A tile's samples are added into LANES partial sums, tiles to a block's;
these are folded in double as a tree, and the blocks are added in their order. None of it depends
on the width of a vector or the number of threads, so with fused multiply-adds the same data gives
the same bits everywhere. In float, 20 tiles at most meet in a partial sum: even if all are alike
it is off by 4e-7 at most. Parameters are kept in double.

A step. `descend` updates the parameters from the totals of the last pass, then passes over the
tiles once: margins, errors, gradient, cost and wrong samples of the new parameters together. It
can stop after any block and go on later, which is how Ctrl-C gets through.

Threads. One leads; the others only help with the blocks of the step under way (`sharing.h`). Each
begins with a share of its own, so that its cache has it already, then takes what others have left.
They are Python's threads and end with the call, so a fork is safe and no runtime library is
needed; a step costs them two cache lines' way from core to core, and nobody waits at a barrier
for a thread that the system has put to sleep.
"""

from libc.math cimport fabs
from libc.stdint cimport int64_t
from libc.string cimport memcpy

cdef extern from "lanes.h" nogil:
    ctypedef double real        # or float
    ctypedef double lanes       # C's arithmetic works on it as on a double
    const real *ODD
    const real *EVEN
    const real *LOG
    const real ROUNDER, LOW, HIGH, TIE, LN_2
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
    lanes multiply_add(lanes, lanes, lanes) noexcept

cdef extern from "sharing.h" nogil:
    enum:
        CLAIMED
        HELD
        HANDED_IN
        MUSTERED
        DISMISSED
    bint raise_mark(int64_t *, int64_t, int64_t, bint) noexcept
    bint await_block(const int64_t *, int64_t, int64_t) noexcept
    void open_step(int64_t *, int64_t) noexcept
    bint is_open(const int64_t *, int64_t) noexcept
    int64_t await_step(const int64_t *, int64_t) noexcept
    real get(const real *) noexcept
    void put(real *, real) noexcept

cdef enum Loss:
    QUADRATIC
    LOGISTIC

# Rows of `models`, and what follows the d weights and the bias in a row of totals or models.
cdef enum:
    LAST
    BEST
    LOWEST
cdef enum:
    CHAINED_ROWS = 256  # a margin is added up in chains of so many terms: longer ones lose digits
    FETCHED_ROWS = 64   # the next tile is fetched if it has 16 KB at most: more crowds out a cache
cdef enum:
    BIAS
    COST
    WRONG
    STEP

cdef double LOG2_E = 1.4426950408889634

SUM_LANES = LANES
TILE_SAMPLES = ROUNDS * LANES
NARROW_TILE_SAMPLES = LANES

cdef struct Job:
    const real *tiles
    const real *weights         # a row for each tile, or for the last of each class alone
    bint weighted
    Loss loss
    bint intercept              # else the bias stays as it is
    Py_ssize_t features
    Py_ssize_t rounds           # cache lines in a row of a tile
    Py_ssize_t num_tiles
    Py_ssize_t num_positive     # tiles of class 1
    Py_ssize_t num_blocks
    Py_ssize_t num_threads
    real *scaled                # the parameters times log2 e
    double *blocks              # the sums of each block
    int64_t *stage
    int64_t *marks


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


cdef inline void chain(
    const real *tile, Py_ssize_t features, Py_ssize_t rounds, Py_ssize_t first, Py_ssize_t last,
    const real *scaled, lanes *t
) noexcept nogil:
    """Add w x of some of a tile's rows to its margins."""
    cdef:
        Py_ssize_t i, j, v, half = (features + 1) // 2
        lanes u
    for i in range(first, last):
        # Both halves in turns: two pages at once come faster from memory than one.
        j = i // 2 + (half if i % 2 else 0)
        u = splat(scaled[j])
        for v in range(PARTS * rounds):
            t[v] = multiply_add(u, load(tile + LANES * rounds * j + WIDTH * v), t[v])


cdef inline void forward(
    const real *tile, Py_ssize_t features, Py_ssize_t rounds, const real *scaled, real sign,
    lanes *t_out
) noexcept nogil:
    """The margins of a tile, times log2 e."""
    cdef:
        Py_ssize_t i, first, v
        lanes part[PARTS * ROUNDS]
    for v in range(PARTS * rounds):
        t_out[v] = splat(sign * scaled[features])
    chain(tile, features, rounds, 0, min(features, CHAINED_ROWS), scaled, t_out)
    for i in range(1, 1 + (features - 1) // CHAINED_ROWS):
        first = CHAINED_ROWS * i
        for v in range(PARTS * rounds):
            part[v] = splat(0.0)
        chain(tile, features, rounds, first, min(features, first + CHAINED_ROWS), scaled, part)
        for v in range(PARTS * rounds):
            t_out[v] = t_out[v] + part[v]


cdef inline lanes log_cost(lanes t, lanes p, lanes rest) noexcept nogil:
    """-log(1 - p), with `rest` 1 - p and t the margin times log2 e."""
    cdef:
        lanes q = lesser(p, rest)
        lanes s = q / (splat(2.0) - q)
        lanes log = s * polynomial(LOG, LOG_DEGREE, s * s)
    # Not of the greater of -t and 0: gcc 15 takes the sign out of that, and then has no maximum.
    return multiply_add(splat(-LN_2), lesser(t, splat(0.0)), log)


cdef inline void judge(
    Loss loss, const lanes *t, Py_ssize_t rounds, real sign, const real *weights, lanes *g_out,
    real *sums
) noexcept nogil:
    """Gradient weights of a tile; their sum, that of twice the cost and the wrong samples.

    `sums` is where the bias's partial sums are, then come those of the cost and the wrong.
    """
    cdef:
        Py_ssize_t i, part
        lanes one = splat(1.0), tie = splat(sign * TIE), weight = one
        lanes k, r, odd, even, a, b, inverse, p, rest, cost, g
        lanes costs[PARTS]
        lanes biases[PARTS]
        lanes wrongs[PARTS]
    for part in range(PARTS):
        costs[part] = biases[part] = wrongs[part] = splat(0.0)
    for i in range(rounds):
        for part in range(PARTS):
            r = clamp(splat(LOW), t[PARTS * i + part], splat(HIGH))
            k = r + splat(ROUNDER)  # round(t) is in its low bits
            r = r - (k - splat(ROUNDER))
            odd = polynomial(ODD, DEGREE, r * r)
            even = polynomial(EVEN, DEGREE, r * r)
            a = multiply_add(-r, odd, even)
            b = shift_exponent(multiply_add(r, odd, even), k)  # b / a is e^m
            inverse = one / (a + b)
            p = a * inverse
            rest = b * inverse
            if loss == QUADRATIC:
                cost = p * p
                g = cost * rest
            else:
                g = p
                cost = log_cost(t[PARTS * i + part], p, rest)
                cost = cost + cost
            if weights != NULL:
                weight = load(weights + LANES * i + WIDTH * part)
                cost = weight * cost
                g = weight * g
            g_out[PARTS * i + part] = g
            costs[part] = costs[part] + cost
            biases[part] = biases[part] + g
            wrongs[part] = add_unless_greater(wrongs[part], weight, t[PARTS * i + part], tie)
    for part in range(PARTS):
        store(sums, multiply_add(splat(sign), biases[part], load(sums)))
        store(sums + LANES, load(sums + LANES) + costs[part])
        store(sums + 2 * LANES, load(sums + 2 * LANES) + wrongs[part])
        sums += WIDTH


cdef inline void score(
    Loss loss, const lanes *t, Py_ssize_t rounds, real sign, const real *weights, lanes *g_out,
    real *sums
) noexcept nogil:
    """`judge` four times, so that no loop of it asks for the loss or for weights."""
    if loss == QUADRATIC and weights == NULL:
        judge(QUADRATIC, t, rounds, sign, NULL, g_out, sums)
    elif loss == QUADRATIC:
        judge(QUADRATIC, t, rounds, sign, weights, g_out, sums)
    elif weights == NULL:
        judge(LOGISTIC, t, rounds, sign, NULL, g_out, sums)
    else:
        judge(LOGISTIC, t, rounds, sign, weights, g_out, sums)


cdef inline void backward(
    const real *tile, Py_ssize_t features, Py_ssize_t rounds, const lanes *g, real *sums
) noexcept nogil:
    """Add a tile's sums of g s x."""
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
    const real *tile, Py_ssize_t features, const lanes *g, double *totals
) noexcept nogil:
    """Add a narrow tile's sums of g s x, folded: LANES partial sums of each outgrow a cache."""
    cdef:
        Py_ssize_t j, part
        real parts[LANES]
    for j in range(features):
        for part in range(PARTS):
            store(parts + WIDTH * part, g[part] * load(tile + LANES * j + WIDTH * part))
        totals[j] += fold(parts)


cdef inline const real *weights_of(const Job *job, Py_ssize_t i) noexcept nogil:
    """The weights of a tile; NULL if all are 1."""
    if job.weighted:
        return job.weights + LANES * job.rounds * i
    if i == job.num_positive - 1:
        return job.weights
    if i == job.num_tiles - 1:
        return job.weights + LANES * job.rounds
    return NULL


cdef inline void sum_tiles(
    const Job *job, Py_ssize_t features, Py_ssize_t rounds, Py_ssize_t block, const real *scaled,
    real *sums, double *out
) noexcept nogil:
    """The descent direction, the sum of p^2 and the wrong samples of a block."""
    cdef:
        Py_ssize_t i, j, folded = features if rounds == 1 else 0
        const real *tile
        const real *weights
        real sign
        lanes t[PARTS * ROUNDS]
        lanes g[PARTS * ROUNDS]
    for j in range(LANES * (features + STEP - folded)):
        sums[j] = 0.0
    for j in range(folded):
        out[j] = 0.0
    for i in range(
        job.num_tiles * block // job.num_blocks, job.num_tiles * (block + 1) // job.num_blocks
    ):
        tile = job.tiles + LANES * rounds * features * i
        sign = 1.0 if i < job.num_positive else -1.0
        forward(tile, features, rounds, scaled, sign, t)
        weights = weights_of(job, i)
        score(job.loss, t, rounds, sign, weights, g, sums + LANES * (features - folded))
        if rounds == 1:
            backward_wide(tile, features, g, out)
        else:
            backward(tile, features, rounds, g, sums)
    for j in range(folded, features + STEP):
        out[j] = fold(sums + LANES * (j - folded))


cdef void sum_block(
    const Job *job, Py_ssize_t block, const real *scaled, real *sums, double *out
) noexcept nogil:
    """One function thrice, so that the compiler knows the numbers in it."""
    if job.rounds == 1:
        sum_tiles(job, job.features, 1, block, scaled, sums, out)
    elif job.features == 2:
        sum_tiles(job, 2, ROUNDS, block, scaled, sums, out)
    else:
        sum_tiles(job, job.features, ROUNDS, block, scaled, sums, out)


cdef inline void hand_in(
    const Job *job, Py_ssize_t block, int64_t step, const double *sums
) noexcept nogil:
    """Let a block's sums count, if none have been handed in."""
    cdef Py_ssize_t row = job.features + STEP
    if raise_mark(job.marks + block, step, HELD, job.num_threads == 1):
        memcpy(job.blocks + row * block, sums, row * sizeof(double))
        raise_mark(job.marks + block, step, HANDED_IN, True)


cdef Py_ssize_t sum_blocks(
    const Job *job, Py_ssize_t rank, int64_t step, const real *scaled, real *sums, double *out,
    Py_ssize_t budget
) noexcept nogil:
    """Sum blocks while there are any to claim, `budget` at most; return how many."""
    cdef:
        Py_ssize_t i, block, done = 0
        Py_ssize_t first = job.num_blocks * rank // job.num_threads
        Py_ssize_t share = job.num_blocks * (rank + 1) // job.num_threads - first
    for i in range(job.num_blocks):
        if done == budget or not is_open(job.stage, step):
            break
        # After the own share the others', from its end, as they begin at the start.
        block = first + i
        if i >= share:
            block = job.num_blocks - 1 - (i - share)
            if block < first + share:
                block -= share
        if raise_mark(job.marks + block, step, CLAIMED, job.num_threads == 1):
            sum_block(job, block, scaled, sums, out)
            hand_in(job, block, step, out)
            done += 1
    return done


cdef void gather_blocks(
    const Job *job, int64_t step, real *sums, double *out, double *totals_out
) noexcept nogil:
    """Add all blocks in their order; sum those again that a helper claimed and is late with."""
    cdef:
        Py_ssize_t i, j, row = job.features + STEP
        # Some two to ten times what a block takes, if a pause takes 10 to 50 ns.
        Py_ssize_t values = job.num_tiles * job.rounds * LANES * (job.features + 8)
        Py_ssize_t pauses = 100 + values // job.num_blocks // 16
    for j in range(row):
        totals_out[j] = 0.0
    for i in range(job.num_blocks):
        if not await_block(job.marks + i, step, pauses):
            sum_block(job, i, job.scaled, sums, out)
            hand_in(job, i, step, out)
            await_block(job.marks + i, step, -1)  # the helper may be writing just now
        for j in range(row):
            totals_out[j] += job.blocks[row * i + j]
    if not job.intercept:
        totals_out[job.features + BIAS] = 0.0


cdef bint update(
    double *parameters, const double *totals, double eta, double alpha, Py_ssize_t features,
    real *scaled_out
) noexcept nogil:
    """One step of the descent, without penalty on the bias; false if not all stays finite."""
    cdef:
        Py_ssize_t j
        double penalty
        real scaled, rest = 0.0
    for j in range(features + 1):
        penalty = alpha if j < features else 0.0
        parameters[j] += eta * (totals[j] - penalty * parameters[j])
        scaled = <real>(LOG2_E * parameters[j])
        put(scaled_out + j, scaled)
        rest += scaled - scaled  # NaN for an infinity or a NaN
    return rest == 0.0


cdef bint is_flat(
    const double *parameters, const double *totals, double alpha, const double *limits,
    Py_ssize_t features
) noexcept nogil:
    """Whether no derivative of the cost is beyond its limit."""
    cdef:
        Py_ssize_t j
        double penalty
    for j in range(features + 1):
        penalty = alpha if j < features else 0.0
        if not fabs(totals[j] - penalty * parameters[j]) <= limits[j]:  # nor if it is NaN
            return False
    return True


cdef double penalised(
    const double *parameters, double twice_cost, double alpha, Py_ssize_t features
) noexcept nogil:
    """The cost with its penalty."""
    cdef:
        Py_ssize_t j
        double squares = 0.0
    if alpha > 0.0:
        for j in range(features):
            squares += parameters[j] * parameters[j]
    return 0.5 * (twice_cost + alpha * squares)


cdef void keep(
    const double *parameters, double cost, double wrong, double step, double[:, ::1] models
) noexcept nogil:
    """Keep the parameters as last, and as best and lowest if they are."""
    cdef:
        Py_ssize_t j, features = models.shape[1] - STEP - 1
        # The start is only a stand-in: models are ranked after each update.
        bint first = step <= 1.0
    for j in range(features + 1):
        models[LAST, j] = parameters[j]
    models[LAST, features + COST] = cost
    models[LAST, features + WRONG] = wrong
    models[LAST, features + STEP] = step
    if first or models[LAST, features + WRONG] < models[BEST, features + WRONG]:
        memcpy(&models[BEST, 0], &models[LAST, 0], models.shape[1] * sizeof(double))
    if first or models[LAST, features + COST] < models[LOWEST, features + COST]:
        memcpy(&models[LOWEST, 0], &models[LAST, 0], models.shape[1] * sizeof(double))


cdef class Neuron:
    """One neuron on its samples: leads the descent, and lets helpers in.

    Parameters
    ----------
    tiles : (num_tiles, d, TILE_SAMPLES or NARROW_TILE_SAMPLES), the first `num_positive` of class 1
    weights : (num_tiles, samples of a tile), or unless `weighted` (2, ...): of each class's last
    parameters, totals : (d + 1,), the start, and (d + 3,), zeros
    limits : (d + 1,)
        The descent ends where no derivative of the cost is beyond its limit; below 0, it goes on.
    models : (3, d + 4), zeros
        Last, best and lowest: weights, bias, cost, wrong, step; its last step is -1 at first.
    costs : (k,)
        Where the cost after step i is left, at i modulo k.
    blocks : (num_blocks, d + 3)
        Each block's sums: descent direction, p^2, wrong.
    marks : (8 + num_blocks,), zeros
        The stage on a cache line of its own, then each block's mark; see `sharing.h`.
    scaled, sums, rows : (num_threads, d + 1), (num_threads, LANES * (d + 3)), (num_threads, d + 3)
        What each thread works on, or more; with narrow tiles LANES * 3 are enough for `sums`.
    """

    cdef:
        Job job
        object arrays  # which `job` points into
        double[::1] parameters, totals, costs
        const double[::1] limits
        double[:, ::1] models, rows
        real[:, ::1] scaled, sums
        int64_t num_passes  # over the tiles: what blocks are marked with
        bint under_way
        readonly bint diverged, flat

    def __init__(
        self,
        const real[:, :, ::1] tiles,
        const real[:, ::1] weights,
        bint weighted,
        Py_ssize_t num_positive,
        Loss loss,
        bint intercept,
        double[::1] parameters,
        double[::1] totals,
        const double[::1] limits,
        double[:, ::1] models,
        double[::1] costs,
        double[:, ::1] blocks,
        int64_t[::1] marks,
        real[:, ::1] scaled,
        real[:, ::1] sums,
        double[:, ::1] rows,
    ):
        self.arrays = (tiles, weights, blocks, marks)
        self.num_passes = -1
        self.parameters, self.totals, self.limits = parameters, totals, limits
        self.models, self.costs = models, costs
        self.scaled, self.sums, self.rows = scaled, sums, rows
        self.job = Job(
            &tiles[0, 0, 0], &weights[0, 0], weighted, loss, intercept,
            tiles.shape[1], tiles.shape[2] // LANES, tiles.shape[0], num_positive,
            blocks.shape[0], scaled.shape[0], &scaled[0, 0], &blocks[0, 0], &marks[0], &marks[8],
        )

    def descend(self, double eta, double alpha, Py_ssize_t last_step, Py_ssize_t budget):
        """Descend until `last_step` is scored, or until this thread has summed `budget` blocks.

        It ends before where the cost is `flat`, or no longer finite: it has `diverged`.
        """
        cdef:
            const Job *job = &self.job
            Py_ssize_t step = <Py_ssize_t>self.models[LAST, job.features + STEP]
            double *totals = &self.totals[0]
            double *parameters = &self.parameters[0]
            real *sums = &self.sums[0, 0]
            double *out = &self.rows[0, 0]
            double cost
        with nogil:
            while step < last_step:
                if not self.under_way:
                    self.diverged = not update(
                        parameters, totals, eta, alpha, job.features, job.scaled
                    )
                    if self.diverged:
                        break
                    self.under_way = True
                    self.flat = False
                    self.num_passes += 1
                open_step(job.stage, self.num_passes)
                budget -= sum_blocks(job, 0, self.num_passes, job.scaled, sums, out, budget)
                if budget == 0:
                    break
                gather_blocks(job, self.num_passes, sums, out, totals)
                self.under_way = False
                step += 1
                cost = penalised(parameters, totals[job.features + COST], alpha, job.features)
                self.diverged = cost - cost != 0.0
                if self.diverged:
                    break
                keep(parameters, cost, totals[job.features + WRONG], step, self.models)
                self.costs[step % self.costs.shape[0]] = cost
                self.flat = is_flat(parameters, totals, alpha, &self.limits[0], job.features)
                if self.flat:
                    break

    def abandon(self):
        """Forget a step under way."""
        self.under_way = False

    def help(self, Py_ssize_t rank):
        """Help with every step that is opened, from `muster` until `dismiss`."""
        cdef:
            const Job *job = &self.job
            Py_ssize_t j
            int64_t step = MUSTERED
            real *scaled = &self.scaled[rank, 0]
            real *sums = &self.sums[rank, 0]
            double *out = &self.rows[rank, 0]
        with nogil:
            while True:
                step = await_step(job.stage, step)
                if step == DISMISSED:
                    break
                for j in range(job.features + 1):
                    scaled[j] = get(job.scaled + j)
                sum_blocks(job, rank, step, scaled, sums, out, job.num_blocks)

    def muster(self):
        """Have helpers wait for a step to be opened."""
        open_step(self.job.stage, MUSTERED)

    def dismiss(self):
        """Have helpers return."""
        open_step(self.job.stage, DISMISSED)
