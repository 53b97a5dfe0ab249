"""The contenders, a module for each.

A module has a NAME and `prepare(problem, threads)`. That does all that comes before the first
step (laying out, compiling) and returns `advance(num_steps)`, which goes on with the descent for
so many steps and returns the parameters, weights first and the bias last. Null contenders make no
descent, only a part of its work, and return None.

A module may have a TOLERANCE other than 1e-9, with the reason.
"""

from importlib import import_module

# The order of the tables, from what is written first to what runs fastest.
ORDER = (
    "pure_python",
    "lecture",
    "lecture_npsum",
    "numpy_best",
    "torch_eager",
    "jax_loop",
    "numba_loop",
    "oneneuron_float64",
    "oneneuron_float32",
    "null_exp",
    "null_read",
)


def load(names):
    """The modules that can be imported, and for each of the others a line that says why not."""
    modules, reasons = [], []
    for name in names:
        try:
            modules.append(import_module(f"{__name__}.{name}"))
        except ImportError as error:
            reasons.append(f"{name} skipped: {error}")
    return modules, reasons
