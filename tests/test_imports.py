"""The import graph of the package: which room may import which, read from the sources."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[1] / "src" / "oneneuron"

PUBLIC = {
    "oneneuron",
    "oneneuron.cli",
    "oneneuron.compare",
    "oneneuron.dask",
    "oneneuron.lecture",
    "oneneuron.lecture.example1",
    "oneneuron.lecture.first_network",
    "oneneuron.lecture.lessons",
    "oneneuron.lecture.plotting_routines",
    "oneneuron.mpi",
    "oneneuron.onnx",
    "oneneuron.plots",
    "oneneuron.reference",
}

# What a room may import of the package, besides itself. A room is a folder, or a file beside the
# folders. Rooms come after those that they import.
ROOMS = {
    "_typing": "",
    "_atomic_write": "",
    "_losses": "",
    "_progress_bar": "",
    "_formatting": "_typing",
    "_frames": "_typing",
    "_checks": "_frames _losses _typing",
    "_tables": "_checks _typing",
    "_diagnostics": "_formatting _typing",
    "_checkpoint": "_atomic_write _diagnostics _engine _typing",
    "reference": "_losses _typing",
    "_engine": "_losses _typing",
    "_results": "_engine.predictions _checks _diagnostics _formatting _typing",
    "_training": "_engine _results _diagnostics _losses _typing",
    "_laying_out": "_engine _typing",
    "_team_arrays": "_engine _typing",
    "_fit": "_checkpoint _laying_out _team_arrays _tables _training _engine _checks _frames "
    "_diagnostics _results _losses _typing",
    "_train": "_checkpoint _laying_out _team_arrays _tables _training _engine _checks _diagnostics "
    "_results _losses _typing",
    "_classifier": "_fit _tables _engine _checks _diagnostics _results _losses _typing",
    "dask": "_classifier _laying_out _fit _engine _checks _frames _typing",
    "mpi": "_classifier _train _fit _engine _checks _results _typing",
    "_onnx_graph": "_classifier",
    "onnx": "_onnx_graph",
    "plots": "_engine.cost_surface _results _checks _frames _formatting _typing",
    "lecture": "plots _train _engine.predictions _checks _diagnostics _results _typing",
    "compare": "lecture _train _training reference _engine _checks _results _losses _formatting "
    "_progress_bar _typing",
    "cli": "compare lecture plots onnx mpi reference _classifier _train _fit _engine _checks "
    "_atomic_write _diagnostics _results _losses _formatting _progress_bar _typing",
    "__main__": "cli",
}


def sources():
    """Return the path of each module, by its dotted name; a compiled one has its stub."""
    found = {}
    for path in sorted([*SOURCES.rglob("*.py"), *SOURCES.rglob("*.pyi")]):
        parts = path.relative_to(SOURCES.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported_names(tree, package):
    """Yield the dotted name of each import, wherever it stands.

    Parameters
    ----------
    tree : ast.Module
    package : str
        The package that relative imports start from.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # `from . import x` has level 1 and no module; `from ..a import x` has level 2.
            base = [package.rsplit(".", node.level - 1)[0]] if node.level else []
            origin = ".".join(filter(None, [*base, node.module]))
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def modules_in(names, modules):
    """Return the modules that dotted names belong to: the longest known prefix of each."""
    found = set()
    for name in names:
        parts = name.split(".")
        prefixes = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
        found.update([prefix for prefix in prefixes if prefix in modules][:1])
    return found


def import_graph():
    """Return the modules of the package that each module imports, by dotted names."""
    modules = sources()
    graph = {}
    for name, path in modules.items():
        package = name if path.stem == "__init__" else name.rpartition(".")[0]
        tree = ast.parse(path.read_text(encoding="utf-8"))
        graph[name] = modules_in(imported_names(tree, package), modules)
    return graph


GRAPH = import_graph()


def within(module):
    """Return the name of a module inside the package: "_engine.team"."""
    return module.partition(".")[2]


def room(module):
    """Return the room of a module: "_engine"."""
    return within(module).partition(".")[0]


def test_no_circle_of_imports():
    try:
        TopologicalSorter(GRAPH).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_every_room_has_a_line_in_the_table():
    assert {room(module) for module in GRAPH if module != "oneneuron"} == set(ROOMS)


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_imports_only_what_its_line_allows(name):
    allowed = {name, *ROOMS[name].split()}
    wrong = [
        f"{module} imports {target}"
        for module in GRAPH
        if room(module) == name
        for target in GRAPH[module]
        if not {room(target), within(target)} & allowed
    ]
    assert wrong == []


def test_no_module_imports_from_the_package_root():
    assert [module for module in GRAPH if "oneneuron" in GRAPH[module]] == []


def test_the_engine_does_not_import_scikit_learn():
    files = [
        p for p in SOURCES.joinpath("_engine").iterdir() if p.suffix in (".py", ".pyi", ".pyx")
    ]
    assert {path.suffix for path in files} == {".py", ".pyi", ".pyx"}
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    assert re.search(r"\b(from|import|cimport) sklearn", text) is None


def test_only_public_modules_have_no_underscore_in_their_path():
    assert {name for name in GRAPH if "._" not in name} == PUBLIC


# --- The reader itself ---


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import a.b, a.c.value", {"a.b", "a.c"}),
        ("from a import b, value", {"a.b", "a"}),
        ("from a.c import value", {"a.c"}),
        ("from . import d", {"a.c.d"}),
        ("from .d import value", {"a.c.d"}),
        ("from .. import b", {"a.b"}),
        ("from .. import value", {"a"}),
        ("def f():\n    from ..b import value", {"a.b"}),
        ("class C:\n    def f(self):\n        import a.b", {"a.b"}),
        ("if TYPE_CHECKING:\n    from .d import value", {"a.c.d"}),
        ("try:\n    import a.b\nexcept ImportError:\n    from . import d", {"a.b", "a.c.d"}),
        ("import numpy\nfrom numpy.linalg import norm", set()),
    ],
)  # fmt: skip
def test_the_reader_finds_imports_of_every_form_and_in_every_place(code, expected):
    names = imported_names(ast.parse(code), package="a.c")
    assert modules_in(names, {"a", "a.b", "a.c", "a.c.d"}) == expected


@pytest.mark.parametrize(
    ("module", "target"),
    [
        ("cli._compare_command", "compare"),  # in a function
        ("_engine.dispatch", "_engine.moments"),  # under TYPE_CHECKING, and a stub
        ("onnx", "_onnx_graph"),  # in a try block
        ("__main__", "cli"),
    ],
)
def test_the_reader_finds_known_imports_of_the_package(module, target):
    assert f"oneneuron.{target}" in GRAPH[f"oneneuron.{module}"]
