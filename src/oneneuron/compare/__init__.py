"""A comparison of speeds: the same descent, from pure Python to the kernel."""

from .._results import Timing
from ._ladder import LECTURE_ETA, ladder, lecture_problem, missing_libraries
from ._problem import Problem

__all__ = ["LECTURE_ETA", "Problem", "Timing", "ladder", "lecture_problem", "missing_libraries"]
