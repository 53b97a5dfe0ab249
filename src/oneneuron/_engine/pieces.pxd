"""Memory that an object allocates piece by piece, and frees at once."""

from libc.stdlib cimport calloc, free

from .layout cimport LINE_BYTES


cdef inline void *allocate_piece(void **pieces, Py_ssize_t num_bytes) except NULL:
    """Return zeroed memory that shares no cache line.

    `pieces` is a linked list: the memory of each begins with a pointer to the one before.
    """
    cdef char *piece = <char *>calloc(1, num_bytes + 3 * LINE_BYTES)
    if piece == NULL:
        raise MemoryError()
    (<void **>piece)[0] = pieces[0]
    pieces[0] = piece
    return piece + 2 * LINE_BYTES - <size_t>piece % LINE_BYTES


cdef inline void free_pieces(void **pieces) noexcept:
    """Free all pieces."""
    cdef void *piece
    while pieces[0] != NULL:
        piece = pieces[0]
        pieces[0] = (<void **>piece)[0]
        free(piece)
