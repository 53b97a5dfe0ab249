"""Docstrings are whole sentences. `tests/docs/test_docstrings.py` checks those of public names."""

import ast
import re
from pathlib import Path

import pytest

# Words with which a docstring continues the name above it instead of saying what the thing is.
CONTINUATIONS = re.compile(r"(Of|Those|That|What|As|Up|Also|At|From|So|Who\w*)\b")

SOURCES = sorted((Path(__file__).parents[1] / "src" / "oneneuron").rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_docstring_continues_the_name_of_what_it_describes(path):
    kinds = ast.Module, ast.ClassDef, ast.FunctionDef
    nodes = [
        node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, kinds)
    ]
    docstrings = [text for node in nodes if (text := ast.get_docstring(node)) is not None]
    assert [text for text in docstrings if CONTINUATIONS.match(text)] == []
