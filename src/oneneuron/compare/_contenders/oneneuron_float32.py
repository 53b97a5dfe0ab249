"""The package itself on float32 data."""

from functools import partial

import numpy as np

from . import oneneuron_float64

NAME = "oneneuron, float32"

# Rounding to float32 changes each value of X, and each result of a step, by up to 6e-8 of itself.
# Over many steps these errors can add up.
TOLERANCE = 1e-5

prepare = partial(oneneuron_float64.prepare, dtype=np.float32)
