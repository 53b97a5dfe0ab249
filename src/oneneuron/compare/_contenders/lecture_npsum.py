"""The lecture's style with `np.sum` instead of `sum`: the first thing to change."""

from functools import partial

import numpy as np

from . import lecture

NAME = "the lecture, np.sum"

prepare = partial(lecture.prepare, add=np.sum)
