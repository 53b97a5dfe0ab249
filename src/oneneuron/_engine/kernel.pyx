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

A layer. The neurons of a softmax, one for each class, have a common cost. With z_k = w_k.x + b_k
and p_k = e^z_k / sum_j e^z_j, it is 1/2 sum_k (p_k - y_k)^2 or -log p_c for a sample of class c.
All of them go through a few tiles forward, the softmax turns their z into gradient weights, and all
go backward. The largest z is subtracted first, so nothing overflows. It counts as e^0 = 1 exactly,
and the others are added up without it. So 1 - p of any class is as precise as p.

The order of the sums. In a block, neighbouring runs of the same sign are added into LANES partial
sums, which are folded in double and added to the block's sums. `sharing.pyx` adds the sums of
blocks as a binary tree. None of this depends on the width of a vector or on the number of threads.
So with fused multiply-adds, the same data gives the same bits everywhere. In float, at most 20
tiles meet in a partial sum. Adding them up costs at most 1.4e-6 of the sum of the absolute values.
"""

from cpython.pycapsule cimport PyCapsule_New
from libc.math cimport INFINITY
from libc.stdint cimport int64_t

from .kernel cimport (
    CODES, COST, LOGISTIC, MARGINS, QUADRATIC, SOFTMAX, SUMS, Data, Kernel, Loss, Prediction,
    Scratch,
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
    const real ROUNDER, LOW, HIGH, TIE, LN_2, LEAST, LEAST_SUM
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
    lanes greater(lanes, lanes) noexcept
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


cdef inline void exponential(lanes t, lanes *a_out, lanes *b_out) noexcept nogil:
    """Compute 2^t as the quotient b / a, for t from LOW to -LOW."""
    cdef:
        lanes k = t + splat(ROUNDER)  # round(t) is in its low bits
        lanes r = t - (k - splat(ROUNDER))
        lanes odd = polynomial(ODD, DEGREE, r * r)
        lanes even = polynomial(EVEN, DEGREE, r * r)
    a_out[0] = multiply_add(-r, odd, even)
    b_out[0] = shift_exponent(multiply_add(r, odd, even), k)


cdef inline void sigmoid(lanes t, real high, lanes *p_out, lanes *rest_out) noexcept nogil:
    """Compute p = 1 / (1 + 2^t) and rest = 1 - p, each with full relative accuracy.

    t is clamped to [LOW, high], with `high` at most -LOW, where both are normal numbers. There, the
    errors are at most 2.3 units of the last digit (3 in float).
    """
    cdef:
        lanes a, b, inverse
    exponential(clamp(splat(LOW), t, splat(high)), &a, &b)
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


# --- A layer ---


cdef inline lanes exponential_below(lanes d) noexcept nogil:
    """Return 2^d for d up to 0, or 2^LOW if d is below LOW."""
    cdef lanes a, b
    exponential(clamp(splat(LOW), d, splat(0.0)), &a, &b)
    return b / a


cdef inline lanes largest(
    const real *t, Py_ssize_t size, Py_ssize_t first, Py_ssize_t end
) noexcept nogil:
    """Return the largest t of neurons `first` to `end` - 1; minus infinity if there are none."""
    cdef:
        Py_ssize_t k
        lanes found = splat(<real>-INFINITY)
    for k in range(first, end):
        found = greater(found, load(t + size * k))
    return found


# What the exponentials e_k = 2^(t_k - max t) of a layer add up to. The largest e, which is 1, is
# left out; if there are several, one of them is.
cdef struct Softmax:
    lanes others                # the sum of all but the largest
    lanes squares               # the sum of their squares
    lanes inverse               # 1 divided by the sum of all e


cdef inline Softmax replace_by_exponentials(
    real *t, Py_ssize_t size, Py_ssize_t num_neurons, lanes top
) noexcept nogil:
    """Replace each t by e, and add these up."""
    cdef:
        Py_ssize_t k
        lanes d, e, ties
        lanes below = splat(0.0)  # the number of e that are not the largest
        Softmax sums
    sums.others = sums.squares = splat(0.0)
    for k in range(num_neurons):
        d = load(t + size * k) - top
        e = exponential_below(d)
        store(t + size * k, e)
        # The largest have d = 0.
        sums.others = add_unless_greater(sums.others, e, d, splat(-LEAST))
        sums.squares = add_unless_greater(sums.squares, e * e, d, splat(-LEAST))
        below = add_unless_greater(below, splat(1.0), d, splat(-LEAST))
    ties = splat(<real>(num_neurons - 1)) - below
    sums.others = sums.others + ties
    sums.squares = sums.squares + ties
    sums.inverse = splat(1.0) / (splat(1.0) + sums.others)
    return sums


cdef inline lanes quadratic_weights(
    real *e, Py_ssize_t size, Py_ssize_t num_neurons, Py_ssize_t own, Softmax sums, lanes weight
) noexcept nogil:
    """Replace each e by a gradient weight of the quadratic loss; return twice the cost.

    With c the own class, q = sum_{j != c} p_j^2 and Q = (1 - p_c)^2 + q, which is twice the cost,
    the derivative with respect to z_c is -p_c Q, and that with respect to another z_k is
    p_k (p_k (1 - p_k) + p_c (1 - p_c) - (q - p_k^2)). The gradient weights are their negatives.
    """
    cdef:
        Py_ssize_t k
        lanes one = splat(1.0)
        lanes e_own = load(e + size * own)
        lanes rest = sums.others + (one - e_own)
        lanes square = sums.inverse * sums.inverse
        lanes twice_cost = (rest * rest + (sums.squares + (one - e_own * e_own))) * square
        lanes e_k, a, b, slope
    for k in range(num_neurons):
        e_k = load(e + size * k)
        # If one of both is the largest, 1 - a^2 is 0 without a rounding error.
        a = greater(e_k, e_own)
        b = lesser(e_k, e_own)
        slope = (
            (e_k * (sums.others + (one - e_k)) + e_own * rest)
            - ((sums.squares + (one - a * a)) - b * b)
        ) * square
        store(e + size * k, -(weight * (e_k * sums.inverse * slope)))
    store(e + size * own, weight * (e_own * sums.inverse * twice_cost))
    return weight * twice_cost


cdef inline lanes logistic_weights(
    real *e, Py_ssize_t size, Py_ssize_t num_neurons, Py_ssize_t own, Softmax sums, lanes d_own,
    lanes weight
) noexcept nogil:
    """Replace each e by a gradient weight of the log loss, y_k - p_k; return twice the cost.

    The cost is the logarithm of the sum of all e, minus d log 2 of the own class.
    """
    cdef:
        Py_ssize_t k
        lanes rest = sums.others + (splat(1.0) - load(e + size * own))
        lanes scale = weight * sums.inverse
        lanes cost = multiply_add(splat(-LN_2), d_own, log_of_rest(sums.others * sums.inverse))
    for k in range(num_neurons):
        store(e + size * k, -(scale * load(e + size * k)))
    store(e + size * own, scale * rest)
    return weight * (cost + cost)


cdef inline void score_layer(
    Loss loss, real *t, Py_ssize_t num_neurons, Py_ssize_t own, Py_ssize_t rounds,
    const real *weights, real *sums
) noexcept nogil:
    """Replace the t of a tile, a row for each neuron, by gradient weights; add up the rest.

    A sample is wrong unless t of its own class is above those of the classes before it, and not
    below those after it. `sums` points to LANES partial sums of twice the cost, then of the weights
    of wrong samples.
    """
    cdef:
        Py_ssize_t v, size = LANES * rounds
        real *place
        lanes weight = splat(1.0)
        lanes t_own, before, after, top, cost, lead
        Softmax softmax
    for v in range(VECTORS * rounds):
        if weights != NULL:
            weight = load(weights + WIDTH * v)
        t_own = load(t + size * own)
        before = largest(t, size, 0, own)
        after = largest(t, size, own + 1, num_neurons)
        top = greater(greater(before, after), t_own)
        lead = lesser(t_own - before, (t_own - after) + splat(LEAST))
        softmax = replace_by_exponentials(t, size, num_neurons, top)
        if loss == QUADRATIC:
            cost = quadratic_weights(t, size, num_neurons, own, softmax, weight)
        else:
            cost = logistic_weights(t, size, num_neurons, own, softmax, t_own - top, weight)
        place = sums + WIDTH * (v % VECTORS)
        store(place, load(place) + cost)
        store(
            place + LANES, add_unless_greater(load(place + LANES), weight, lead, splat(0.0))
        )
        t += WIDTH


cdef inline void layer_forward(
    const Data *data, Py_ssize_t features, Py_ssize_t rounds, Py_ssize_t first, Py_ssize_t end,
    const real *parameters, real *outputs
) noexcept nogil:
    """Write t of each neuron of a layer for some tiles: (tile, neuron, lane)."""
    cdef:
        Py_ssize_t i, k, v, size = LANES * rounds
        const real *tiles = <const real *>data.tiles
        real *out
        lanes t[VECTORS * ROUNDS]
    for k in range(data.layer):
        for i in range(first, end):
            forward(tiles + size * features * i, features, rounds, parameters, t)
            out = outputs + size * (data.layer * (i - first) + k)
            for v in range(VECTORS * rounds):
                store(out + WIDTH * v, t[v])
        parameters += 2 * (features + 1)


cdef inline void layer_backward(
    const Data *data, Py_ssize_t features, Py_ssize_t rounds, Py_ssize_t first, Py_ssize_t end,
    const real *outputs, real *partial, Py_ssize_t partial_size, double *sums
) noexcept nogil:
    """Add up some tiles for each neuron of a layer, with the gradient weights in `outputs`."""
    cdef:
        Py_ssize_t i, k, v, size = LANES * rounds
        const real *tile
        const real *weights
        real *bias
        lanes g[VECTORS * ROUNDS]
    for k in range(data.layer):
        bias = partial if rounds == 1 else partial + LANES * features
        for i in range(first, end):
            tile = <const real *>data.tiles + size * features * i
            weights = outputs + size * (data.layer * (i - first) + k)
            for v in range(VECTORS * rounds):
                g[v] = load(weights + WIDTH * v)
                store(
                    bias + WIDTH * (v % VECTORS), load(bias + WIDTH * (v % VECTORS)) + g[v]
                )
            if rounds == 1:
                backward_narrow(tile, features, 1.0, g, sums)
            else:
                backward(tile, features, rounds, g, partial)
        partial += partial_size
        sums += features + SUMS


cdef inline void sum_layer(
    const Data *data, Py_ssize_t features, Py_ssize_t rounds, const Block *block,
    const Scratch *scratch, Py_ssize_t first_neuron, double *sums_out
) noexcept nogil:
    """Compute the sums of a layer over a block. A sample's cost is in the sums of its own neuron.
    """
    cdef:
        Py_ssize_t i = block.first, j, k, end, row = features + SUMS
        Py_ssize_t folded = features if rounds == 1 else 0
        Py_ssize_t size = LANES * (row - folded)
        const Run *run = data.runs + block.first_run
        const real *parameters = <const real *>scratch.inputs + 2 * (features + 1) * first_neuron
        real *partial = <real *>scratch.partial
        real *outputs = <real *>scratch.outputs
    for j in range(size * data.layer):
        partial[j] = 0.0
    for j in range(row * data.layer):
        sums_out[j] = 0.0
    while i < block.end:
        end = min(min(run.end, block.end), i + data.cached_tiles)
        layer_forward(data, features, rounds, i, end, parameters, outputs)
        for j in range(i, end):
            score_layer(
                data.loss, outputs + LANES * rounds * data.layer * (j - i), data.layer,
                run.class_code, rounds, weights_of(data, rounds, run, j),
                partial + size * run.class_code + LANES * (features - folded + COST),
            )
        layer_backward(data, features, rounds, i, end, outputs, partial, size, sums_out)
        if end == run.end:
            run += 1
        i = end
    for k in range(data.layer):
        fold_sums(features, folded, 1.0, partial + size * k, sums_out + row * k)


cdef inline void sum_layers(
    const Data *data, Py_ssize_t rounds, const Block *block, const Scratch *scratch,
    double *sums_out
) noexcept nogil:
    """Compute the sums of each active layer over a block."""
    cdef Py_ssize_t i, row = data.num_features + SUMS
    for i in range(data.num_neurons // data.layer):
        if scratch.active[data.layer * i]:
            sum_layer(
                data, data.num_features, rounds, block, scratch, data.layer * i,
                sums_out + row * data.layer * i,
            )


cdef void sum_block(
    const Data *data, const Block *block, const Scratch *scratch, double *sums_out
) noexcept nogil:
    """Compute the sums over a block with constants, for which the compiler makes faster loops."""
    if data.layer > 1 and data.rounds == 1:
        sum_layers(data, 1, block, scratch, sums_out)
    elif data.layer > 1:
        sum_layers(data, ROUNDS, block, scratch, sums_out)
    elif data.rounds == 1:
        sum_groups(data, data.num_features, 1, block, scratch, sums_out)
    elif data.num_features == 2:
        sum_groups(data, 2, ROUNDS, block, scratch, sums_out)
    else:
        sum_groups(data, data.num_features, ROUNDS, block, scratch, sums_out)


# --- A block whose outputs are given ---


cdef inline void score_tile(
    const Data *data, const real *weights, double sign, real *outputs, real *partial, double *sums
) noexcept nogil:
    """Replace the t of a tile, for one neuron, by gradient weights; add up the rest."""
    cdef:
        Py_ssize_t v
        lanes s = splat(<real>sign)
        lanes t[VECTORS * ROUNDS]
        lanes g[VECTORS * ROUNDS]
    for v in range(VECTORS * ROUNDS):
        t[v] = s * load(outputs + WIDTH * v)
    score_either(data.loss, t, ROUNDS, <real>sign * TIE, weights, g, partial)
    for v in range(VECTORS * ROUNDS):
        store(outputs + WIDTH * v, s * g[v])
    fold_sums(0, 0, sign, partial, sums)


cdef inline void score_tile_of_layer(
    const Data *data, const real *weights, Py_ssize_t own, real *outputs, real *partial,
    double *sums
) noexcept nogil:
    """Replace the t of a tile, for each neuron of a layer, by gradient weights; add up the rest."""
    cdef:
        Py_ssize_t k, v, size = LANES * ROUNDS
        real *place
    score_layer(
        data.loss, outputs, data.layer, own, ROUNDS, weights, partial + LANES * COST
    )
    fold_sums(0, 0, 1.0, partial, sums + SUMS * own)
    for k in range(data.layer):
        for v in range(VECTORS * ROUNDS):
            place = partial + WIDTH * (v % VECTORS)
            store(place, load(place) + load(outputs + size * k + WIDTH * v))
        fold_sums(0, 0, 1.0, partial, sums + SUMS * k)


cdef void score_block(
    const Data *data, const Block *block, const Scratch *scratch, double *sums_out
) noexcept nogil:
    """Replace the outputs of a block by gradient weights times s, and write the other sums."""
    cdef:
        Py_ssize_t i, j, k
        const Run *run = data.runs + block.first_run
        const real *weights
        real *partial = <real *>scratch.partial
        real *outputs = <real *>scratch.outputs
    for j in range(SUMS * data.num_neurons):
        sums_out[j] = 0.0
    for j in range(SUMS * LANES):
        partial[j] = 0.0
    for i in range(block.first, block.end):
        if i == run.end:
            run += 1
        weights = weights_of(data, ROUNDS, run, i)
        for k in range(data.num_neurons // data.layer):
            if data.layer > 1:
                score_tile_of_layer(
                    data, weights, run.class_code, outputs, partial,
                    sums_out + SUMS * data.layer * k,
                )
            else:
                score_tile(
                    data, weights, sign_of(run, data.own_classes[k]), outputs, partial,
                    sums_out + SUMS * k,
                )
            outputs += LANES * ROUNDS * data.layer


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
        if parameters != NULL:
            forward(tile, features, rounds, parameters + (features + 1) * k, t)
        for v in range(VECTORS * rounds):
            if parameters == NULL:
                t[v] = load(tile + LANES * rounds * k + WIDTH * v)
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
    """Write what a tile has for each neuron, sample by sample."""
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


cdef void write_softmax(
    const Prediction *prediction, real *margins, Py_ssize_t count, real *out
) noexcept nogil:
    """Write the probabilities of a layer. The margins are overwritten."""
    cdef:
        Py_ssize_t i, k, v, size = LANES * prediction.rounds
        Py_ssize_t num_neurons = prediction.num_neurons
        lanes inverse
    for i in range(size * num_neurons):
        margins[i] *= <real>LOG2_E
    for v in range(VECTORS * prediction.rounds):
        inverse = replace_by_exponentials(
            margins + WIDTH * v, size, num_neurons,
            largest(margins + WIDTH * v, size, 0, num_neurons),
        ).inverse
        for k in range(num_neurons):
            i = size * k + WIDTH * v
            store(margins + i, load(margins + i) * inverse)
    write_margins(prediction, margins, count, out)


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
    elif prediction.output == SOFTMAX:
        write_softmax(prediction, <real *>margins, count, <real *>out)
    else:
        write_probabilities(prediction, <real *>margins, count, <real *>out)
    return are_finite


# --- What the kernel exports ---

cdef Kernel KERNEL
KERNEL.real_bytes = sizeof(real)
KERNEL.set_inputs = set_inputs
KERNEL.sum_block = sum_block
KERNEL.score_block = score_block
KERNEL.predict_tile = predict_tile

# A capsule with a `Kernel`, which stays where it is: modules are never unloaded.
functions = PyCapsule_New(&KERNEL, "oneneuron.kernel", NULL)
