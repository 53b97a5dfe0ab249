"""Types: every public signature has them, and a checker finds them from outside."""

import ast
import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import pytest

import oneneuron
from oneneuron._engine import dispatch
from oneneuron.compare import _contenders

SUBPACKAGES = {"cli", "contenders", "lecture", "plots"}
PUBLIC = ["oneneuron"] + [
    module.name
    for module in pkgutil.walk_packages(oneneuron.__path__, "oneneuron.")
    if "._" not in module.name
]

STUBS = {
    "_cpu": "oneneuron._cpu",
    "_kernel": f"oneneuron._engine.kernel_{dispatch.level}_float64",
    "_naive": "oneneuron.compare._naive_loop",
    "_pack": "oneneuron._pack",
}

SCRIPT = """\
import numpy as np
import oneneuron
from oneneuron import NeuronClassifier

X, y = np.zeros((4, 2)), [0, 1, 0, 1]
reveal_type(oneneuron.train(X, y, eta="auto"))
reveal_type(oneneuron.train(X, y, eta=0.1).best.weights)
reveal_type(NeuronClassifier(loss="log", class_weight={0: 1, 1: 5}).fit(X, y))
reveal_type(NeuronClassifier().partial_fit(X, y, classes=[0, 1]).coef_)
reveal_type(NeuronClassifier().fit(X, y).stop_reason_)
oneneuron.train(X, y, eta="large")
NeuronClassifier(solver="newton")
oneneuron.trian
"""


def imported(name):
    """A module; one that needs a library which isn't there skips the test."""
    library = _contenders.NEEDS.get(name.rpartition(".")[2])
    if library is not None:
        pytest.importorskip(library)
    return importlib.import_module(name)


def functions(of):
    """(name, function) of what is public and defined in a module or class, its methods too."""
    for name, value in vars(of).items():
        if name.startswith("_") and name not in ("__init__", "__call__"):
            continue
        if isinstance(value, property):
            value = value.fget
        elif isinstance(value, cached_property):
            value = value.func
        elif isinstance(value, staticmethod | classmethod):
            value = value.__func__
        if getattr(value, "__module__", None) != getattr(of, "__module__", of.__name__):
            continue
        if inspect.isclass(value):
            yield from ((f"{name}.{method}", function) for method, function in functions(value))
        elif callable(value):
            yield name, value


def untyped(function):
    """The parameters of a function without a type, and "return" if what it returns has none."""
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())
    if parameters and parameters[0].name in ("self", "cls"):
        del parameters[0]
    missing = [p.name for p in parameters if p.annotation is p.empty]
    return missing + ["return"] * (signature.return_annotation is signature.empty)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_function_and_method_has_types_for_all_it_takes_and_returns(name):
    found = {of: untyped(function) for of, function in functions(imported(name))}
    assert {of: missing for of, missing in found.items() if missing} == {}


@pytest.mark.parametrize("name", PUBLIC)
def test_help_shows_types_by_their_names_not_unfolded(name):
    for _, function in functions(imported(name)):
        assert "_typing." not in str(inspect.signature(function))


def test_those_functions_are_found_in_every_subpackage_and_kind():
    assert {name.split(".")[1] for name in PUBLIC if name.count(".") == 2} == SUBPACKAGES
    for module, name in [
        ("descent", "train"),
        ("classifier", "NeuronClassifier.fit"),  # decorated
        ("training", "Training.__init__"),
        ("training", "Training.cost"),  # a property
        ("curvature", "SecondMoments.scales"),  # a cached one
        ("recording", "Recording.__call__"),
        ("lecture.first_network", "predict"),
    ]:
        assert name in dict(functions(importlib.import_module(f"oneneuron.{module}")))


@pytest.mark.parametrize(
    ("function", "missing"),
    [
        (lambda x, *rest: x, ["x", "rest", "return"]),
        (oneneuron.train, []),
    ],
)  # fmt: skip
def test_what_has_no_type_is_told_by_name(function, missing):
    assert untyped(function) == missing


@pytest.mark.parametrize("name", ["py.typed", *(f"{stub}.pyi" for stub in STUBS)])
def test_the_marker_of_a_typed_package_and_the_stubs_are_installed(name):
    assert files("oneneuron").joinpath(name).is_file()


@pytest.mark.parametrize(("stub", "name"), STUBS.items())
def test_a_compiled_module_has_what_its_stub_says(stub, name):
    module = importlib.import_module(name)
    for node in ast.parse(files("oneneuron").joinpath(f"{stub}.pyi").read_text()).body:
        if isinstance(node, ast.FunctionDef):
            assert hasattr(module, node.name)
        elif isinstance(node, ast.ClassDef):
            # The protocol is of the module itself.
            of = module if node.name == "Kernel" else getattr(module, node.name)
            names = [getattr(n, "name", None) or n.target.id for n in node.body]
            assert [n for n in names if not hasattr(of, n)] == []


def test_a_checker_understands_a_script_that_uses_the_package(tmp_path):
    pytest.importorskip("mypy")
    tmp_path.joinpath("script.py").write_text(SCRIPT, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "MYPYPATH"}
    parent = Path(oneneuron.__file__).parents[1]
    if parent not in map(Path, sys.path):  # an editable install, which checkers can't see through
        environment["MYPYPATH"] = str(parent)
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--follow-imports=silent",
         "--cache-dir", os.devnull, "script.py"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = dict(re.findall(r"^script\.py:(\d+): (?:note|error): (.*)$", ran.stdout, re.MULTILINE))
    assert list(told) == [str(line) for line in range(6, 14)], ran.stdout + ran.stderr
    descent, weights, fitted, coef, reason, wrong_eta, wrong_solver, wrong_name = told.values()
    assert "oneneuron._results.Descent" in descent
    assert "ndarray" in weights and "floating" in weights
    assert "oneneuron._classifier.NeuronClassifier" in fitted
    assert "ndarray" in coef and "floating" in coef
    assert "'converged'" in reason and "'partial_fit'" in reason
    assert "[arg-type]" in wrong_eta
    assert "[arg-type]" in wrong_solver
    assert "[attr-defined]" in wrong_name
