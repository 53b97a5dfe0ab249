"""The progress bar of a comparison, in a terminal and in a notebook."""

import re
import sys
import threading
from types import SimpleNamespace

import pytest

from oneneuron.compare._progress import progress_bar


@pytest.fixture(autouse=True)
def fast_clock(monkeypatch):
    """A clock for the bar that moves on by a second whenever it is read."""
    seconds = iter(range(10**6))
    monkeypatch.setattr("tqdm.std.time", lambda: next(seconds))


class Cell:
    """A cell of a notebook: the states of its only output."""

    def __init__(self):
        self.states = []

    def update(self, output, *, raw, **options):
        assert raw and output.keys() == {"text/plain"}
        self.states.append(output["text/plain"])


@pytest.fixture
def shell(monkeypatch):
    """A function that makes Python seem to run in IPython, with this shell or with none.

    It returns the cell that shows the output of a notebook.
    """

    def set_shell(found):
        cell = Cell()
        module = SimpleNamespace(get_ipython=lambda: found)
        monkeypatch.setitem(sys.modules, "IPython", module)
        show = SimpleNamespace(
            display=lambda output, **options: cell.update(output, **options) or cell
        )
        monkeypatch.setitem(sys.modules, "IPython.display", show)
        return cell

    return set_shell


NOTEBOOK = SimpleNamespace(kernel=object())


def drawn(capsys):
    """Return what the bar draws in a comparison."""
    with progress_bar() as show:
        show(0.25, "pure Python")
        show(0.5, "naive Cython")
    return capsys.readouterr().err


def test_a_terminal_gets_a_bar_with_the_name_of_the_rung(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    text = drawn(capsys)
    assert re.search(r"\r 25 % .* pure Python", text)
    assert re.search(r"\r 50 % .* naive Cython", text)


def test_a_notebook_gets_a_bar_below_the_cell(capsys, shell):
    cell = shell(NOTEBOOK)
    assert drawn(capsys) == ""
    assert any(re.fullmatch(" 50 % .* naive Cython", state) for state in cell.states)


def test_nothing_is_left_below_the_cell_at_the_end(capsys, shell):
    cell = shell(NOTEBOOK)
    drawn(capsys)
    assert cell.states[-1] == ""


def test_the_bar_in_a_terminal_is_erased_at_the_end(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert re.search(r"\r *\r$", drawn(capsys))


@pytest.mark.parametrize("found", [None, SimpleNamespace()], ids=["no shell", "a shell"])
def test_ipython_without_a_notebook_or_a_terminal_gets_no_bar(capsys, shell, found):
    shell(found)
    assert drawn(capsys) == ""


def test_a_script_whose_output_goes_to_a_file_gets_no_bar(capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert drawn(capsys) == ""


def test_a_process_without_stderr_gets_no_bar(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    with progress_bar() as show:
        show(0.5, "pure Python")


def test_no_thread_redraws_the_bar_while_a_rung_is_timed(shell):
    shell(NOTEBOOK)
    before = threading.active_count()
    with progress_bar() as show:
        show(0.5, "pure Python")
        assert threading.active_count() == before
