"""The package on float32 data."""

from functools import partial

import numpy as np

from . import oneneuron_float64

NAME = "oneneuron, float32"

# Rounding X to float32 changes each value by up to 6e-8 of it, and every step does its arithmetic
# to 6e-8: ends differ by about as much, and by more where rounding errors of many steps add up.
TOLERANCE = 1e-5

prepare = partial(oneneuron_float64.prepare, dtype=np.float32)
