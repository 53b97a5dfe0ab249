"""The public names: their docstrings have no faults, and each is on a page of the API."""

import ast
import doctest
import importlib
import inspect
import re
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("numpydoc")

from numpydoc.docscrape import get_doc_object
from numpydoc.validate import ERROR_MSGS, Validator, validate

pytestmark = pytest.mark.site

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "src" / "oneneuron"

CHECKS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["numpydoc_validation"]

# Numbers and texts, which have no docstrings.
CONSTANTS = {"oneneuron.__version__", "oneneuron.compare.DEFAULT_ETA"}

# Its signature leaves out two parameters, so that sliders do not ask for them.
SHORT_SIGNATURES = {"oneneuron.plots.plot_sigmoid"}

# A student's text, which checks only the loss.
CHECK_NOTHING = {
    f"oneneuron.reference.{name}" for name in ("accuracy", "error", "sigma", "softmax")
}

# Libraries that a module needs and that may not be installed.
LIBRARIES = {"oneneuron.dask": "distributed", "oneneuron.mpi": "mpi4py"}


def is_private(name):
    return name.startswith("_") and name != "__version__"


def public_modules():
    """Return the path of each public module, by its dotted name."""
    found = {}
    for path in sorted(SOURCES.rglob("*.py")):
        parts = path.relative_to(SOURCES.parent).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if not any(map(is_private, parts)):
            found[".".join(parts)] = path
    return found


def public_names(tree):
    """Return the names in `__all__`, or else the functions and classes without an underscore."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return ast.literal_eval(node.value)
    defined = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return [name for name in defined if not is_private(name)]


# They are read from the sources, since some modules need libraries that may not be installed.
MODULES = public_modules()
NAMES = {
    f"{module}.{name}"
    for module, path in MODULES.items()
    for name in public_names(ast.parse(path.read_text("utf-8")))
} - set(MODULES)
DOCUMENTED = sorted(set(MODULES) | NAMES - CONSTANTS)


def load(name):
    """Return a public name's object; skip the test if a library that it needs is not installed."""
    module = name if name in MODULES else name.rpartition(".")[0]
    if module in LIBRARIES:
        pytest.importorskip(LIBRARIES[module])
    found = importlib.import_module(module)
    return found if name == module else getattr(found, name.rpartition(".")[2])


def with_methods(name):
    """Return a public name and, for a class, the names of its own public methods and properties.

    What a class inherits from another public one, or from scikit-learn, is documented there.
    """
    value = load(name)
    parts = vars(value) if inspect.isclass(value) else {}
    return [name] + [
        f"{name}.{part}"
        for part, member in parts.items()
        if not is_private(part) and isinstance(member, property | type(load))
    ]


def docstring(name):
    return Docstring(get_doc_object(Validator._load_obj(name)))


class Docstring(Validator):
    """numpydoc's validator, which fails where it looks for the line of a module's definition."""

    source_file_def_line = 1


def ignored(name):
    """Return the checks that do not fit the kind of an object."""
    codes = set(CHECKS["checks"])
    value = docstring(name).obj
    if inspect.isclass(value) and "__init__" not in vars(value):
        # A named tuple documents its fields as attributes. A subclass refers to its base.
        codes.add("PR01")
    if name in SHORT_SIGNATURES:
        codes.add("PR02")
    return codes


def faults(name):
    found = validate(name, validator_cls=lambda obj_name: docstring(obj_name))["errors"]
    return [f"{name}: {text}" for code, text in found if code not in ignored(name)]


def fields(value):
    """Return the names of the attributes that a class declares."""
    return [name for name in getattr(value, "__annotations__", {}) if not is_private(name)]


def api_names():
    """Return the dotted names in the tables of the API's pages, and the modules described there."""
    names, modules = [], []
    for page in sorted((ROOT / "docs" / "api").glob("*.md")):
        for line in page.read_text("utf-8").splitlines():
            if found := re.fullmatch(r"\.\. automodule:: (\S+)", line):
                modules.append(found[1])
            elif found := re.fullmatch(r"   (\w+)|\.\. data:: (\w+)", line):
                names.append(f"{modules[-1]}.{found[1] or found[2]}")
    return names, modules


# --- What is public ---


def test_names_of_every_kind_are_found():
    assert {
        "oneneuron.plots",  # a package
        "oneneuron.lecture.lessons",  # a module in a package
        "oneneuron.NeuronClassifier",  # from a private module
        "oneneuron.onnx.register",  # in a module without `__all__`
        "oneneuron.compare.Timing",
    } <= set(DOCUMENTED)
    assert with_methods("oneneuron.compare.Problem")[1:] == [
        "oneneuron.compare.Problem.check_steps",
        "oneneuron.compare.Problem.signed_rows",
    ]


@pytest.mark.parametrize("name", sorted(CONSTANTS))
def test_a_constant_is_a_number_or_a_text(name):
    assert isinstance(load(name), float | str)


# --- What numpydoc checks ---


def test_the_checks_are_all_but_some_of_numpydoc():
    every, *left_out = CHECKS["checks"]
    assert every == "all"
    assert set(left_out) < set(ERROR_MSGS)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_numpydoc_finds_no_fault_in_a_public_docstring(name):
    assert [fault for part in with_methods(name) for fault in faults(part)] == []


def test_a_fault_is_found(monkeypatch):
    monkeypatch.setattr(load("oneneuron.train"), "__doc__", "Train one neuron.")
    assert len(faults("oneneuron.train")) == 2  # the parameters, and what is returned


# --- What numpydoc does not check ---


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_parameter_with_listed_values_has_a_description(name):
    parameters = {
        f"{part}: {parameter}": description
        for part in with_methods(name)
        for parameter, (_, description) in docstring(part).doc_all_parameters.items()
    }
    assert [parameter for parameter, text in parameters.items() if not text] == []


@pytest.mark.parametrize(
    "name",
    ["oneneuron.Descent", "oneneuron.History", "oneneuron.Model", "oneneuron.NeuronClassifier",
     "oneneuron.compare.Timing"],
)  # fmt: skip
def test_a_class_documents_every_attribute_in_order(name):
    documented = docstring(name).doc["Attributes"]
    assert [attribute.name for attribute in documented] == fields(load(name))
    assert [attribute.name for attribute in documented if not attribute.desc] == []


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_function_with_parameters_documents_what_it_raises(name):
    texts = {part: docstring(part) for part in with_methods(name)}
    silent = {
        part
        for part, text in texts.items()
        if text.is_function_or_method and text.doc["Parameters"] and not text.doc["Raises"]
    }
    assert silent <= CHECK_NOTHING


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_examples_of_a_docstring_print_what_it_says(name, pyplot, capsys):
    for part in with_methods(name):
        text = docstring(part).clean_doc
        examples = doctest.DocTestParser().get_doctest(text, {}, part, None, None)
        failed, _ = doctest.DocTestRunner().run(examples, clear_globs=False)
        assert not failed, capsys.readouterr().out
        if "animation" in examples.globs:
            examples.globs["animation"]._draw_was_started = True  # else it warns that it was not


# --- The pages of the API ---


def test_each_public_name_is_on_one_page_of_the_api():
    names, _ = api_names()
    assert sorted(names) == sorted(NAMES - {"oneneuron.__version__"})


def test_each_public_module_is_described_on_one_page_of_the_api():
    _, modules = api_names()
    assert sorted(modules) == sorted(MODULES)
