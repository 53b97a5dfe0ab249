"""The lecture's style with `np.sum` instead of `sum`: the first thing to change."""

from functools import partial

import numpy as np

from . import lecture_sum

NAME = "the lecture, np.sum"

prepare = partial(lecture_sum.prepare, add=np.sum)
