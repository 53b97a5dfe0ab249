"""A comparison of speeds: the same gradient descent by several implementations.

- A contender is one implementation of the descent: in pure Python, in NumPy, in Numba, ...
- A rung is one line of the comparison: a contender in one configuration, such as one instruction
  set or number of cores.
- The ladder is the comparison as a whole, from the most obvious code to the fastest.
"""

from .._results import Timing
from ._ladder import DEFAULT_ETA, ladder, lecture_problem, missing_libraries
from ._problem import Problem

__all__ = ["DEFAULT_ETA", "Problem", "Timing", "ladder", "lecture_problem", "missing_libraries"]
