"""`oneneuron code`: the code that `oneneuron compare` times."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, _SubParsersAction

from ._printing import say

# The rung of the comparison whose code each name stands for.
_RUNGS = {
    "python": "pure Python",
    "lecture": "the lecture's style",
    "numpy": "NumPy at its best",
    "cython": "naive Cython",
    "kernel": "oneneuron",
}

_ABOUT_LECTURE = (
    "`oneneuron compare` times this loop, which is the slide's for any number of features.",
    "`build_model` in oneneuron.lecture.first_network does the same with compiled code.",
)


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "code",
        help="show the code of the training: lecture, numpy, cython or kernel",
        description="Show the code that makes a step of gradient descent, as `oneneuron compare` "
        "times it, and say where the whole file is.",
    )
    parser.add_argument(
        "name", choices=_RUNGS, metavar="|".join(_RUNGS),
        help="python: nothing but Python; lecture: NumPy and Python's sum, as in the lecture; "
        "numpy: NumPy at its best; cython: a plain loop in Cython; kernel: the code that this "
        "package trains with",
    )  # fmt: skip
    parser.set_defaults(command=run)


def run(arguments: Namespace) -> None:
    """Print the docstring of the file, the code, and the path of the file."""
    from ..compare import _code

    rung = _RUNGS[arguments.name]
    code = f"{_code.docstring(rung).strip()}\n\n\n{_code.code_of_a_step(rung)}"
    say(*code.splitlines(), "", "")
    if arguments.name == "kernel":
        say(*_code.ABOUT_LANES)
    elif arguments.name == "lecture":
        say(*_ABOUT_LECTURE)
    say(f"The whole file: {_code.code_file(rung)}")
