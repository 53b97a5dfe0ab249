"""A pytest plugin that runs scikit-learn's tests of LogisticRegression with the adapter.

It works in three steps:

1. `sklearn.linear_model.LogisticRegression` becomes the adapter before a test file is imported.
2. Only the tests that use LogisticRegression are kept. The others would test scikit-learn alone.
3. The tests that `left_out.toml` lists are expected to fail. One that passes is an error, and so is
   an entry that matches no test.
"""

import ast
import fnmatch
import inspect
import tomllib
from pathlib import Path

import adapter
import pytest
import sklearn.ensemble  # imports LogisticRegression for its own use, which must stay
import sklearn.linear_model

LEFT_OUT = Path(__file__).with_name("left_out.toml")


def pytest_configure(config):
    sklearn.linear_model.LogisticRegression = adapter.LogisticRegression


@pytest.hookimpl(tryfirst=True)  # before `-k` removes tests that the list names
def pytest_collection_modifyitems(config, items):
    modules = {item.module for item in items}
    refuse_the_original(modules)
    users = {module: names_of_users(module) for module in modules}
    unrelated = [item for item in items if top_level_name(item) not in users[item.module]]
    config.hook.pytest_deselected(items=unrelated)
    items[:] = [item for item in items if item not in unrelated]
    mark_left_out(items)


def refuse_the_original(modules):
    """Raise an error if a module was imported too early to get the adapter."""
    for module in modules:
        found = getattr(module, "LogisticRegression", adapter.LogisticRegression)
        if found is not adapter.LogisticRegression:
            raise pytest.UsageError(f"{module.__name__} tests {found}, and not the adapter")


def names_of_users(module):
    """Return the names in a module whose definitions use LogisticRegression, even indirectly."""
    definitions = list(map(names_in, ast.parse(inspect.getsource(module)).body))
    users, found = set(), {"LogisticRegression"}
    while found - users:
        users |= found
        found = {
            name for defined, used in definitions if not used.isdisjoint(users) for name in defined
        }
    return users


def names_in(statement):
    """Return the names that a top-level statement defines, and all the names that it uses."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return set(), set()
    nodes = list(ast.walk(statement))
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    used |= {node.arg for node in nodes if isinstance(node, ast.arg)}  # fixtures
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}, used
    return {
        node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }, used


def top_level_name(item):
    """Return the name of the function or class at the top of the module that holds a test."""
    return item.nodeid.split("::")[1].split("[")[0]


def mark_left_out(items):
    """Expect the listed tests to fail, and refuse entries that match no test."""
    names = {item: item.nodeid.removeprefix("sklearn/") for item in items}
    files = {file_of(name) for name in names.values()}
    for group in tomllib.loads(LEFT_OUT.read_text())["group"]:
        for entry in group["tests"]:
            matching = [item for item, name in names.items() if matches(name, entry)]
            if not matching and file_of(entry) in files:
                raise pytest.UsageError(f"{LEFT_OUT.name}: no test matches {entry!r}")
            for item in matching:
                item.add_marker(pytest.mark.xfail(reason=group["reason"], strict=True))


def file_of(name):
    return name.split("::")[0]


def matches(name, entry):
    """Return whether an entry stands for a test: a name, perhaps with parameters and `*`."""
    if not entry.endswith("]"):
        return name.split("[")[0] == entry
    return fnmatch.fnmatchcase(name, entry.replace("[", "[[]"))
