"""The contenders: one module for each implementation of the same gradient descent.

`oneneuron.compare` and the benchmarks share them. To add one, write a module with

- ``NAME``, its name in tables;
- ``prepare(problem, threads)``, which does all the work that comes before the first step, such as
  laying out data and compiling. It returns ``advance(num_steps)``, which makes that many more steps
  and returns the parameters, the bias last;
- ``TOLERANCE``, only if its relative error may be more than 1e-9, with a comment that says why;
- ``make(problem)``, only if it needs a library: the same as `prepare` for a single variant, to time
  the compilation;

and add its name to `ORDER`, its library to `REQUIRED_LIBRARIES`, and the function that makes its
steps to `_code.py`.
"""

from importlib import import_module
from types import ModuleType

# The order in tables: from the code that one would write first to the code that runs fastest.
ORDER = (
    "pure_python",
    "lecture_sum",
    "lecture_npsum",
    "numpy_best",
    "torch_eager",
    "naive_cython",
    "jax_loop",
    "numba_loop",
    "oneneuron_float64",
    "oneneuron_float32",
)

# Libraries that this package does not depend on, by the contender that needs them.
REQUIRED_LIBRARIES = {"torch_eager": "torch", "jax_loop": "jax", "numba_loop": "numba"}


def load(name: str) -> ModuleType:
    """Import a contender. Do so only when it is needed: importing its library may take seconds."""
    return import_module(f"{__name__}.{name}")
