"""The kernel: the sums of many sigmoid neurons over a block of samples, and their predictions.

It is compiled for each instruction set (`lanes.h`) in double and in float (`precision.h`), and
exports a few functions (`kernel.pxd`). Everything else is compiled once: `sharing.pyx` makes a pass
of the sums of all blocks, and `predict.pyx` copies rows into tiles.

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
sums, which are folded in double and added to the block's sums. `sharing.pyx` adds the sums of
blocks as a binary tree. None of this depends on the width of a vector or on the number of threads.
So with fused multiply-adds, the same data gives the same bits everywhere. In float, at most 20
tiles meet in a partial sum. Adding them up costs at most 1.4e-6 of the sum of the absolute values.
"""

from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int64_t

from .kernel cimport (
    CODES, COST, LOGISTIC, MARGINS, QUADRATIC, SUMS, Data, Kernel, Loss, Prediction, Scratch
)
from .layout cimport ROUNDS, Block, Run

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

cdef extern from "waiting.h" nogil:
    double get(const double *) noexcept

cdef enum:
    CHAINED_ROWS = 256      # a margin is summed in chains of 256 terms: longer ones lose digits
    FETCHED_ROWS = 64       # longer tiles (above 16 KB) are not fetched early: they fill a cache

cdef double LOG2_E = 1.4426950408889634

# The sample weights of incomplete tiles: ones, then as many zeros. Those of a tile with f samples
# begin f before ZEROS. It is a variable, since gcc makes slower loops if it knows the address.
cdef real[2 * ROUNDS * LANES] ONES_AND_ZEROS
cdef const real *ZEROS = ONES_AND_ZEROS + ROUNDS * LANES
cdef Py_ssize_t lane
for lane in range(ROUNDS * LANES):
    ONES_AND_ZEROS[lane] = 1.0


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
        Py_ssize_t i, v
        lanes weight = splat(1.0)
        lanes p, rest, q, low, cost, g
        lanes costs[VECTORS]
        lanes lows[VECTORS]     # for the log loss, as `twice_log_cost` needs them
        lanes us[VECTORS]
        lanes biases[VECTORS]
        lanes wrongs[VECTORS]
    for v in range(VECTORS):
        costs[v] = lows[v] = us[v] = biases[v] = wrongs[v] = splat(0.0)
    for i in range(rounds):
        for v in range(VECTORS):
            sigmoid(t[VECTORS * i + v], HIGH, &p, &rest)
            if weights != NULL:
                weight = load(weights + LANES * i + WIDTH * v)
            if loss == QUADRATIC:
                cost = p * p
                g = cost * rest
            else:
                low = lesser(t[VECTORS * i + v], splat(0.0))
                q = lesser(p, rest)
                g = p
                if weights != NULL:
                    cost = twice_log_cost(low, q)
                else:
                    lows[v] = lows[v] + low
                    us[v] = multiply_add(q, splat(1.0) - us[v], us[v])
            if weights != NULL:
                cost = weight * cost
                g = weight * g
            if loss != LOGISTIC or weights != NULL:
                costs[v] = costs[v] + cost
            g_out[VECTORS * i + v] = g
            biases[v] = biases[v] + g
            wrongs[v] = add_unless_greater(
                wrongs[v], weight, t[VECTORS * i + v], splat(tie)
            )
    for v in range(VECTORS):
        if loss == LOGISTIC and weights == NULL:
            costs[v] = twice_log_cost(lows[v], us[v])
        store(sums, load(sums) + biases[v])
        store(sums + LANES, load(sums + LANES) + costs[v])
        store(sums + 2 * LANES, load(sums + 2 * LANES) + wrongs[v])
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
        Py_ssize_t i, j, v
        lanes total
        const real *next_tile = tile + LANES * rounds * features
    for j in range(features):
        if features <= FETCHED_ROWS:  # fetch the next tile from memory meanwhile
            for i in range(rounds):
                fetch(next_tile + LANES * (rounds * j + i))
        for v in range(VECTORS):
            total = g[v] * load(tile + WIDTH * v)
            for i in range(1, rounds):
                total = multiply_add(
                    g[VECTORS * i + v], load(tile + LANES * i + WIDTH * v), total
                )
            store(sums + WIDTH * v, load(sums + WIDTH * v) + total)
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
        Py_ssize_t j, v
        real parts[LANES]
    for j in range(features):
        for v in range(VECTORS):
            store(parts + WIDTH * v, g[v] * load(tile + LANES * j + WIDTH * v))
        sums[j] += sign * fold(parts)


