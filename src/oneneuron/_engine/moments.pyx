"""Sums of squares and products of the samples, and the small linear algebra made from them.

`second_moments.py` says what they are for. Everything here works on the tiles that `samples.py`
describes: a tile has a row of samples for each feature, and all its samples are of one class.

The same bits everywhere. Floating-point addition depends on its order, so every sum here has an
order that neither the width of a vector nor the compiler can change. A sum along a row of samples
is kept as LANES partial sums, one for each place in a cache line, and these are added as a tree.
Everything else is elementwise: vectors work on several sums at once, but the terms of each sum come
one by one. There is no fused multiply-add, since not every processor has one. For the same reason
nothing here calls BLAS or LAPACK, whose order of additions depends on the processor.

Means and deviations. The variance is the mean of the squares minus the square of the mean, but if a
feature is far from zero, these two agree in all their digits, and nothing is left. So we subtract a
shift from every value first, which is cheap and changes no deviation. Any value near the mean will
do. We take the mean of the tile with the largest weight. If that tile holds 1/k of all the weight,
at most log2(k) bits are lost, and hardly any unless the tile is very unlike the rest. One
pass over the samples is then as good as two. The sums of each run are added up before they join the
totals, so that rounding errors do not grow with the number of samples.

Products. Let U be the diagonal matrix of the sample weights. X^T U X has d^2 / 2 elements, each of
which needs all samples: this is the only computation here that is not limited by memory. A tile is
first copied into panels of LANES features. In a panel, the values of a sample lie side by side,
already centred, scaled and multiplied by the square root of its weight. The products of two panels
are computed in patches of DOWN rows and ACROSS vectors of columns. The sums of a patch stay in
registers while the loop goes through the samples of the tile. As each vector holds elements of one
row of the product, the terms of a sum come in the order of the samples, at any width.

A part of the samples. A preconditioner needs no exact products, so it can do with some of the
tiles. In each run, marks are set at equal distances along the cumulative weight. A tile with a mark
is taken, and its weight is replaced by the distance between marks, times their number in the tile.
With equal weights, this takes every k-th tile. With unequal ones, a heavy tile is never missed. The
tiles that are taken stand for the weight of the whole run. Since each run holds one class, a rare
class is represented, too.

Triangles. Symmetric matrices are stored as their upper triangle, and the rest is never read. The
Cholesky factor R of A = R^T R is upper triangular as well. Row i of R is row i of A minus multiples
of the rows of R above it, and then scaled, so all loops run along rows.

Lanczos. Products of a symmetric matrix with vectors build an orthogonal basis in which the matrix
is tridiagonal. The largest eigenvalue of the tridiagonal matrix soon approaches that of the large
one from below. It is found by bisection: t is above all eigenvalues if and only if elimination in
t - T, from the last row to the first, meets positive pivots only. The pivots also give the last
element of the eigenvector, which says how far the estimate may be from an eigenvalue.
"""

import numpy as np

from libc.float cimport DBL_MAX
from libc.math cimport INFINITY, fabs, sqrt
from libc.stdint cimport int64_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free

from .jobs cimport Jobs, do_jobs

cdef extern from "lanes.h" nogil:
    ctypedef double lanes       # C's arithmetic works on it as on a double
    enum:
        WIDTH
        LANES
        VECTORS
    lanes splat(double) noexcept
    lanes load(const double *) noexcept
    void store(double *, lanes) noexcept

cdef extern from "waiting.h" nogil:
    enum:
        TURN_MILLISECONDS

cdef extern from *:
    """
    /* Eight vectors of sums and what they are made of fit in sixteen registers. */
    enum { ACROSS = VECTORS > 1 ? 2 : 1, DOWN = 8 / ACROSS };
    """
    enum:
        ACROSS
        DOWN

cdef enum:
    MOST_ROWS = 64              # samples in a tile, at most
    FEATURES_AT_A_TIME = 128    # features whose partial sums (16 KB) are kept in a cache

# Columns of a run: the class comes first, but it is not needed here.
cdef enum:
    FIRST_TILE = 1
    END_TILE
    LAST_ROWS                   # samples in the last tile

# Rows of the moments.
cdef enum:
    MEAN
    SCALE
    DEVIATION
    SIZE

# A helper must have this many values to measure: it takes about a tenth of a millisecond to start.
cdef Py_ssize_t HELPER_VALUES = 1 << 18

# A feature whose deviation is below this multiple of its mean's last bit counts as constant: the
# same number, computed in different ways, differs by as much.
cdef double NOISE = 8.0

# Weights that are multiplied by this are not subnormal.
cdef double LARGEST_UNIT = 1e300

cdef struct Source:
    const double *doubles       # the values, or NULL if they are single
    const float *singles
    const double *double_weights
    const float *single_weights
    const int64_t *runs
    double unit                 # weights are multiplied by it
    double tiles_per_weight     # among all samples
    Py_ssize_t num_features
    Py_ssize_t rows             # samples in a tile
    Py_ssize_t num_tiles


# --- Sums in a fixed order ---


cdef inline double fold(const lanes *sums) noexcept nogil:
    """Return the sum of LANES partial sums, as a tree."""
    cdef:
        Py_ssize_t part
        double s[LANES]
    for part in range(VECTORS):
        store(s + WIDTH * part, sums[part])
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))


