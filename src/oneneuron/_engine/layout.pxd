"""How samples lie in memory: `pack.pyx` lays them out, and `samples.py` cuts them into blocks."""

from libc.stdint cimport int64_t

# A row of a tile holds one feature of its samples, in ROUNDS cache lines. In the narrow tiles of
# very wide data, it is a single line.
cdef enum:
    LINE_BYTES = 64
    ROUNDS = 4

# The tiles of one class in one band: a row of `Samples.runs`.
cdef struct Run:
    int64_t class_code
    int64_t first, end          # the first tile, and the one after the last
    int64_t filled              # the number of samples in the last tile

# The tiles whose sums are added up together: a row of `Samples.blocks`.
cdef struct Block:
    int64_t first, end          # the first tile, and the one after the last
    int64_t first_run           # the number of the run that holds the first tile
