"""The progress bar."""

import io
import os
import sys

import pytest

from oneneuron.cli import _progress
from oneneuron.cli._printing import standard_streams
from oneneuron.cli._progress import progress_bar


class Terminal(io.StringIO):
    """A terminal, as far as the bar knows."""

    def isatty(self):
        return True


@pytest.fixture
def open_terminal(monkeypatch):
    """A function that puts a terminal in place of stderr."""

    def open_one():
        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        return terminal

    return open_one


def test_the_bar_shows_the_fraction_and_what_is_being_done(open_terminal, fast_clock):
    terminal = open_terminal()
    with progress_bar() as show:
        show(0.0, "sorting")
        show(0.5, "searching")
        drawn = terminal.getvalue()
    start, _, last = drawn.rpartition("\r")
    assert start.startswith("\r  0 % ") and start.rstrip().endswith("sorting")
    assert last.startswith(" 50 % ") and last.rstrip().endswith("searching")


def test_the_bar_is_erased_at_the_end(open_terminal, fast_clock):
    terminal = open_terminal()
    with progress_bar() as show:
        show(0.5)
        width = len(terminal.getvalue())
    erased = terminal.getvalue()[width:]
    assert erased.strip() == "" and erased.startswith("\r") and erased.endswith("\r")
    assert len(erased) >= width


def test_the_bar_is_erased_after_an_error(open_terminal, fast_clock):
    terminal = open_terminal()
    with pytest.raises(KeyboardInterrupt), progress_bar() as show:
        show(0.5)
        raise KeyboardInterrupt
    assert terminal.getvalue().endswith(" \r")


def test_nothing_is_drawn_in_the_first_second(open_terminal, monkeypatch):
    terminal = open_terminal()
    monkeypatch.setattr("tqdm.std.time", lambda: 0.0)
    with progress_bar() as show:
        for i in range(10):
            show(i / 10)
    assert terminal.getvalue() == ""


def test_a_bar_is_drawn_after_a_second_even_if_no_work_is_done_by_then(open_terminal, fast_clock):
    terminal = open_terminal()
    with progress_bar():
        (_, draw, arguments), _ = _progress.Timer.call_args
        assert terminal.getvalue() == ""
        draw(*arguments)
        assert terminal.getvalue().startswith("\r  0 % ")
    timer = _progress.Timer.return_value
    assert [name for name, _, _ in timer.method_calls] == ["start", "cancel", "join"]


def test_nothing_is_drawn_without_a_terminal(fast_clock, capsys):
    with progress_bar() as show:
        show(0.5)
    assert capsys.readouterr() == ("", "")
    assert not _progress.Timer.called


@pytest.mark.filterwarnings("error")
def test_a_fraction_slightly_above_1_is_drawn_as_1(open_terminal, fast_clock):
    terminal = open_terminal()
    with progress_bar() as show:
        show(1 + 1e-15)
        assert "100 % " in terminal.getvalue()


def test_the_bar_sends_no_escape_sequences(open_terminal, fast_clock):
    terminal = open_terminal()
    with progress_bar() as show:
        show(0.5, "\x1b[2J")
    assert r"\x1b[2J" in terminal.getvalue() and "\x1b" not in terminal.getvalue()


@pytest.mark.parametrize("trouble", ["none", "gone"])
def test_the_bar_never_ends_the_work(open_terminal, fast_clock, monkeypatch, trouble):
    terminal = open_terminal()

    def fail(_):
        raise OSError(5, "Input/output error")

    if trouble == "none":
        monkeypatch.setattr(sys, "stderr", None)
    else:
        terminal.write = fail
    with standard_streams(), progress_bar() as show:
        show(0.5)
        show(1.0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
@pytest.mark.parametrize(("columns", "width"), [(0, 60), (25, 24), (100, 60)])
def test_the_bar_fits_into_the_terminal_even_if_that_does_not_tell_its_width(
    fast_clock, monkeypatch, columns, width
):
    import termios

    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (0, columns))
    with open(slave, "w", encoding="utf-8") as file:
        monkeypatch.setattr(sys, "stderr", file)
        with progress_bar() as show:
            show(0.5, "a rung with a long name")
        print("end", file=file, flush=True)
        drawn = os.read(master, 1000).decode()
    os.close(master)
    lines = drawn.partition("end")[0].split("\r")
    assert lines[1].startswith(" 50 % ")
    assert max(map(len, lines)) == width
