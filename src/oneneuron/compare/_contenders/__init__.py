"""The same descent as others compute it, a module for each way; for `compare` and the benchmarks.

A module has a NAME and `prepare(problem, threads)`. That does all that comes before the first
step (laying out, compiling) and returns `advance(num_steps)`, which goes on with the descent for
so many steps and returns the parameters, weights first and the bias last.

A module may have a TOLERANCE other than 1e-9, with the reason. One that NEEDS a library has
`make(problem)` too: one form alone, not the fastest of several, to time what compiling takes.
"""

from importlib import import_module
from types import ModuleType

# The order of the tables, from what is written first to what runs fastest.
ORDER = (
    "pure_python",
    "lecture",
    "lecture_npsum",
    "numpy_best",
    "torch_eager",
    "naive_cython",
    "jax_loop",
    "numba_loop",
    "oneneuron_float64",
    "oneneuron_float32",
)

# What the package doesn't bring.
NEEDS = {"torch_eager": "torch", "jax_loop": "jax", "numba_loop": "numba"}


def load(name: str) -> ModuleType:
    """The module; on first use, as its library may take seconds to import."""
    return import_module(f"{__name__}.{name}")
