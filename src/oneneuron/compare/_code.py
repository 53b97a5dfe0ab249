"""The code of each rung, as text to read.

It is read from the files of the package. So the two Cython files named here are installed as well.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

# The beginning of a rung's name; its file in the package; what makes a step in this file.
_PLACES = {
    "pure Python": ("compare/_contenders/pure_python.py", ["prepare"]),
    "the lecture's style": ("compare/_contenders/lecture_sum.py", ["prepare"]),
    "the lecture, np.sum": ("compare/_contenders/lecture_npsum.py", ["prepare"]),
    "NumPy at its best": ("compare/_contenders/numpy_best.py", ["make", "Worker"]),
    "PyTorch eager": ("compare/_contenders/torch_eager.py", ["make"]),
    "naive Cython": ("compare/_naive_loop.pyx", ["make_steps"]),
    "JAX": ("compare/_contenders/jax_loop.py", ["make_steps"]),
    "Numba": ("compare/_contenders/numba_loop.py", ["feature_by_feature"]),
    "oneneuron": (
        "_engine/kernel.pyx", ["exponential", "sigmoid", "chain", "forward", "score", "backward"],
    ),
}  # fmt: skip

ABOUT_LANES = (
    "`lanes` is a vector of numbers: 8 doubles with AVX-512, 4 with AVX2, 2 without.",
    "Each operation works on all of them at once.",
)


def code_file(rung: str) -> Traversable:
    """Return the file with the code of the rung of this name."""
    file: Traversable = files("oneneuron").joinpath(_place(rung)[0])
    return file


def docstring(rung: str) -> str:
    """Return the docstring of the file with a rung's code, without its quotes."""
    text = code_file(rung).read_text(encoding="utf-8")
    # Cython is not Python, but its docstring is. It ends with the next three quotes.
    return str(ast.literal_eval(text[: text.index('"""', 3) + 3]))


def code_of_a_step(rung: str) -> str:
    """Return the functions that make a step of a rung, or compute it, as they stand in its file."""
    text = code_file(rung).read_text(encoding="utf-8")
    return "\n\n\n".join(_definition(text, name) for name in _place(rung)[1])


def _place(rung: str) -> tuple[str, list[str]]:
    return next(place for start, place in _PLACES.items() if rung.startswith(start))


def _definition(text: str, name: str) -> str:
    """Return the definition of a function, a class or a variable of a module, with decorators."""
    pattern = rf"^(?:@.*\n)*(?:(?:cdef|def|class) (?:.* )?)?{name}\b.*$"
    first_line = next(re.finditer(pattern, text, re.MULTILINE))
    others = text[first_line.end() :].splitlines()[1:]
    return "\n".join([first_line[0], *_rest_of_definition(others)]).rstrip()


def _rest_of_definition(lines: list[str]) -> Iterator[str]:
    """Yield the lines up to the next one that begins a statement of the module."""
    for line in lines:
        if line and not line.startswith((" ", ")")):
            return
        yield line
