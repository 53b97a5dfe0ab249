"""Copies samples into the kernel's tiles, class by class."""

cdef enum:
    MOST = 64  # samples of a tile, at most

ctypedef fused real:
    float
    double


cdef inline void place(
    const real[:, :] X, const Py_ssize_t *samples, Py_ssize_t count, real sign,
    real[:, ::1] tile, Py_ssize_t lane
) noexcept nogil:
    """Copy samples of one class into a tile, from a lane on."""
    cdef:
        Py_ssize_t j, k
        const real *rows[MOST]
        Py_ssize_t stride = X.strides[1]
        real *out
    for k in range(count):
        rows[k] = &X[samples[k], 0]
    for j in range(X.shape[1]):
        out = &tile[j, lane]
        for k in range(count):
            out[k] = sign * (<const real *>(<const char *>rows[k] + j * stride))[0]


def pack(
    const real[:, :] X,
    const unsigned char[::1] y,
    real negative,
    Py_ssize_t num_positive,
    real[:, :, ::1] tiles,
    Py_ssize_t[::1] placed,
):
    """Copy samples into tiles, the first `num_positive` of which are for class 1.

    Parameters
    ----------
    X : (n, d)
    y : (n,), 0 or 1
    negative : what samples of class 0 are multiplied by
    num_positive : tiles of class 1
    tiles : (num_tiles, d, TILE), out
    placed : (2,), in and out
        Samples of class 0 and of class 1 placed so far.
    """
    cdef:
        Py_ssize_t i, label, n = X.shape[0], lanes = tiles.shape[2]
        Py_ssize_t found[2][MOST]
        Py_ssize_t counts[2]
        Py_ssize_t rooms[2]
        Py_ssize_t tile
    with nogil:
        for label in range(2):
            counts[label] = 0
            rooms[label] = lanes - placed[label] % lanes
        for i in range(n):
            # Both are written, one is kept: a branch on y would be mispredicted half the time.
            found[0][counts[0]] = i
            found[1][counts[1]] = i
            counts[y[i]] += 1
            for label in range(2):
                if counts[label] == rooms[label] or (i == n - 1 and counts[label] > 0):
                    tile = placed[label] // lanes + (0 if label else num_positive)
                    place(
                        X, found[label], counts[label], <real>1.0 if label else negative,
                        tiles[tile], placed[label] % lanes,
                    )
                    placed[label] += counts[label]
                    counts[label] = 0
                    rooms[label] = lanes
