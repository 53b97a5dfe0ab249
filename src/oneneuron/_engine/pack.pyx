"""The copy of the samples into tiles, which are what the kernel reads.

Layout. The caller's rows are cut into bands. In a band, the rows of a class are brought together,
in ascending order of the classes, each class in the caller's order. They fill tiles. A tile holds
its rows feature by feature: first the values of feature 0, one to a lane, then those of feature 1,
and so on. The tiles of one class in one band are a run. Only the last tile of a run may have lanes
to spare, which hold zeros. A band depends on its own rows alone, so it looks the same wherever and
whenever it is laid out.

Where a row goes. A band consists of parts of a few thousand rows. `Packer` first counts the rows
of each class in each part. Adding up those counts gives each class of each part its first slot,
where slot s is lane s % tile of tile s // tile. From then on, the parts do not depend on each
other. Threads can copy them in any order, and a row always goes to the same slot.

How a part is copied. Its rows are sorted by class, which is easy since the counts are known. The
sorted rows are divided into groups, each of which fills a cache line of lanes, or what its class
has in that line. Then the groups are copied:

- If the values of a row are neighbours in memory (C order), each group is copied as a whole. Its
  rows are read side by side from one end to the other, while those of the next group are fetched.
- If the values of a feature are neighbours (Fortran order), the first feature of all groups is
  copied, then the second, and so on. The stretch of a column that belongs to a part fits in the
  fastest cache, so it does not matter that its values are read class by class.

Either way, X is read about once and each line of the tiles is written at once, as in a plain copy.
With many features, it takes about as long as one. With few, most of the time goes into counting
and sorting.

Strips. The counter of a class is often read right after it was written, and then the processor has
to wait. So the rows of a part are cut into four strips, which have counters of their own and
advance together: while one waits, the others work.

Safety. Whatever another thread does to the caller's arrays, nothing is written outside the tiles.
The codes, which decide where rows go, are copied and then checked. X is read through a view, whose
shape nobody else can change. Helper threads have always ended before a call returns or raises.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport llabs
from libc.string cimport memcpy, memset

import numpy as np

from .jobs cimport Jobs, Work, do_jobs
from .layout cimport LINE_BYTES, Run

cdef extern from "waiting.h" nogil:
    enum:
        TURN_MILLISECONDS
    int64_t LOAD(int64_t *) noexcept
    void STORE(int64_t *, int64_t) noexcept

cdef extern from "lines.h" nogil:
    void write_double_line(const char *, int64_t, const int32_t *, void *, bint) noexcept
    void write_float_line(const char *, int64_t, const int32_t *, void *, bint) noexcept
    void write_double_lines(const char *, const int64_t *, int64_t, void *, bint) noexcept
    void write_float_lines(const char *, const int64_t *, int64_t, void *, bint) noexcept
    void fetch_line(const char *) noexcept
    void finish_lines() noexcept

cdef extern from "helpers.h" nogil:
    enum:
        MOST_HELPERS

cdef enum:
    MOST_LANES = 16         # the lanes of a line in float32
    STRIPS = 4              # strips of a part, which are sorted at the same time
    PART_ROWS = 4096        # rows of a part, or more if there are many classes
    FEW_CLASSES = 16        # with this number or fewer, it is faster to count one class at a time
    ROWS_PER_CLASS = 64     # rows of a part for each class, at least: it keeps the counts small
    CHUNK_VALUES = 1 << 21  # values copied between two looks at the clock: a few milliseconds
    CHUNK_FEATURES = 16     # features copied at a time, at least: a cache line of each row
    HELPER_BYTES = 1 << 23  # copying this much makes a helper worth starting: a millisecond or two
    HELPER_ROWS = 1 << 21   # counting this number of rows does, too
    BYPASS_BYTES = 1 << 23  # tiles of this size will have left the caches before they are read
    LANE_SUMS = 8           # partial sums of weights

ctypedef fused real:
    float
    double

ctypedef fused code:
    uint8_t
    uint32_t

cdef struct Plan:
    const void *codes           # (num_rows,), uint8_t or uint32_t
    bint short_codes            # whether they are uint8_t
    Py_ssize_t num_rows
    Py_ssize_t num_classes
    Py_ssize_t part_rows        # a power of two, as are the other sizes in rows
    Py_ssize_t num_parts
    Py_ssize_t parts_per_band
    Py_ssize_t tile             # lanes of a tile
    int32_t *counts             # (num_parts, STRIPS, num_classes), rows
    int64_t *starts             # (num_parts, num_classes), first slots
    int64_t invalid             # whether a code is out of range

cdef struct Group:
    Py_ssize_t out              # where its first lane is in the tiles, for feature 0
    int32_t first               # its first place in the sorted rows of the part
    int32_t count               # its rows, at most a cache line of lanes

cdef struct Copy:
    const char *X
    Py_ssize_t row_stride       # in bytes
    Py_ssize_t feature_stride
    Py_ssize_t num_features
    Py_ssize_t slice            # features of a chunk, which is a slice of a part
    Py_ssize_t num_slices
    bint double_precision
    Py_ssize_t lanes            # of a cache line
    bint bypass                 # whether to write past the caches
    void *tiles                 # (num_tiles, num_features, tile)
    Py_ssize_t num_rows         # room that each thread has for the rows of a part
    Py_ssize_t num_groups       # and for its groups
    int32_t *order              # (num_threads, num_rows), rows sorted by class
    Group *groups               # (num_threads, num_groups)
    int32_t *places             # (num_threads, STRIPS, num_classes), where the next rows go

cdef struct Task:
    Plan plan
    Copy copy


# --- Where each row goes ---

cdef inline Py_ssize_t rows_of(const Plan *plan, Py_ssize_t part) noexcept nogil:
    """Return the number of rows of a part; only the last part may be incomplete."""
    return min(plan.part_rows, plan.num_rows - plan.part_rows * part)


cdef inline Py_ssize_t num_bands_of(const Plan *plan) noexcept nogil:
    """Return the number of bands, the last of which may be incomplete."""
    return (plan.num_parts + plan.parts_per_band - 1) // plan.parts_per_band


cdef inline Py_ssize_t index_of(
    const Plan *plan, Py_ssize_t slot, Py_ssize_t num_features
) noexcept nogil:
    """Return where feature 0 of a slot is, in tiles of shape (_, num_features, tile)."""
    cdef Py_ssize_t lane = slot & (plan.tile - 1)  # a tile is a power of two
    return (slot - lane) * num_features + lane


cdef int32_t occurrences(const code *codes, Py_ssize_t count, code wanted) noexcept nogil:
    """Count the codes that are equal to one; compilers turn this into vector instructions."""
    cdef:
        Py_ssize_t i, j
        int32_t total = 0
        uint8_t in_block        # which cannot overflow, and lets a vector hold as many as possible
    for i in range(count // 128):
        in_block = 0
        for j in range(128):
            in_block += <uint8_t>(codes[128 * i + j] == wanted)
        total += in_block
    for i in range(count // 128 * 128, count):
        total += codes[i] == wanted
    return total


cdef void count_strips(
    const code *codes, Py_ssize_t rows, Py_ssize_t num_classes, int32_t *counts
) noexcept nogil:
    """Count the rows of each class in each of the four strips of a part.

    Strip s holds the rows from rows * s // STRIPS on.
    """
    cdef Py_ssize_t i, s, c, first, shortest = rows // STRIPS
    if num_classes <= FEW_CLASSES:
        for s in range(STRIPS):
            first = rows * s // STRIPS
            for c in range(num_classes):
                counts[num_classes * s + c] = occurrences(
                    codes + first, rows * (s + 1) // STRIPS - first, <code>c
                )
        return
    memset(counts, 0, STRIPS * num_classes * sizeof(int32_t))
    for i in range(shortest):
        for s in range(STRIPS):
            counts[num_classes * s + codes[rows * s // STRIPS + i]] += 1
    for s in range(STRIPS):  # some strips have one row more
        for i in range(rows * s // STRIPS + shortest, rows * (s + 1) // STRIPS):
            counts[num_classes * s + codes[i]] += 1


cdef void sort_strips(
    const code *codes, Py_ssize_t rows, Py_ssize_t num_classes, int32_t *places, int32_t *order_out
) noexcept nogil:
    """Write the numbers of a part's rows to the places of their classes, strip by strip."""
    cdef:
        Py_ssize_t i, s, row, shortest = rows // STRIPS
        int32_t place
        int32_t *next_place
    for i in range(shortest):
        for s in range(STRIPS):
            row = rows * s // STRIPS + i
            next_place = places + num_classes * s + codes[row]
            place = next_place[0]
            order_out[place] = <int32_t>row
            next_place[0] = place + 1
    for s in range(STRIPS):
        for row in range(rows * s // STRIPS + shortest, rows * (s + 1) // STRIPS):
            next_place = places + num_classes * s + codes[row]
            place = next_place[0]
            order_out[place] = <int32_t>row
            next_place[0] = place + 1


cdef bint are_valid(const code *codes, Py_ssize_t rows, Py_ssize_t num_classes) noexcept nogil:
    """Return whether all codes are below the number of classes."""
    cdef Py_ssize_t i
    cdef code largest = 0
    for i in range(rows):
        largest = max(largest, codes[i])
    return largest < num_classes


cdef void count_part(void *task, int64_t part, int64_t rank) noexcept nogil:
    """Count the rows of each class in a part, or note that a code is out of range: a job."""
    cdef:
        Plan *plan = &(<Task *>task).plan
        Py_ssize_t first = plan.part_rows * part, rows = rows_of(plan, part), k = plan.num_classes
        int32_t *counts = plan.counts + STRIPS * k * part
        const uint8_t *short_codes = <const uint8_t *>plan.codes + first
        const uint32_t *long_codes = <const uint32_t *>plan.codes + first
    if plan.short_codes and are_valid(short_codes, rows, k):
        count_strips(short_codes, rows, k, counts)
    elif not plan.short_codes and are_valid(long_codes, rows, k):
        count_strips(long_codes, rows, k, counts)
    else:
        STORE(&plan.invalid, True)


cdef Py_ssize_t assign_slots(Plan *plan, Run *run) noexcept nogil:
    """Give each class of each part its first slot; write down all runs and return their number."""
    cdef:
        Py_ssize_t band, part, c, s, slot, first_tile = 0, end_tile, num_runs = 0
    for band in range(num_bands_of(plan)):
        for c in range(plan.num_classes):
            slot = first_tile * plan.tile
            for part in range(
                plan.parts_per_band * band, min(plan.parts_per_band * (band + 1), plan.num_parts)
            ):
                plan.starts[plan.num_classes * part + c] = slot
                for s in range(STRIPS):
                    slot += plan.counts[plan.num_classes * (STRIPS * part + s) + c]
            end_tile = (slot + plan.tile - 1) // plan.tile
            if end_tile > first_tile:
                run.class_code, run.first, run.end = c, first_tile, end_tile
                run.filled = slot - (end_tile - 1) * plan.tile
                run += 1
                num_runs += 1
            first_tile = end_tile
    return num_runs


# --- The copy of a part ---

cdef void sort_part(
    const Plan *plan, Py_ssize_t part, int32_t *places, int32_t *order_out
) noexcept nogil:
    """Sort the numbers of a part's rows by class."""
    cdef:
        Py_ssize_t c, s, k = plan.num_classes
        Py_ssize_t first = plan.part_rows * part, rows = rows_of(plan, part)
        const int32_t *counts = plan.counts + STRIPS * k * part
        int32_t place = 0
    for c in range(k):
        for s in range(STRIPS):
            places[k * s + c] = place
            place += counts[k * s + c]
    if plan.short_codes:
        sort_strips(<const uint8_t *>plan.codes + first, rows, k, places, order_out)
    else:
        sort_strips(<const uint32_t *>plan.codes + first, rows, k, places, order_out)


cdef Py_ssize_t divide_into_groups(
    const Plan *plan, const Copy *copy, Py_ssize_t part, const int32_t *ends, Group *groups_out
) noexcept nogil:
    """Divide a part's sorted rows into groups and return their number.

    The rows of class c end at ends[c]. A group ends where they or a line of lanes end.
    """
    cdef:
        Py_ssize_t c, slot, first = 0, count, num_groups = 0
    for c in range(plan.num_classes):
        slot = plan.starts[plan.num_classes * part + c]
        while first < ends[c]:
            count = min(copy.lanes - (slot & (copy.lanes - 1)), ends[c] - first)
            groups_out[num_groups].out = index_of(plan, slot, copy.num_features)
            groups_out[num_groups].first = <int32_t>first
            groups_out[num_groups].count = <int32_t>count
            num_groups += 1
            first += count
            slot += count
    return num_groups


cdef inline void copy_lanes(
    const char *x, Py_ssize_t stride, const int32_t *rows, Py_ssize_t count, bint bypass, real *out
) noexcept nogil:
    """Copy one feature of a group to neighbouring lanes; faster with constant arguments."""
    cdef Py_ssize_t i
    if real is double and count == 8:
        write_double_line(x, stride, rows, out, bypass)
    elif real is float and count == 16:
        write_float_line(x, stride, rows, out, bypass)
    else:
        for i in range(count):
            memcpy(&out[i], x + stride * rows[i], sizeof(real))  # may be unaligned


cdef inline void copy_rows(
    const char *x, Py_ssize_t stride, const int32_t *rows, const int32_t *next_rows,
    Py_ssize_t num_features, Py_ssize_t tile, bint bypass, real *out
) noexcept nogil:
    """Copy a whole group of rows that are contiguous, and fetch the next group's into the cache."""
    cdef:
        Py_ssize_t i, j = 0, step = 16 // sizeof(real), lanes = LINE_BYTES // sizeof(real)
        int64_t offsets[MOST_LANES]
    for i in range(lanes):
        offsets[i] = stride * rows[i]
    while j + step <= num_features:
        if j % lanes == 0:
            for i in range(lanes):
                fetch_line(x + stride * next_rows[i])
        if real is double:
            write_double_lines(x, offsets, tile, out, bypass)
        else:
            write_float_lines(x, offsets, tile, out, bypass)
        x += 16
        out += step * tile
        j += step
    while j < num_features:
        copy_lanes(x, stride, rows, lanes, bypass, out)
        x += sizeof(real)
        out += tile
        j += 1


cdef void copy_by_group(
    const Copy *copy, const char *X, const Group *groups, Py_ssize_t num_groups,
    const int32_t *order, Py_ssize_t num_features, Py_ssize_t tile, real *tiles
) noexcept nogil:
    """Copy each group as a whole: for X in C order."""
    cdef:
        Py_ssize_t g, j, stride = copy.row_stride
        const int32_t *rows
        const int32_t *next_rows
        real *out
    for g in range(num_groups):
        rows = order + groups[g].first
        out = tiles + groups[g].out
        next_rows = rows + copy.lanes
        if groups[g].count < copy.lanes or copy.feature_stride != sizeof(real):
            for j in range(num_features):
                copy_lanes(
                    X + copy.feature_stride * j, stride, rows, groups[g].count, False,
                    out + tile * j,
                )
        elif copy.bypass:
            copy_rows(X, stride, rows, next_rows, num_features, tile, True, out)
        else:
            copy_rows(X, stride, rows, next_rows, num_features, tile, False, out)


cdef inline void copy_column(
    const char *x, Py_ssize_t stride, const Group *groups, Py_ssize_t num_groups,
    const int32_t *order, bint bypass, real *tiles
) noexcept nogil:
    """Copy one feature of all groups; faster with a constant stride."""
    cdef:
        Py_ssize_t g, lanes = LINE_BYTES // sizeof(real)
        const int32_t *rows
        real *out
    for g in range(num_groups):
        rows = order + groups[g].first
        out = tiles + groups[g].out
        if groups[g].count == lanes:
            copy_lanes(x, stride, rows, lanes, bypass, out)
        else:
            copy_lanes(x, stride, rows, groups[g].count, False, out)


cdef void copy_by_feature(
    const Copy *copy, const char *X, const Group *groups, Py_ssize_t num_groups,
    const int32_t *order, Py_ssize_t num_features, Py_ssize_t tile, real *tiles
) noexcept nogil:
    """Copy each feature as a whole: for X in Fortran order."""
    cdef:
        Py_ssize_t j, stride = copy.row_stride
        const char *x
        real *out
    for j in range(num_features):
        x, out = X + copy.feature_stride * j, tiles + tile * j
        if stride != sizeof(real):
            copy_column(x, stride, groups, num_groups, order, False, out)
        elif copy.bypass:
            copy_column(x, <Py_ssize_t>sizeof(real), groups, num_groups, order, True, out)
        else:
            copy_column(x, <Py_ssize_t>sizeof(real), groups, num_groups, order, False, out)


cdef void clear_spare_lanes(
    const Plan *plan, Py_ssize_t part, const int32_t *ends, Py_ssize_t total_features,
    Py_ssize_t num_features, real *tiles
) noexcept nogil:
    """Write zeros to the lanes after the last row of each class, in the last part of a band."""
    cdef:
        Py_ssize_t c, j, slot, spare, first = 0
        real *out
    for c in range(plan.num_classes):
        slot = plan.starts[plan.num_classes * part + c] + ends[c] - first
        first = ends[c]
        spare = (plan.tile - slot % plan.tile) % plan.tile
        if spare > 0:
            out = tiles + index_of(plan, slot, total_features)
            for j in range(num_features):
                memset(out + plan.tile * j, 0, spare * sizeof(real))


cdef void copy_part(
    const Plan *plan, const Copy *copy, Py_ssize_t part, Py_ssize_t slice, Py_ssize_t rank,
    real *tiles
) noexcept nogil:
    """Copy the features of a slice of all rows of a part."""
    cdef:
        int32_t *order = copy.order + copy.num_rows * rank
        int32_t *places = copy.places + STRIPS * plan.num_classes * rank
        Group *groups = copy.groups + copy.num_groups * rank
        Py_ssize_t first_feature = copy.slice * slice
        Py_ssize_t features = min(copy.slice, copy.num_features - first_feature)
        const int32_t *ends = places + (STRIPS - 1) * plan.num_classes  # once the rows are sorted
        Py_ssize_t num_groups
        const char *X = copy.X + (
            copy.row_stride * plan.part_rows * part + copy.feature_stride * first_feature
        )
    sort_part(plan, part, places, order)
    num_groups = divide_into_groups(plan, copy, part, ends, groups)
    tiles += plan.tile * first_feature
    if llabs(copy.feature_stride) <= llabs(copy.row_stride):
        copy_by_group(copy, X, groups, num_groups, order, features, plan.tile, tiles)
    else:
        copy_by_feature(copy, X, groups, num_groups, order, features, plan.tile, tiles)
    if (part + 1) % plan.parts_per_band == 0 or part + 1 == plan.num_parts:
        clear_spare_lanes(plan, part, ends, copy.num_features, features, tiles)


cdef void copy_chunk(void *task, int64_t chunk, int64_t rank) noexcept nogil:
    """Copy a slice of the features of a part: a job."""
    cdef:
        const Plan *plan = &(<Task *>task).plan
        const Copy *copy = &(<Task *>task).copy
        Py_ssize_t part = chunk // copy.num_slices, slice = chunk % copy.num_slices
    if copy.double_precision:
        copy_part(plan, copy, part, slice, rank, <double *>copy.tiles)
    else:
        copy_part(plan, copy, part, slice, rank, <float *>copy.tiles)
    finish_lines()


# --- The class ---

cdef class Packer:
    """Where each row goes, and the copy to there.

    Parameters
    ----------
    codes : ndarray of shape (n,), of integers or bool
        The class of each row.
    num_classes : int
    band_rows : int
        The number of rows of a band: a power of two, at least 4096 and 64 times `num_classes`.
    tile : int
        The number of lanes of a tile: a power of two, at least 8.
    n_threads : int
    turn : callable
        ``turn()`` is called about every 40 ms, with the GIL. It may raise an exception.

    Attributes
    ----------
    patience : int
        The milliseconds after which `turn` is called again.
    num_tiles : int
    band_tiles : ndarray of shape (num_bands + 1,), int64
        The first tile of each band, then the number of tiles.
    runs : ndarray of shape (num_runs, 4), int64
        The class, the first tile, the end tile and the number of rows in the last tile of each run.

    Raises
    ------
    ValueError
        If a code is not one of 0, ..., num_classes - 1.
    """

    cdef:
        Task task
        Jobs jobs
        object arrays           # `plan` points into them
        object scratch          # `copy` points into it
        object turn
        Py_ssize_t num_threads
        public int64_t patience
        readonly Py_ssize_t num_tiles
        readonly object band_tiles
        readonly object runs

    def __init__(
        self, codes, Py_ssize_t num_classes, Py_ssize_t band_rows, Py_ssize_t tile,
        Py_ssize_t n_threads, turn,
    ):
        cdef:
            Plan *plan = &self.task.plan
            bint short_codes = num_classes <= 256
            Py_ssize_t part_rows = PART_ROWS
        while part_rows < ROWS_PER_CLASS * num_classes:
            part_rows *= 2
        check(num_classes >= 1 and n_threads >= 1, "num_classes and n_threads must be positive")
        check(band_rows >= part_rows and band_rows % part_rows == 0, "a band is not whole parts")
        check(tile >= 8 and tile & (tile - 1) == 0, "tile is not a power of two from 8 on")
        in_range = codes.min(initial=0) >= 0 and codes.max(initial=0) < num_classes
        check(in_range, "a class code is out of range")
        # A copy, since another thread may change the caller's array at any time. That is also why
        # it is checked again, while its rows are counted.
        codes = codes.astype(np.uint8 if short_codes else np.uint32, order="C")
        self.num_threads = min(n_threads, MOST_HELPERS + 1)
        self.turn, self.patience = turn, TURN_MILLISECONDS
        plan.short_codes = short_codes
        plan.num_rows, plan.num_classes, plan.tile = len(codes), num_classes, tile
        plan.part_rows, plan.parts_per_band = part_rows, band_rows // part_rows
        plan.num_parts = (plan.num_rows + part_rows - 1) // part_rows
        self.count(codes.view(np.uint8))

    cdef count(self, const uint8_t[::1] code_bytes):
        """Count the rows of each class in each part, and find the runs."""
        cdef:
            Plan *plan = &self.task.plan
            Py_ssize_t num_bands = num_bands_of(plan)
            Py_ssize_t num_runs, num_helpers
            int32_t[:, ::1] counts = np.empty(
                (plan.num_parts * STRIPS, plan.num_classes), np.int32
            )
            int64_t[:, ::1] starts = np.empty((plan.num_parts, plan.num_classes), np.int64)
            int64_t[:, ::1] runs = np.empty((num_bands * plan.num_classes, 4), np.int64)
        self.arrays = code_bytes, counts, starts
        self.runs, self.band_tiles = np.asarray(runs), np.zeros(1, np.int64)
        if plan.num_rows == 0:
            return
        plan.codes = &code_bytes[0]
        plan.counts, plan.starts = &counts[0, 0], &starts[0, 0]
        num_helpers = plan.num_rows // HELPER_ROWS
        self.share(count_part, plan.num_parts, num_helpers)
        check(not LOAD(&plan.invalid), "a class code is out of range")
        with nogil:
            num_runs = assign_slots(plan, <Run *>&runs[0, 0])
        self.runs = np.array(runs[:num_runs])
        self.num_tiles = self.runs[num_runs - 1, 2]
        first_slots = np.asarray(starts)[:: plan.parts_per_band, 0]
        self.band_tiles = np.append(first_slots // plan.tile, self.num_tiles)

    def pack(self, const real[:, :] X, real[:, :, ::1] tiles_out):
        """Copy rows into tiles, and write zeros to spare lanes.

        Parameters
        ----------
        X : (n, d), of any strides
        tiles_out : (num_tiles, d, tile)
        """
        cdef:
            Plan *plan = &self.task.plan
            Copy *copy = &self.task.copy
            Py_ssize_t num_helpers = X.shape[0] * X.shape[1] * sizeof(real) // HELPER_BYTES
        check(X.shape[0] == plan.num_rows, "X has another number of rows than codes")
        check(
            tiles_out.shape[0] == self.num_tiles and tiles_out.shape[1] == X.shape[1]
            and tiles_out.shape[2] == plan.tile, "the tiles have a wrong shape",
        )
        check(tiles_out.shape[2] % (LINE_BYTES // sizeof(real)) == 0, "tiles are not whole lines")
        if X.shape[0] == 0 or X.shape[1] == 0:
            return
        check(<size_t>&tiles_out[0, 0, 0] % LINE_BYTES == 0, "the tiles are not aligned")
        copy.X, copy.tiles = <const char *>&X[0, 0], &tiles_out[0, 0, 0]
        copy.row_stride, copy.feature_stride = X.strides[0], X.strides[1]
        copy.double_precision = sizeof(real) == sizeof(double)
        copy.num_features = X.shape[1]
        copy.lanes = LINE_BYTES // sizeof(real)
        copy.bypass = tiles_out.nbytes >= BYPASS_BYTES
        copy.slice = max(CHUNK_FEATURES, CHUNK_VALUES // plan.part_rows)
        copy.num_slices = (copy.num_features + copy.slice - 1) // copy.slice
        self.allocate_scratch()
        self.share(copy_chunk, plan.num_parts * copy.num_slices, num_helpers)

    cdef void allocate_scratch(self) except *:
        """Allocate memory in which each thread sorts and groups the rows of a part."""
        cdef:
            Plan *plan = &self.task.plan
            Copy *copy = &self.task.copy
            Py_ssize_t rows = min(plan.part_rows, plan.num_rows), k = plan.num_classes
            Py_ssize_t groups = rows // 8 + 2 * min(k, rows)  # two of each class are incomplete
            # Some rows are fetched in advance: at the end, those in the line after the last.
            int32_t[:, ::1] order = np.zeros((self.num_threads, rows + MOST_LANES), np.int32)
            int32_t[:, ::1] places = np.empty((self.num_threads, STRIPS * k), np.int32)
            uint8_t[:, ::1] memory = np.empty((self.num_threads, groups * sizeof(Group)), np.uint8)
        copy.num_rows, copy.num_groups = order.shape[1], groups
        copy.order, copy.places = &order[0, 0], &places[0, 0]
        copy.groups = <Group *>&memory[0, 0]
        self.scratch = order, places, memory

    cdef int share(self, Work work, Py_ssize_t num_jobs, Py_ssize_t num_helpers) except -1:
        """Do jobs, with helpers if they are worth starting."""
        num_helpers = min(num_helpers, self.num_threads - 1)
        return do_jobs(
            &self.jobs, work, &self.task, num_jobs, num_helpers, self.turn, self.patience
        )


cdef check(bint condition, message):
    """Raise a ValueError unless the condition holds."""
    if not condition:
        raise ValueError(message)


# --- Weights ---

cdef double sum_lanes(const real *weights, Py_ssize_t count) noexcept nogil:
    """Add up eight sums: of lanes 0, 8, 16, ..., of lanes 1, 9, 17, ..., and so on."""
    cdef:
        Py_ssize_t i, lane
        double sums[LANE_SUMS]
        double total = 0.0
    memset(sums, 0, sizeof(sums))
    for i in range(count // LANE_SUMS):
        for lane in range(LANE_SUMS):
            sums[lane] += weights[LANE_SUMS * i + lane]
    for lane in range(LANE_SUMS):
        total += sums[lane]
    return total


def weigh_runs(const real[:, ::1] weights, const int64_t[:, ::1] runs, double[::1] weights_out):
    """Add up the sample weights of each run, in an order that depends on the run alone.

    Parameters
    ----------
    weights : (num_tiles, tile), 0 in spare lanes
    runs : (num_runs, 4)
    weights_out : (num_runs,)
    """
    cdef Py_ssize_t i, tile = weights.shape[1]
    check(runs.shape[1] == 4, "runs have a wrong shape")
    check(weights_out.shape[0] == runs.shape[0], "weights_out has a wrong shape")
    check(tile % LANE_SUMS == 0, "a tile is not a multiple of 8 lanes")
    for i in range(runs.shape[0]):
        check(0 <= runs[i, 1] < runs[i, 2] <= weights.shape[0], "a run is not in the tiles")
        weights_out[i] = sum_lanes(&weights[runs[i, 1], 0], tile * (runs[i, 2] - runs[i, 1]))


# --- Blocks ---

def cut_into_blocks(
    const int64_t[::1] in_band, const int64_t[::1] band_tiles, const int64_t[:, ::1] runs,
    int64_t[:, ::1] blocks_out,
):
    """Divide the tiles of each band evenly among its blocks.

    Parameters
    ----------
    in_band : (num_bands,)
        The number of blocks in each band.
    band_tiles : (num_bands + 1,)
        The first tile of each band, then the number of all tiles.
    runs : (num_runs, 4)
    blocks_out : (num_blocks, 3)
        The first tile and the end tile of each block, and the run that holds its first tile.
    """
    cdef Py_ssize_t band, i, tiles, block = 0, run = 0
    check(band_tiles.shape[0] == in_band.shape[0] + 1, "band_tiles has a wrong shape")
    check(runs.shape[1] == 4 and blocks_out.shape[1] == 3, "runs or blocks have a wrong shape")
    for band in range(in_band.shape[0]):
        tiles = band_tiles[band + 1] - band_tiles[band]
        for i in range(in_band[band]):
            check(block < blocks_out.shape[0], "there are too few blocks")
            blocks_out[block, 0] = band_tiles[band] + tiles * i // in_band[band]
            blocks_out[block, 1] = band_tiles[band] + tiles * (i + 1) // in_band[band]
            while run < runs.shape[0] and runs[run, 2] <= blocks_out[block, 0]:
                run += 1
            blocks_out[block, 2] = run
            block += 1