cdef inline double dot(const double *x, const double *y, Py_ssize_t n) noexcept nogil:
    """Return the sum of x y."""
    cdef:
        Py_ssize_t i, part, lines = n // LANES
        lanes sums[VECTORS]
        double total
    for part in range(VECTORS):
        sums[part] = splat(0.0)
    for i in range(lines):
        for part in range(VECTORS):
            sums[part] = (
                sums[part]
                + load(x + LANES * i + WIDTH * part) * load(y + LANES * i + WIDTH * part)
            )
    total = fold(sums)
    for i in range(LANES * lines, n):
        total += x[i] * y[i]
    return total


cdef inline double sum_of(const double *x, Py_ssize_t n) noexcept nogil:
    """Return the sum of x; n is a multiple of LANES."""
    cdef:
        Py_ssize_t i, part
        lanes sums[VECTORS]
    for part in range(VECTORS):
        sums[part] = splat(0.0)
    for i in range(n // LANES):
        for part in range(VECTORS):
            sums[part] = sums[part] + load(x + LANES * i + WIDTH * part)
    return fold(sums)


cdef inline double inverse(double x) noexcept nogil:
    """Return 1 / x, or 0 if x is 0 or infinite."""
    return 1.0 / x if 0.0 < x <= DBL_MAX else 0.0


cdef inline void add_multiple(
    double *y, double factor, const double *x, Py_ssize_t n
) noexcept nogil:
    """Add `factor` x to y."""
    cdef Py_ssize_t i
    for i in range(n):
        y[i] += factor * x[i]


# --- Tiles ---


cdef inline const double *row_of(
    const Source *source, Py_ssize_t tile, Py_ssize_t feature, double *buffer
) noexcept nogil:
    """Return a tile's row of a feature, in double; `buffer` may be used for it."""
    cdef:
        Py_ssize_t i, at = source.rows * (source.num_features * tile + feature)
        const float *x
    if source.doubles != NULL:
        return source.doubles + at
    x = source.singles + at
    for i in range(source.rows):
        buffer[i] = x[i]
    return buffer


cdef inline const double *weights_of(
    const Source *source, const int64_t *run, Py_ssize_t tile, double *buffer
) noexcept nogil:
    """Return the weights of a tile of this run, or NULL if all of them are 1."""
    cdef Py_ssize_t i, at = source.rows * tile
    if source.double_weights != NULL:
        for i in range(source.rows):
            buffer[i] = source.unit * source.double_weights[at + i]
    elif source.single_weights != NULL:
        for i in range(source.rows):
            buffer[i] = source.unit * source.single_weights[at + i]
    elif tile == run[END_TILE] - 1 and run[LAST_ROWS] < source.rows:
        for i in range(source.rows):
            buffer[i] = 1.0 if i < run[LAST_ROWS] else 0.0
    else:
        return NULL
    return buffer


cdef inline double weight_of(
    const Source *source, const int64_t *run, Py_ssize_t tile
) noexcept nogil:
    """Return the total weight of a tile."""
    cdef:
        double buffer[MOST_ROWS]
        const double *weights = weights_of(source, run, tile, buffer)
    return <double>source.rows if weights == NULL else sum_of(weights, source.rows)


# --- Means and deviations ---


cdef inline void add_row(
    const double *x, double shift, const double *weights, Py_ssize_t rows, double *sums
) noexcept nogil:
    """Add a row's deviations and their squares to LANES partial sums of each."""
    cdef:
        Py_ssize_t i, part
        lanes deviation, weighted
        lanes first[VECTORS]
        lanes second[VECTORS]
    for part in range(VECTORS):
        first[part] = load(sums + WIDTH * part)
        second[part] = load(sums + LANES + WIDTH * part)
    for i in range(rows // LANES):
        for part in range(VECTORS):
            deviation = load(x + LANES * i + WIDTH * part) - splat(shift)
            weighted = deviation
            if weights != NULL:
                weighted = load(weights + LANES * i + WIDTH * part) * deviation
            first[part] = first[part] + weighted
            second[part] = second[part] + weighted * deviation
    for part in range(VECTORS):
        store(sums + WIDTH * part, first[part])
        store(sums + LANES + WIDTH * part, second[part])


cdef inline void add_tile(
    const Source *source, const int64_t *run, Py_ssize_t tile, const double *shifts,
    Py_ssize_t first, Py_ssize_t count, double *sums
) noexcept nogil:
    """Add a tile's sums for some of the features: two lines of partial sums for each."""
    cdef:
        Py_ssize_t j
        double buffer[MOST_ROWS]
        double weight_buffer[MOST_ROWS]
        const double *weights = weights_of(source, run, tile, weight_buffer)
        const double *x
    for j in range(count):
        x = row_of(source, tile, first + j, buffer)
        # Two calls, so that no loop asks for weights.
        if weights == NULL:
            add_row(x, shifts[first + j], NULL, source.rows, sums + 2 * LANES * j)
        else:
            add_row(x, shifts[first + j], weights, source.rows, sums + 2 * LANES * j)


cdef void sum_tiles(
    const Source *source, const int64_t *run, Py_ssize_t first_tile, Py_ssize_t end_tile,
    const double *shifts, double *sums_out
) noexcept nogil:
    """Write the sums of some tiles of a run: d of the deviations, then d of their squares."""
    cdef:
        Py_ssize_t chunk, first, count, tile, i, d = source.num_features
        double sums[2 * LANES * FEATURES_AT_A_TIME]
    for chunk in range((source.num_features + FEATURES_AT_A_TIME - 1) // FEATURES_AT_A_TIME):
        first = FEATURES_AT_A_TIME * chunk
        count = min(FEATURES_AT_A_TIME, source.num_features - first)
        for i in range(2 * LANES * count):
            sums[i] = 0.0
        for tile in range(first_tile, end_tile):
            add_tile(source, run, tile, shifts, first, count, sums)
        for i in range(count):
            sums_out[first + i] = sum_of(sums + 2 * LANES * i, LANES)
            sums_out[d + first + i] = sum_of(sums + 2 * LANES * i + LANES, LANES)


# The sums of each run, which several threads compute.
cdef struct RunSums:
    const Source *source
    const double *shifts
    double *sums                # (num_runs, 2, d)


cdef void sum_run(void *context, int64_t i, int64_t rank) noexcept nogil:
    """Write the sums of run i: a job."""
    cdef:
        const RunSums *task = <const RunSums *>context
        const int64_t *run = task.source.runs + 4 * i
    sum_tiles(
        task.source, run, run[FIRST_TILE], run[END_TILE], task.shifts,
        task.sums + 2 * task.source.num_features * i,
    )


cdef const int64_t *find_heaviest_tile(
    const Source *source, Py_ssize_t num_runs, Py_ssize_t *tile_out, double *weight_out
) noexcept nogil:
    """Find the tile with the largest weight, and return its run."""
    cdef:
        Py_ssize_t i, tile
        double weight
        const int64_t *run
        const int64_t *found = source.runs
    tile_out[0] = found[FIRST_TILE]
    weight_out[0] = 0.0
    for i in range(num_runs):
        run = source.runs + 4 * i
        for tile in range(run[FIRST_TILE], run[END_TILE]):
            weight = weight_of(source, run, tile)
            if weight > weight_out[0]:
                found = run
                tile_out[0] = tile
                weight_out[0] = weight
    return found


cdef Py_ssize_t heaviest_row(
    const Source *source, const int64_t *run, Py_ssize_t tile
) noexcept nogil:
    """Return the row with the largest weight in a tile."""
    cdef:
        Py_ssize_t i, found = 0
        double buffer[MOST_ROWS]
        const double *weights = weights_of(source, run, tile, buffer)
    if weights == NULL:
        return 0
    for i in range(source.rows):
        if weights[i] > weights[found]:
            found = i
    return found


cdef double choose_shifts(
    const Source *source, Py_ssize_t num_runs, double *shifts, double *sums
) noexcept nogil:
    """Set the shifts to the means of the heaviest tile, and return its weight.

    The means are computed from the differences to one of the values. So the shift of a constant
    feature is exactly its value, and its variance exactly 0. `sums` has room for 2 d numbers.
    """
    cdef:
        Py_ssize_t j, row, tile, d = source.num_features
        double weight, weight_in_unit
        double buffer[MOST_ROWS]
        Source scaled = source[0]
        const int64_t *run = find_heaviest_tile(source, num_runs, &tile, &weight)
    row = heaviest_row(source, run, tile)
    for j in range(d):
        shifts[j] = row_of(source, tile, j, buffer)[row]
    if weight > 0.0:
        scaled.unit = min(1.0 / weight, LARGEST_UNIT)  # sums of tiny products would lose digits
        sum_tiles(&scaled, run, tile, tile + 1, shifts, sums)
        weight_in_unit = weight_of(&scaled, run, tile)
        for j in range(d):
            shifts[j] += sums[j] / weight_in_unit
    return weight


cdef void add_runs_of_bands(
    const double *sums, const int64_t *bands, Py_ssize_t num_bands, Py_ssize_t size, double *out
) noexcept nogil:
    """Add up the sums of the runs of each band."""
    cdef Py_ssize_t band, i, j
    for band in range(num_bands):
        for j in range(size):
            out[size * band + j] = 0.0
        for i in range(bands[band], bands[band + 1]):
            for j in range(size):
                out[size * band + j] += sums[size * i + j]


cdef inline void finish_feature(
    double shift, double sum, double squares, double total, double epsilon, Py_ssize_t d,
    double *moments_out
) noexcept nogil:
    """Write the moments of a feature, given the sums of its deviations and of their squares."""
    cdef:
        double offset = sum / total
        double mean = shift + offset
        double variance = squares / total - offset * offset
        double deviation, size
    if not variance <= DBL_MAX or not fabs(mean) <= DBL_MAX:  # or NaN
        mean = variance = INFINITY
    deviation = sqrt(variance) if variance > 0.0 else 0.0
    if deviation <= NOISE * epsilon * fabs(mean):
        deviation = 0.0
        size = fabs(mean)
    else:
        size = sqrt(variance + mean * mean)
    moments_out[d * MEAN] = mean
    moments_out[d * SCALE] = deviation if deviation > 0.0 else size
    moments_out[d * DEVIATION] = deviation
    moments_out[d * SIZE] = size


# --- Products ---


cdef inline void fill_panels(
    const Source *source, Py_ssize_t tile, const double *moments, bint centred,
    const double *roots, bint with_ones, double *panels
) noexcept nogil:
    """Copy a tile into panels of LANES features, times the roots of the weights.

    With moments, features are scaled to deviation 1 if they are centred, else to size 1.
    """
    cdef:
        Py_ssize_t i, j, rows = source.rows, d = source.num_features
        double buffer[MOST_ROWS]
        double centre = 0.0, factor = 1.0
        const double *x
        double *out
    for j in range(d):
        x = row_of(source, tile, j, buffer)
        if moments != NULL:
            centre = moments[d * MEAN + j] if centred else 0.0
            factor = inverse(moments[d * (DEVIATION if centred else SIZE) + j])
        out = panels + LANES * rows * (j // LANES) + j % LANES
        for i in range(rows):
            out[LANES * i] = (x[i] - centre) * factor * roots[i]
    if with_ones:
        out = panels + LANES * rows * (d // LANES) + d % LANES
        for i in range(rows):
            out[LANES * i] = roots[i]


cdef inline void add_patch(
    const double *left, const double *right, Py_ssize_t rows, Py_ssize_t side, double *out
) noexcept nogil:
    """Add the products of DOWN features with ACROSS vectors of features."""
    cdef:
        Py_ssize_t k, v, _row
        lanes sums[DOWN * ACROSS]
    for k in range(DOWN * ACROSS):
        sums[k] = splat(0.0)
    for _row in range(rows):
        for k in range(DOWN):
            for v in range(ACROSS):
                sums[ACROSS * k + v] = (
                    sums[ACROSS * k + v] + splat(left[k]) * load(right + WIDTH * v)
                )
        left += LANES
        right += LANES
    for k in range(DOWN):
        for v in range(ACROSS):
            store(out + WIDTH * v, load(out + WIDTH * v) + sums[ACROSS * k + v])
        out += side


cdef inline void add_patches(
    const double *panels, Py_ssize_t rows, Py_ssize_t num_columns, Py_ssize_t side, double *out
) noexcept nogil:
    """Add the products of all pairs of columns, in patches that reach the upper triangle."""
    cdef:
        Py_ssize_t i, j, row, column, wide = WIDTH * ACROSS
        const double *left
    for i in range((num_columns + DOWN - 1) // DOWN):
        row = DOWN * i
        left = panels + LANES * rows * (row // LANES) + row % LANES
        for j in range(row // wide, (num_columns + wide - 1) // wide):
            column = wide * j
            add_patch(
                left, panels + LANES * rows * (column // LANES) + column % LANES, rows, side,
                out + side * row + column,
            )


cdef double weight_of_run(const Source *source, const int64_t *run) noexcept nogil:
    """Return the total weight of a run, summed in the order in which its tiles are taken."""
    cdef:
        Py_ssize_t tile
        double total = 0.0
    for tile in range(run[FIRST_TILE], run[END_TILE]):
        total += weight_of(source, run, tile)
    return total


cdef double worth_of(const Source *source, const int64_t *run) noexcept nogil:
    """Return how much a run's weights are worth compared with equal ones, at most 1.

    If a few samples have most of the weight, the others hardly make a mean more precise. It is as
    precise as that of sum(u)^2 / sum(u^2) samples of equal weight.
    """
    cdef:
        Py_ssize_t tile, num_tiles = run[END_TILE] - run[FIRST_TILE]
        double buffer[MOST_ROWS]
        const double *weights
        double total = 0.0, squares = 0.0
    if source.double_weights == NULL and source.single_weights == NULL:
        return 1.0
    for tile in range(run[FIRST_TILE], run[END_TILE]):
        weights = weights_of(source, run, tile, buffer)
        total += sum_of(weights, source.rows)
        squares += dot(weights, weights, source.rows)
    if squares == 0.0:
        return 1.0
    return total * (total / squares) / ((num_tiles - 1) * source.rows + run[LAST_ROWS])


cdef inline Py_ssize_t count_marks(
    const Source *source, const int64_t *run, double weight, Py_ssize_t every
) noexcept nogil:
    """Return the number of marks in a run of this weight: one for `every` tiles, or more.

    A class with a large weight gets more, and so does one whose weights are unequal.
    """
    cdef:
        Py_ssize_t num_tiles = run[END_TILE] - run[FIRST_TILE]
        double fair = max(<double>num_tiles, weight * source.tiles_per_weight)
    fair /= every * worth_of(source, run)
    return num_tiles if fair > num_tiles - 1 else 1 + <Py_ssize_t>fair


cdef inline double weight_factor(double before, double weight, double distance) noexcept nogil:
    """Return the factor by which a tile's weights are raised, 0 if it has no mark.

    `before` is the weight of the run's tiles before it, and `distance` the weight between marks.
    """
    cdef int64_t marks = (
        <int64_t>((before + weight) / distance + 0.5) - <int64_t>(before / distance + 0.5)
    )
    return marks * (distance / weight) if marks > 0 else 0.0


cdef inline void fill_roots(
    const Source *source, const int64_t *run, Py_ssize_t tile, double factor, double *roots
) noexcept nogil:
    """Write the square roots of the factor times the weights."""
    cdef:
        Py_ssize_t i
        double buffer[MOST_ROWS]
        const double *weights = weights_of(source, run, tile, buffer)
        double root = sqrt(factor)
    for i in range(source.rows):
        roots[i] = root if weights == NULL else sqrt(factor * weights[i])


cdef void add_run(
    const Source *source, const int64_t *run, Py_ssize_t every, const double *moments,
    bint centred, bint with_ones, double *panels, Py_ssize_t side, double *out
) noexcept nogil:
    """Add the products of a run, from all of its tiles or from those with marks."""
    cdef:
        Py_ssize_t tile, num_tiles = run[END_TILE] - run[FIRST_TILE]
        double run_weight = weight_of_run(source, run)
        Py_ssize_t num_marks = count_marks(source, run, run_weight, every)
        double distance = run_weight / num_marks
        double weight, share, before = 0.0
        double roots[MOST_ROWS]
    for tile in range(run[FIRST_TILE], run[END_TILE]):
        weight = weight_of(source, run, tile)
        if not weight > 0.0:
            continue
        share = 1.0 if num_marks == num_tiles else weight_factor(before, weight, distance)
        before += weight
        if share > 0.0:
            fill_roots(source, run, tile, share, roots)
            fill_panels(source, tile, moments, centred, roots, with_ones, panels)
            add_patches(panels, source.rows, source.num_features + with_ones, side, out)


# --- Triangles ---


cdef bint factorise(double *matrix, Py_ssize_t n, Py_ssize_t side) noexcept nogil:
    """Replace a matrix A by its Cholesky factor; return False if A is not positive definite."""
    cdef:
        Py_ssize_t i, j, k
        double factor
        double *row
    for i in range(n):
        row = matrix + side * i
        for k in range(i):
            add_multiple(row + i, -matrix[side * k + i], matrix + side * k + i, n - i)
        if not row[i] > 0.0:  # or NaN
            return False
        factor = 1.0 / sqrt(row[i])
        for j in range(i, n):
            row[j] *= factor
    return True


cdef void invert(const double *factor, Py_ssize_t n, Py_ssize_t side, double *out) noexcept nogil:
    """Write the inverse of a Cholesky factor to `out`, whose rows have n + 1 elements.

    Row i of R times the inverse is a row of the identity matrix. So row i of the inverse follows
    from the rows below.
    """
    cdef:
        Py_ssize_t i, j, k
        double scale
        double *row
    for i in range(n - 1, -1, -1):
        row = out + (n + 1) * i
        scale = 1.0 / factor[side * i + i]
        for j in range(n + 1):
            row[j] = 0.0
        row[i] = 1.0
        for k in range(i + 1, n):
            add_multiple(row + k, -factor[side * i + k], out + (n + 1) * k + k, n - k)
        for j in range(i, n):
            row[j] *= scale


cdef void correlate(
    double *products, Py_ssize_t n, Py_ssize_t side, double *shares, double ridge
) noexcept nogil:
    """Replace products by correlations, times the shares of both features.

    The shares are overwritten.
    """
    cdef:
        Py_ssize_t i, j
        double square
    for i in range(n):
        square = products[side * i + i]
        shares[i] = shares[i] / sqrt(square) if square > 0.0 else 0.0
    for i in range(n):
        for j in range(i + 1, n):
            products[side * i + j] *= shares[i] * shares[j]
        products[side * i + i] = 1.0 + ridge


cdef inline double diagonal_of(
    const double *moments, Py_ssize_t d, bint centred, double curvature, double alpha
) noexcept nogil:
    """Return the element of a feature on the diagonal of the bound on the Hessian.

    The scale of a constant feature is its size. It stands in for a deviation of 0, which would let
    rounding errors move the weight.
    """
    cdef double size = moments[d * (SCALE if centred else SIZE)]
    return curvature * (size * size) + alpha


cdef inline double share_of_samples(
    const double *moments, Py_ssize_t d, bint centred, double curvature, double alpha
) noexcept nogil:
    """Return the root of the share of that element which is due to the samples, not to alpha."""
    cdef double size = moments[d * (DEVIATION if centred else SIZE)]
    return sqrt(curvature) * size * inverse(
        sqrt(diagonal_of(moments, d, centred, curvature, alpha))
    )


cdef void finish_rows(
    const double *moments, Py_ssize_t d, bint centred, double curvature, double alpha, double *out
) noexcept nogil:
    """Turn an inverse factor into the preconditioner: scale its rows, and add that of the bias."""
    cdef:
        Py_ssize_t i, j
        double diagonal
        double *row
        double *last = out + (d + 1) * d
    for j in range(d):
        last[j] = 0.0
    last[d] = 1.0
    if centred and curvature > 0.0:
        last[d] = 1.0 / sqrt(curvature)
    for i in range(d):
        row = out + (d + 1) * i
        diagonal = diagonal_of(moments + i, d, centred, curvature, alpha)
        if diagonal > 0.0:
            for j in range(i, d):
                row[j] /= sqrt(diagonal)
        if centred:
            add_multiple(last + i, -moments[d * MEAN + i], row + i, d - i)


# --- Lanczos ---


cdef inline double largest_size(const double *x, Py_ssize_t n) noexcept nogil:
    """Return the largest absolute value."""
    cdef:
        Py_ssize_t i
        double found = 0.0
    for i in range(n):
        if not fabs(x[i]) <= found:  # or NaN
            found = fabs(x[i])
    return found


cdef double normalise(double *x, Py_ssize_t n) noexcept nogil:
    """Divide x by its length, and return the length; squares neither overflow nor vanish."""
    cdef:
        Py_ssize_t i
        double size = largest_size(x, n), length
    if size == 0.0:
        return 0.0
    for i in range(n):
        x[i] /= size
    length = sqrt(dot(x, x, n))
    for i in range(n):
        x[i] /= length
    return size * length


cdef bint is_above(
    double t, const double *diagonal, const double *beside, Py_ssize_t n, double *pivots
) noexcept nogil:
    """Return True if t is above all eigenvalues of a tridiagonal matrix."""
    cdef Py_ssize_t i
    pivots[n - 1] = t - diagonal[n - 1]
    for i in range(n - 2, -1, -1):
        if not pivots[i + 1] > 0.0:
            return False
        pivots[i] = t - diagonal[i] - beside[i] * (beside[i] / pivots[i + 1])
    return pivots[0] > 0.0


cdef double largest_of_tridiagonal(
    const double *diagonal, const double *beside, Py_ssize_t n, double *pivots
) noexcept nogil:
    """Return the largest eigenvalue, rounded up, and the pivots that belong to it."""
    cdef:
        Py_ssize_t i, _halving
        double low = diagonal[0], high, middle
    for i in range(n):
        low = max(low, diagonal[i])
    high = low
    for i in range(n - 1):  # no eigenvalue is further from the diagonal than this
        high = max(high, low + 2.0 * fabs(beside[i]))
    high += 1e-12 * fabs(high)
    for _halving in range(40):
        middle = low + 0.5 * (high - low)
        if is_above(middle, diagonal, beside, n, pivots):
            high = middle
        else:
            low = middle
    is_above(high, diagonal, beside, n, pivots)
    return high


cdef double last_element(const double *beside, Py_ssize_t n, const double *pivots) noexcept nogil:
    """Return the last element of the normalised eigenvector that belongs to the pivots."""
    cdef:
        Py_ssize_t i
        double element = 1.0, squares = 1.0
    for i in range(n - 1, 0, -1):
        if not beside[i - 1] > 0.0 or squares > 1e100:  # the rest makes no difference
            break
        element *= pivots[i] / beside[i - 1]
        squares += element * element
    return 1.0 / sqrt(squares)


# --- Products with vectors ---


cdef void multiply_upper(
    const double *matrix, Py_ssize_t n, Py_ssize_t side, const double *x, double *out
) noexcept nogil:
    """Write the product of a symmetric matrix with x, from its upper triangle."""
    cdef:
        Py_ssize_t i
        const double *row
    for i in range(n):
        out[i] = 0.0
    for i in range(n):
        row = matrix + side * i
        out[i] += dot(row + i, x + i, n - i)
        add_multiple(out + i + 1, x[i], row + i + 1, n - i - 1)


cdef void multiply_tile(
    const Source *source, const int64_t *run, Py_ssize_t tile, double intercept, const double *x,
    double *out
) noexcept nogil:
    """Add a tile's share of Z^T U Z x to `out`: the scores of its samples, then their sums."""
    cdef:
        Py_ssize_t i, j, rows = source.rows, d = source.num_features
        double buffer[MOST_ROWS]
        double weight_buffer[MOST_ROWS]
        double scores[MOST_ROWS]
        const double *weights = weights_of(source, run, tile, weight_buffer)
    for i in range(rows):
        scores[i] = intercept * x[d]
    for j in range(d):
        add_multiple(scores, x[j], row_of(source, tile, j, buffer), rows)
    if weights != NULL:
        for i in range(rows):
            scores[i] *= weights[i]
    for j in range(d):
        out[j] += dot(scores, row_of(source, tile, j, buffer), rows)
    out[d] += intercept * sum_of(scores, rows)


# --- What Python calls ---


cdef class Tiles:
    """Samples in one place, for sums over them.

    Parameters
    ----------
    values : (num_tiles, d, tile), float32 or float64
    weights : (num_tiles, tile), same dtype, or None
    runs : (num_runs, 4)
    unit
        The factor of the weights.
    tiles_per_weight
        The number of tiles of all samples, divided by the sum of their weights times the factor.
    """
    cdef:
        Source source
        Jobs jobs
        RunSums task
        Py_ssize_t num_runs
        object owners           # the owners of the memory that the source points to

    def __init__(
        self, values, weights, const int64_t[:, ::1] runs, double unit, double tiles_per_weight
    ):
        cdef Source *source = &self.source
        self.num_runs = runs.shape[0]
        source.runs = &runs[0, 0]
        source.num_features = values.shape[1]
        source.rows = values.shape[2]
        source.num_tiles = values.shape[0]
        source.unit = unit
        source.tiles_per_weight = tiles_per_weight
        self.owners = values, weights, runs
        if values.itemsize == sizeof(double):
            self.point_to_doubles(values, weights)
        else:
            self.point_to_singles(values, weights)

    cdef point_to_doubles(self, const double[:, :, ::1] values, const double[:, ::1] weights):
        self.source.doubles = &values[0, 0, 0]
        if weights is not None:
            self.source.double_weights = &weights[0, 0]

    cdef point_to_singles(self, const float[:, :, ::1] values, const float[:, ::1] weights):
        self.source.singles = &values[0, 0, 0]
        if weights is not None:
            self.source.single_weights = &weights[0, 0]

    def choose_shifts(self, double[::1] shifts):
        """Compute the means of the tile with the largest weight.

        Parameters
        ----------
        shifts : (d,), out

        Returns
        -------
        float
            The weight of this tile.
        """
        cdef:
            double weight
            double[::1] sums = np.empty(2 * self.source.num_features)
        with nogil:
            weight = choose_shifts(&self.source, self.num_runs, &shifts[0], &sums[0])
        return weight

    def measure(
        self, const double[::1] shifts, const int64_t[::1] bands, Py_ssize_t num_threads, turn,
        double[:, :, ::1] out,
    ):
        """Compute the sums of each band: of the deviations from the shifts, and of their squares.

        Parameters
        ----------
        shifts : (d,)
        bands : (num_bands + 1,)
            The first run of each band, then the number of runs.
        num_threads
        turn : callable
            Called without arguments about every 40 ms, so that Python can raise what is due.
        out : (num_bands, 2, d), out
        """
        cdef:
            Source *source = &self.source
            Py_ssize_t d = source.num_features
            Py_ssize_t num_helpers = source.num_tiles * source.rows * d // HELPER_VALUES
            double[:, ::1] sums = np.empty((self.num_runs, 2 * d))
            RunSums *task = &self.task
        task.source, task.shifts, task.sums = source, &shifts[0], &sums[0, 0]
        num_helpers = min(num_helpers, num_threads - 1)
        do_jobs(
            &self.jobs, sum_run, task, self.num_runs, num_helpers, turn, TURN_MILLISECONDS
        )
        with nogil:
            add_runs_of_bands(&sums[0, 0], &bands[0], out.shape[0], 2 * d, &out[0, 0, 0])

    def add_products(
        self, Py_ssize_t first_run, Py_ssize_t end_run, Py_ssize_t every,
        const double[:, ::1] moments, bint centred, bint with_ones, double[:, ::1] products,
    ):
        """Add the sums of products of all pairs of features.

        Parameters
        ----------
        first_run, end_run
        every
            With k, about one tile in k is taken, and its weights are raised in proportion.
        moments : (4, d) or None
            If given, each feature is centred and divided by its standard deviation, or only divided
            by the root of its mean square.
        centred
        with_ones
            Whether to add a column of ones after the features.
        products : (side, side), in and out
            Only the upper triangle is used. `side` is a multiple of the doubles in a cache line.
        """
        cdef:
            Py_ssize_t i, side = products.shape[0]
            const Source *source = &self.source
            const double *given = NULL
            char *memory = <char *>calloc(side * source.rows * sizeof(double) + 64, 1)
            double *panels = <double *>(memory + 64 - <uintptr_t>memory % 64)
        if memory == NULL:
            raise MemoryError()
        if moments is not None:
            given = &moments[0, 0]
        with nogil:
            for i in range(first_run, end_run):
                add_run(
                    source, source.runs + 4 * i, every, given, centred, with_ones, panels, side,
                    &products[0, 0],
                )
            free(memory)

    def add_product_with(
        self, Py_ssize_t first_run, Py_ssize_t end_run, double intercept, const double[::1] x,
        double[::1] out,
    ):
        """Add Z^T U Z x.

        Parameters
        ----------
        first_run, end_run
        intercept
            1 or 0, the last column of Z.
        x : (d + 1,)
        out : (d + 1,), in and out
        """
        cdef:
            Py_ssize_t i, tile
            const int64_t *run
        with nogil:
            for i in range(first_run, end_run):
                run = self.source.runs + 4 * i
                for tile in range(run[FIRST_TILE], run[END_TILE]):
                    multiply_tile(&self.source, run, tile, intercept, &x[0], &out[0])


def finish(
    const double[::1] shifts, const double[:, ::1] sums, double total, double epsilon,
    double[:, ::1] moments,
):
    """Compute the moments of each feature.

    Parameters
    ----------
    shifts : (d,)
    sums : (2, d)
        The sums of the deviations from the shifts, and of their squares.
    total
        The sum of the weights, in the same unit as the sums.
    epsilon
        The distance from 1 to the next number in the dtype of the samples.
    moments : (4, d), out
        The mean, the scale, the standard deviation and the root of the mean square. Where squares
        overflow, and where X is not finite, the mean, the scale and the root are infinite.
    """
    cdef Py_ssize_t j, d = shifts.shape[0]
    with nogil:
        for j in range(d):
            finish_feature(
                shifts[j], sums[0, j], sums[1, j], total, epsilon, d, &moments[0, j]
            )


def keep_to_taken_tiles(
    double[:, ::1] products, double total, double least, double[:, ::1] moments,
):
    """Replace the moments by those of the tiles that were taken for the products.

    Features that depend on each other do so in these tiles, too. If most of a feature's variance is
    in other tiles, its moments stay as they are. Its products with other features then say little
    about all samples, so they are set to 0.

    Parameters
    ----------
    products : (side, side), in and out
        The sums over these tiles, in units of the moments.
    total
        The weight that these tiles stand for.
    least
        The share of the variance that must be in these tiles.
    moments : (4, d), in and out
    """
    cdef:
        Py_ssize_t i, j, d = moments.shape[1]
        double share
    with nogil:
        for i in range(d):
            share = products[i, i] / total
            if share >= least:
                moments[SCALE, i] *= sqrt(share)
                moments[DEVIATION, i] *= sqrt(share)
                moments[SIZE, i] *= sqrt(share)
            else:
                for j in range(i):
                    products[j, i] = 0.0
                for j in range(i + 1, d):
                    products[i, j] = 0.0


def whiten(
    double[:, ::1] products, const double[:, ::1] moments, bint centred, double curvature,
    double alpha, double ridge, double[:, ::1] out,
):
    """Compute the preconditioner P: weights = S R^-1 v, bias = v_b / sqrt(c) - means.weights.

    The diagonal matrix S scales the bound on the Hessian to a diagonal of ones, and R^T R is the
    scaled bound.

    Parameters
    ----------
    products : (side, side), overwritten
        Sums of products of the features, each in any unit.
    moments : (4, d)
        The diagonal of the bound follows from the moments alone.
    centred
        Whether the features are centred. If they are not, the bias is left alone.
    curvature
        c, the largest curvature of the loss times the total weight.
    alpha
    ridge
        Added to the diagonal of the correlations.
    out : (d + 1, d + 1), out

    Returns
    -------
    bool
        False if the bound is not finite.
    """
    cdef:
        Py_ssize_t i, d = moments.shape[1], side = products.shape[0]
        double *last = &out[d, 0]
        bint finite = True
    with nogil:
        for i in range(d):
            finite = finite and diagonal_of(&moments[0, i], d, centred, curvature, alpha) <= DBL_MAX
            last[i] = share_of_samples(&moments[0, i], d, centred, curvature, alpha)
        if finite:
            correlate(&products[0, 0], d, side, last, ridge)
            factorise(&products[0, 0], d, side)
            invert(&products[0, 0], d, side, &out[0, 0])
            finish_rows(&moments[0, 0], d, centred, curvature, alpha, &out[0, 0])
    return finite


def fill_start(double[::1] x):
    """Fill x with the same pseudo-random numbers each time, as a vector of length 1.

    Parameters
    ----------
    x : (n,), out
    """
    cdef:
        Py_ssize_t i
        uint64_t state = 1
    with nogil:
        for i in range(x.shape[0]):
            # A linear congruential generator, of which the upper bits are the best.
            state = state * 6364136223846793005ULL + 1442695040888963407ULL
            x[i] = <double><int64_t>(state >> 11) * 2.0 ** -53 - 0.5
        normalise(&x[0], x.shape[0])


def multiply(const double[:, ::1] matrix, const double[::1] x, double[::1] out):
    """Write the product of a symmetric matrix with x.

    Parameters
    ----------
    matrix : (side, side)
        Of its upper triangle, the first n rows and columns are used.
    x : (n,)
    out : (n,), out
    """
    with nogil:
        multiply_upper(&matrix[0, 0], x.shape[0], matrix.shape[0], &x[0], &out[0])


def orthogonalise(
    double[:, ::1] basis, Py_ssize_t k, double[::1] diagonal, double[::1] beside
):
    """Make vector k + 1 of the basis, a product with vector k, orthogonal to the ones before.

    Parameters
    ----------
    basis : (more than k + 1, n), in and out
    k
    diagonal, beside : (more than k,), in and out
        The tridiagonal matrix, of which row k is written.
    """
    cdef:
        Py_ssize_t i, n = basis.shape[1], _again
        double *x = &basis[k + 1, 0]
        double along
    with nogil:
        diagonal[k] = dot(x, &basis[k, 0], n)
        for _again in range(2):  # once is not enough when little of x is left
            for i in range(k + 1):
                along = dot(x, &basis[i, 0], n)
                add_multiple(x, -along, &basis[i, 0], n)
        beside[k] = normalise(x, n)


def largest_ritz_value(const double[::1] diagonal, const double[::1] beside, Py_ssize_t n):
    """Return the largest eigenvalue of a tridiagonal matrix, and its error.

    The error is the distance within which the large matrix has an eigenvalue.

    Parameters
    ----------
    diagonal, beside : (n or more,)
        The last element of `beside` leads out of the matrix.
    n
        At most 64.

    Returns
    -------
    value, error : float
    """
    cdef:
        double pivots[64]
        double value = largest_of_tridiagonal(&diagonal[0], &beside[0], n, pivots)
    return value, beside[n - 1] * last_element(&beside[0], n, pivots)


def is_bound(const double[:, ::1] matrix, Py_ssize_t n, double bound, double[:, ::1] work):
    """Return True if all eigenvalues of a symmetric matrix are certainly below the bound.

    The bound is above them if and only if the bound times the identity matrix, minus the matrix,
    is positive definite.

    Parameters
    ----------
    matrix : (side, side)
        Of its upper triangle, the first n rows and columns are used.
    n
    bound
    work : (side, side), overwritten
    """
    cdef Py_ssize_t i, j
    cdef bint above
    with nogil:
        for i in range(n):
            for j in range(i, n):
                work[i, j] = -(matrix[i, j] / bound)
            work[i, i] += 1.0
        above = factorise(&work[0, 0], n, work.shape[0])
    return above
