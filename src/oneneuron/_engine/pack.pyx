"""The copy of the samples into the kernel's tiles, each class into its own."""

from libc.string cimport memcpy

cdef enum:
    GROUP = 8  # samples copied at once, whose row pointers fit in registers; divides a tile

ctypedef fused real:
    float
    double

cdef struct Class:
    Py_ssize_t placed           # samples that are in the tiles
    Py_ssize_t first_tile
    Py_ssize_t waiting          # samples found, but not yet copied
    Py_ssize_t room             # samples that may wait, so that no group crosses a tile's edge
    const char *rows[GROUP]


cdef inline void place(
    Class *label, Py_ssize_t count, Py_ssize_t stride, real sign, real[:, :, ::1] tiles
) noexcept nogil:
    """Copy the waiting samples of a class into their tile, faster with a constant `count`."""
    cdef:
        Py_ssize_t j, k, tile = label.first_tile + label.placed // tiles.shape[2]
        real *out = &tiles[tile, 0, label.placed % tiles.shape[2]]
        real value
    for j in range(tiles.shape[1]):
        for k in range(count):
            memcpy(&value, label.rows[k] + j * stride, sizeof(real))  # may be unaligned
            out[k] = sign * value
        out += tiles.shape[2]
    label.placed += count
    label.waiting = 0
    label.room = GROUP - label.placed % GROUP


def pack(
    const real[:, :] X,
    const unsigned char[::1] y,
    real negative,
    Py_ssize_t num_positive,
    real[:, :, ::1] tiles,
    Py_ssize_t[::1] placed,
):
    """Copy samples into tiles, of which the first `num_positive` are for class 1.

    Parameters
    ----------
    X : (n, d)
    y : (n,), 0 or 1
    negative
        The factor for samples of class 0.
    num_positive
        The number of tiles of class 1.
    tiles : (num_tiles, d, tile), out
    placed : (2,), in and out
        The number of samples of class 0 and of class 1 copied so far.
    """
    cdef:
        Py_ssize_t i, stride = X.strides[1]
        Class classes[2]
        Class *label
    with nogil:
        for i in range(2):
            classes[i].placed = placed[i]
            classes[i].first_tile = 0 if i == 1 else num_positive
            classes[i].waiting = 0
            classes[i].room = GROUP - placed[i] % GROUP
        for i in range(X.shape[0]):
            label = &classes[y[i]]
            label.rows[label.waiting] = <const char *>&X[i, 0]
            label.waiting += 1
            if label.waiting == label.room:
                if label.room == GROUP:
                    place(label, GROUP, stride, <real>1.0 if y[i] else negative, tiles)
                else:
                    place(label, label.room, stride, <real>1.0 if y[i] else negative, tiles)
        for i in range(2):
            label = &classes[i]
            if label.waiting > 0:
                place(label, label.waiting, stride, <real>1.0 if i else negative, tiles)
            placed[i] = label.placed