# --- A block ---


cdef inline const real *weights_of(
    const Data *data, Py_ssize_t rounds, const Run *run, Py_ssize_t i
) noexcept nogil:
    """Return the sample weights of tile i, which is in this run; NULL if all of them are 1."""
    if data.weights != NULL:
        return <const real *>data.weights + LANES * rounds * i
    if i == run.end - 1 and run.filled < LANES * rounds:
        return ZEROS - run.filled
    return NULL


cdef inline double sign_of(const Run *run, int64_t own_class) noexcept nogil:
    """Return the sign s of a run's samples, for the neuron with this class."""
    return 1.0 if run.class_code == own_class else -1.0


cdef inline void sum_tiles(
    const Data *data, Py_ssize_t features, Py_ssize_t rounds, const Run *run, Py_ssize_t first,
    Py_ssize_t end, const real *parameters, double sign, real *partial, double *sums
) noexcept nogil:
    """Add up tiles of a run in `partial`, but the weights' sums of narrow tiles in `sums`."""
    cdef:
        Py_ssize_t i
        const real *tile = <const real *>data.tiles + LANES * rounds * features * first
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
    Py_ssize_t first_neuron, Py_ssize_t end_neuron, const Scratch *scratch, double *sums_out
) noexcept nogil:
    """Compute the sums of a group of neurons over a block.

    All neurons go through a few tiles before the first one goes on, so that these are read from
    memory once. A neuron's partial sums are folded where its sign changes.
    """
    cdef:
        Py_ssize_t i = block.first, j, k, end
        Py_ssize_t side = features + 1, row = features + SUMS
        Py_ssize_t folded = features if rounds == 1 else 0
        Py_ssize_t size = LANES * (row - folded)
        const Run *run = data.runs + block.first_run
        const real *parameters
        real *partial = <real *>scratch.partial
        double sign
    for j in range(size * (end_neuron - first_neuron)):
        partial[j] = 0.0
    for j in range(row * first_neuron, row * end_neuron):
        sums_out[j] = 0.0
    while i < block.end:
        end = min(min(run.end, block.end), i + data.cached_tiles)
        for k in range(first_neuron, end_neuron):
            if not scratch.active[k]:
                continue
            sign = sign_of(run, data.own_classes[k])
            parameters = <const real *>scratch.inputs + side * (2 * k if sign > 0.0 else 2 * k + 1)
            partial = <real *>scratch.partial + size * (k - first_neuron)
            sum_tiles(
                data, features, rounds, run, i, end, parameters, sign, partial, sums_out + row * k
            )
            if end == block.end or (
                end == run.end and sign != sign_of(run + 1, data.own_classes[k])
            ):
                fold_sums(features, folded, sign, partial, sums_out + row * k)
        if end == run.end:
            run += 1
        i = end


