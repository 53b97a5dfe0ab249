"""The code of the rungs, as text."""

import ast
import re
from pathlib import Path

import pytest

from oneneuron import compare
from oneneuron.compare import _code, _contenders

PLACES = list(_code._PLACES)


def names_of_contenders():
    """Return the first `NAME` of each contender, read without importing its library."""
    files = [Path(_contenders.__file__).with_name(f"{name}.py") for name in _contenders.ORDER]
    return [re.search(r'^NAME = "(.*?)"', f.read_text(), re.MULTILINE)[1] for f in files]


def test_every_contender_has_code():
    assert len(names_of_contenders()) == 10
    assert all(_code.code_of_a_step(name) for name in names_of_contenders())


def test_no_name_begins_with_another_one():
    assert not [(a, b) for a in PLACES for b in PLACES if a != b and a.startswith(b)]


@pytest.mark.parametrize("place", PLACES)
def test_the_code_stands_in_its_file(place):
    text = _code.code_file(place).read_text(encoding="utf-8")
    parts = re.split(r"\n\n\n(?=\S)", _code.code_of_a_step(place))
    assert len(parts) == len(_code._PLACES[place][1])
    assert all(f"\n{part}\n" in text for part in parts)


@pytest.mark.parametrize("place", [p for p in PLACES if _code._PLACES[p][0].endswith(".py")])
def test_the_code_of_a_python_file_is_complete(place):
    tree = ast.parse(_code.code_file(place).read_text(encoding="utf-8"))
    found = {getattr(node, "name", None): node for node in tree.body}
    for name, node in zip(
        _code._PLACES[place][1], ast.parse(_code.code_of_a_step(place)).body, strict=True
    ):
        if name in found:
            assert ast.dump(node) == ast.dump(found[name])


def test_the_functions_of_the_kernel_end_where_the_next_one_begins():
    code = _code.code_of_a_step("oneneuron, AVX2")
    names = re.findall(r"^cdef inline void (\w+)\(", code, re.MULTILINE)
    assert names == ["exponential", "sigmoid", "chain", "forward", "score", "backward"]
    assert re.findall(r"^\S.*", code, re.MULTILINE)[-1] == ") noexcept nogil:"


def test_all_rungs_of_the_kernel_have_the_same_code():
    rungs = ["oneneuron, baseline", "oneneuron, all cores", "oneneuron, float32"]
    assert len({_code.code_of_a_step(rung) for rung in rungs}) == 1


def test_every_rung_of_the_ladder_has_code():
    for row in compare.ladder(compare.lecture_problem(10), num_steps=2):
        assert _code.code_of_a_step(row.name)
