"""Docstrings: numpydoc, complete for everything public, in whole sentences."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

MODULES = [
    "oneneuron", "oneneuron.reference", "oneneuron.onnx", "oneneuron.plots", "oneneuron.compare",
    "oneneuron.lecture.example1", "oneneuron.lecture.first_network",
    "oneneuron.lecture.lessons", "oneneuron.lecture.plotting_routines",
]  # fmt: skip

# Words with which a docstring continues the name above it instead of saying what the thing is.
CONTINUATIONS = re.compile(r"(Of|Those|That|What|As|Up|Also|At|From|So|Who\w*)\b")

HEADING = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.MULTILINE)


def public_objects(module):
    """Yield (name, object) for the public functions, classes and methods of a module."""
    names = getattr(module, "__all__", None) or [
        name for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]  # fmt: skip
    for name in names:
        value = getattr(module, name)
        if inspect.isfunction(value):
            yield name, value
        elif inspect.isclass(value):
            yield name, value
            for method, function in vars(value).items():
                if not method.startswith("_") and inspect.isfunction(function):
                    yield f"{name}.{method}", function


PUBLIC = {
    f"{module}.{name}": value
    for module in MODULES
    for name, value in public_objects(importlib.import_module(module))
}

SOURCES = sorted((Path(__file__).parents[1] / "src" / "oneneuron").rglob("*.py"))


def sections(docstring):
    """Return the text of each section of a numpydoc docstring, by its heading."""
    parts = HEADING.split(inspect.cleandoc(docstring))
    return {"": parts[0]} | dict(zip(parts[1::2], parts[2::2], strict=True))


def documented(section):
    """Return the names that a section defines, one or several to a line."""
    lines = [line for line in section.splitlines() if line and not line.startswith(" ")]
    return [name.strip("* ") for line in lines for name in line.partition(" : ")[0].split(",")]


def parameters(value):
    signature = inspect.signature(value)
    return [name for name in signature.parameters if name != "self"]


def test_the_reader_of_sections_finds_names_and_headings():
    found = sections(
        "Do it.\n\n    Parameters\n    ----------\n    a, b : int\n        Two.\n    c\n"
    )
    assert list(found) == ["", "Parameters"]
    assert documented(found["Parameters"]) == ["a", "b", "c"]


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_docstring_documents_every_parameter_in_order(name):
    found = sections(PUBLIC[name].__doc__)
    if expected := parameters(PUBLIC[name]):
        # A named tuple documents its fields as attributes.
        section = found["Parameters"] if "Parameters" in found else found["Attributes"]
        assert documented(section)[: len(expected)] == expected


@pytest.mark.parametrize(
    "name", [name for name, value in PUBLIC.items() if inspect.isfunction(value)]
)
def test_a_public_function_documents_what_it_returns(name):
    if inspect.signature(PUBLIC[name]).return_annotation not in (None, "None"):
        assert "Returns" in sections(PUBLIC[name].__doc__)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_docstring_continues_the_name_of_what_it_describes(path):
    kinds = ast.Module, ast.ClassDef, ast.FunctionDef
    nodes = [
        node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, kinds)
    ]
    docstrings = [text for node in nodes if (text := ast.get_docstring(node)) is not None]
    assert [text for text in docstrings if CONTINUATIONS.match(text)] == []