cdef inline void sum_groups(
    const Data *data, Py_ssize_t features, Py_ssize_t rounds, const Block *block,
    const Scratch *scratch, double *sums_out
) noexcept nogil:
    """Compute the sums of each active neuron over a block, one group after another."""
    cdef Py_ssize_t k
    for k in range((data.num_neurons + data.group - 1) // data.group):
        sum_group(
            data, features, rounds, block, data.group * k,
            min(data.group * (k + 1), data.num_neurons), scratch, sums_out,
        )


cdef void sum_block(
    const Data *data, const Block *block, const Scratch *scratch, double *sums_out
) noexcept nogil:
    """Compute the sums over a block with constants, for which the compiler makes faster loops."""
    if data.rounds == 1:
        sum_groups(data, data.num_features, 1, block, scratch, sums_out)
    elif data.num_features == 2:
        sum_groups(data, 2, ROUNDS, block, scratch, sums_out)
    else:
        sum_groups(data, data.num_features, ROUNDS, block, scratch, sums_out)


cdef void set_inputs(
    const Data *data, const double *parameters, Scratch *scratch
) noexcept nogil:
    """Write the parameters times log2 e, and their negatives."""
    cdef:
        Py_ssize_t j, side = data.num_features + 1
        real *inputs = <real *>scratch.inputs
        real scaled
    for _ in range(data.num_neurons):
        for j in range(side):
            scaled = <real>(LOG2_E * get(parameters + j))
            inputs[j] = scaled
            inputs[side + j] = -scaled
        inputs += 2 * side
        parameters += side


# --- The predictions for a tile ---


cdef inline bint fill_margins(
    const Prediction *prediction, Py_ssize_t rounds, const real *tile, real *margins_out
) noexcept nogil:
    """Write the margins of a tile for each neuron; return false if any of them is not finite."""
    cdef:
        Py_ssize_t k, v, features = prediction.num_features
        const real *parameters = <const real *>prediction.parameters
        lanes zero = splat(0.0)  # NaN once a margin has been infinite or NaN
        lanes t[VECTORS * ROUNDS]
        real parts[WIDTH]
        real total = 0.0
    for k in range(prediction.num_neurons):
        forward(tile, features, rounds, parameters + (features + 1) * k, t)
        for v in range(VECTORS * rounds):
            store(margins_out + WIDTH * v, t[v])
            zero = zero + (t[v] - t[v])
        margins_out += LANES * rounds
    store(parts, zero)
    for v in range(WIDTH):
        total += parts[v]
    return total == 0.0


cdef void write_margins(
    const Prediction *prediction, const real *margins, Py_ssize_t count, real *out
) noexcept nogil:
    """Write the margins of a tile, sample by sample."""
    cdef Py_ssize_t i, k, size = LANES * prediction.rounds
    for k in range(prediction.num_neurons):
        for i in range(count):
            out[prediction.num_neurons * i + k] = margins[size * k + i]


cdef void write_codes(
    const Prediction *prediction, real *margins, Py_ssize_t count, int64_t *out
) noexcept nogil:
    """Write the code of each sample's class: that of the neuron with the largest margin.

    Of equal margins, the first counts. With one neuron, the code is 1 if the margin is above 0, and
    otherwise 0. The first row of margins is overwritten.
    """
    cdef Py_ssize_t i, k, size = LANES * prediction.rounds
    if prediction.num_neurons == 1:
        for i in range(count):
            out[i] = margins[i] > 0.0
        return
    for i in range(count):
        out[i] = 0
    for k in range(1, prediction.num_neurons):
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
    const Prediction *prediction, real *margins, Py_ssize_t count, real *out
) noexcept nogil:
    """Write the probabilities: 1 - f and f with one neuron, else each f divided by their sum.

    If every f of a sample is close to underflow, its quotients would be inexact. They are set to
    -1, and `predictions.py` computes them.
    """
    cdef:
        Py_ssize_t i, k, size = LANES * prediction.rounds
        real sums[LANES * ROUNDS]
        real spare[LANES * ROUNDS]
    if prediction.num_neurons == 1:
        sigmoids(margins, prediction.rounds, spare)
        for i in range(count):
            out[2 * i] = margins[i]
            out[2 * i + 1] = spare[i]
        return
    for i in range(size):
        sums[i] = 0.0
    for k in range(prediction.num_neurons):
        sigmoids(margins + size * k, prediction.rounds, spare)
        for i in range(size):
            margins[size * k + i] = spare[i]
            sums[i] += spare[i]
    for i in range(count):
        for k in range(prediction.num_neurons):
            out[k] = margins[size * k + i] / sums[i] if sums[i] > LEAST_SUM else -1.0
        out += prediction.num_neurons


cdef bint predict_tile(
    const Prediction *prediction, const void *tile, Py_ssize_t count, void *margins, void *out
) noexcept nogil:
    """Predict for the first samples of a tile; return whether all margins are finite."""
    cdef bint are_finite
    if prediction.rounds == 1:
        are_finite = fill_margins(prediction, 1, <const real *>tile, <real *>margins)
    else:
        are_finite = fill_margins(prediction, ROUNDS, <const real *>tile, <real *>margins)
    if prediction.output == MARGINS:
        write_margins(prediction, <const real *>margins, count, <real *>out)
    elif prediction.output == CODES:
        write_codes(prediction, <real *>margins, count, <int64_t *>out)
    else:
        write_probabilities(prediction, <real *>margins, count, <real *>out)
    return are_finite


# --- What the kernel exports ---

cdef Kernel KERNEL
KERNEL.real_bytes = sizeof(real)
KERNEL.set_inputs = set_inputs
KERNEL.sum_block = sum_block
KERNEL.predict_tile = predict_tile

# A capsule with a `Kernel`, which stays where it is: modules are never unloaded.
functions = PyCapsule_New(&KERNEL, "oneneuron.kernel", NULL)
