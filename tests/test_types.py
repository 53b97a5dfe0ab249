"""Types: every signature has them, and a type checker finds them in the installed package."""

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

# The compiled module that each stub describes.
STUBS = {
    "_engine/cpu": "oneneuron._engine.cpu",
    "_engine/joined": "oneneuron._engine.joined",
    "_engine/kernel": f"oneneuron._engine.kernel_{dispatch.level}_float64",
    "_engine/moments": f"oneneuron._engine.moments_{dispatch.level}",
    "_engine/pack": "oneneuron._engine.pack",
    "_engine/predict": "oneneuron._engine.predict",
    "_engine/sharing": "oneneuron._engine.sharing",
    "_engine/solvers": "oneneuron._engine.solvers",
    "_engine/sparse": "oneneuron._engine.sparse",
    "compare/_naive_loop": "oneneuron.compare._naive_loop",
}

# Protocols in stubs that describe a compiled module itself, and what its callers must pass.
MODULE_PROTOCOLS = {"Moments"}
CALLERS_PROTOCOLS = {"ProblemOwner"}

PACKAGES = {
    "_engine", "_fit", "_tables", "cli", "compare", "compare._contenders", "dask", "lecture",
    "plots",
}  # fmt: skip


def is_compiled(name):
    compiled = ("kernel_", "moments_", "_cyutility")
    return name in STUBS.values() or name.rpartition(".")[2].startswith(compiled)


# All modules of Python, the private ones too. Compiled modules have stubs instead, and to import
# `__main__` is to run it.
MODULES = ["oneneuron"] + [
    module.name
    for module in pkgutil.walk_packages(oneneuron.__path__, "oneneuron.")
    if not is_compiled(module.name) and module.name != "oneneuron.__main__"
]
PUBLIC = [name for name in MODULES if "._" not in name]

# Libraries that a module needs and that may not be installed.
LIBRARIES = {
    **_contenders.REQUIRED_LIBRARIES, "_onnx_graph": "skl2onnx", "mpi": "mpi4py",
    **dict.fromkeys(["dask", "_arrays", "_predictions", "_source", "_workers"], "distributed"),
}  # fmt: skip

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
    """Return a module; skip the test if a library that it needs is not installed."""
    library = LIBRARIES.get(name.rpartition(".")[2])
    if library is not None:
        pytest.importorskip(library)
    return importlib.import_module(name)


def is_defined_in(module, value):
    """Return whether a function or class is from a module, whatever its `__module__` claims."""
    if inspect.isclass(value) and value.__module__ != module:
        return any(getattr(part, "__module__", None) == module for part in vars(value).values())
    return getattr(value, "__module__", None) == module


def functions(of, module=None):
    """Yield (name, function) for all names without an underscore in a module, methods included."""
    module = module or of.__name__
    for name, value in vars(of).items():
        if name.startswith("_") and name not in ("__init__", "__call__"):
            continue
        if isinstance(value, property):
            value = value.fget
        elif isinstance(value, cached_property):
            value = value.func
        elif isinstance(value, staticmethod | classmethod):
            value = value.__func__
        if not is_defined_in(module, value):
            continue
        if inspect.isclass(value):
            yield from ((f"{name}.{part}", function) for part, function in functions(value, module))
        elif callable(value):
            yield name, value


def untyped(function):
    """Return the parameters of a function without a type, and "return" if its result has none."""
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())
    if parameters and parameters[0].name in ("self", "cls"):
        del parameters[0]
    missing = [p.name for p in parameters if p.annotation is p.empty]
    return missing + ["return"] * (signature.return_annotation is signature.empty)


@pytest.mark.parametrize("name", MODULES)
def test_every_function_and_method_has_types_for_its_parameters_and_its_result(name):
    found = {of: untyped(function) for of, function in functions(imported(name))}
    assert {of: missing for of, missing in found.items() if missing} == {}


@pytest.mark.parametrize("name", MODULES)
def test_help_shows_type_aliases_by_their_names(name):
    for _, function in functions(imported(name)):
        assert "_typing." not in str(inspect.signature(function))


def test_modules_are_found_in_every_package():
    names = [name.removeprefix("oneneuron.") for name in MODULES]
    assert {name.rpartition(".")[0] for name in names} == PACKAGES | {""}
    sources = Path(oneneuron.__file__).parent.rglob("*.py")
    assert len(names) == len([path for path in sources if path.name != "__main__.py"])
    assert {"oneneuron", "oneneuron.plots", "oneneuron.lecture.example1"} <= set(PUBLIC)


def test_functions_of_every_kind_are_found():
    for module, name in [
        ("_train", "train"),
        ("_classifier", "NeuronClassifier.fit"),  # decorated, in a class with a public __module__
        ("_training", "Training.__init__"),
        ("_training", "Training.step"),  # a property
        ("_engine.second_moments", "SecondMoments.scales"),
        ("_engine.samples", "Samples.class_sizes"),  # in a class with slots
        ("_fit.options", "Options.checked"),  # a class method
        ("_fit.recording", "Recorder.__call__"),
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
def test_parameters_without_a_type_are_found(function, missing):
    assert untyped(function) == missing


@pytest.mark.parametrize("name", ["py.typed", *(f"{stub}.pyi" for stub in STUBS)])
def test_py_typed_and_the_stubs_are_installed(name):
    assert files("oneneuron").joinpath(*name.split("/")).is_file()


def defined_in(node):
    """Return the names that the body of a class in a stub defines."""
    names = []
    for part in node.body:
        if isinstance(part, ast.Assign):
            names += [target.id for target in part.targets]
        else:
            names.append(part.target.id if isinstance(part, ast.AnnAssign) else part.name)
    return names


@pytest.mark.parametrize(("stub", "name"), STUBS.items())
def test_a_compiled_module_has_all_names_of_its_stub(stub, name):
    module = importlib.import_module(name)
    source = files("oneneuron").joinpath(*f"{stub}.pyi".split("/"))
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            assert hasattr(module, node.name)
        elif isinstance(node, ast.ClassDef) and node.name not in CALLERS_PROTOCOLS:
            owner = module if node.name in MODULE_PROTOCOLS else getattr(module, node.name)
            assert [name for name in defined_in(node) if not hasattr(owner, name)] == []


@pytest.mark.slow
def test_mypy_checks_a_script_that_uses_the_package(tmp_path):
    pytest.importorskip("mypy")
    tmp_path.joinpath("script.py").write_text(SCRIPT, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "MYPYPATH"}
    parent = Path(oneneuron.__file__).parents[1]
    if parent not in map(Path, sys.path):  # an editable install, whose loader mypy cannot follow
        environment["MYPYPATH"] = str(parent)
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--follow-imports=silent",
         "--cache-dir", os.devnull, "script.py"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    messages = dict(
        re.findall(r"^script\.py:(\d+): (?:note|error): (.*)$", ran.stdout, re.MULTILINE)
    )
    assert list(messages) == [str(line) for line in range(6, 14)], ran.stdout + ran.stderr
    descent, weights, fitted, coef, reason, wrong_eta, wrong_solver, wrong_name = messages.values()
    assert "oneneuron._results.Descent" in descent
    assert "ndarray" in weights and "floating" in weights
    assert "oneneuron._classifier.NeuronClassifier" in fitted
    assert "ndarray" in coef and "floating" in coef
    assert "'converged'" in reason and "'partial_fit'" in reason
    assert "[arg-type]" in wrong_eta
    assert "[arg-type]" in wrong_solver
    assert "[attr-defined]" in wrong_name
