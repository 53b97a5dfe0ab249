"""What can go wrong around a command: its streams, Ctrl-C, the memory, the environment."""

import os
import signal
import subprocess
import sys
import sysconfig
import textwrap
from contextlib import contextmanager

import pytest
from helpers import SECONDS_UNTIL_GIVEN_UP, printed_by, run_python

from oneneuron.cli import _info_command, main
from oneneuron.cli._printing import note, say

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has other streams")


@pytest.fixture
def info_does(monkeypatch):
    """A function that makes `oneneuron info` do something else."""
    return lambda function: monkeypatch.setattr(_info_command, "run", lambda _: function())


# --- Errors in one line ---


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "there is not enough memory: use less data, or free some memory."),
        (MemoryError("no 8 GiB"), "there is not enough memory (no 8 GiB): use less data, or free"),
        (RecursionError("too deep"), "the input is nested too deeply (too deep): check it."),
        (ImportError("no\nmodule"), "no module"),
        (ValueError("column '\x1b[2J' is empty"), r"column '\x1b[2J' is empty"),
        (FileNotFoundError(2, "No such file", "\x1b[2J.csv"), r"\x1b[2J.csv: No such file"),
        (OSError(5, "Input/output error"), "Input/output error"),
    ],
)
def test_an_error_is_one_line(info_does, capsys, error, message):
    info_does(lambda: (_ for _ in ()).throw(error))
    assert main(["info"]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith(f"oneneuron: error: {message}")
    assert printed.count("\n") == 1 and "\x1b" not in printed


def test_an_argument_sends_no_escape_sequences_to_the_terminal(capsys):
    with pytest.raises(SystemExit):
        main(["info", "\x1b[2J\n"])
    assert capsys.readouterr().err == ("oneneuron: error: unrecognized arguments: \\x1b[2J\\n\n")


def test_a_wrong_instruction_set_is_a_one_line_error():
    run = run_python(
        "import sys; from oneneuron.cli import main; sys.exit(main(['info']))", ONENEURON_ISA="v9"
    )
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("oneneuron: error: ONENEURON_ISA is 'v9', but this build on")
    assert run.stderr.count("\n") == 1


def test_the_backend_of_a_notebook_does_not_matter():
    printed_by(
        "from oneneuron.cli._picture_rendering import render\n"
        "from oneneuron.cli import _info_command, main\n"
        "_info_command.run = lambda _: render(lambda ax: ax.plot([1, 2]))\n"
        "assert main(['info']) == 0",
        MPLBACKEND="module://not_installed.backend_inline",
    )


def test_the_environment_stays_as_it_was(monkeypatch, info_does):
    monkeypatch.setenv("MPLBACKEND", "agg")
    seen = []
    info_does(lambda: seen.append("MPLBACKEND" in os.environ))
    main(["info"])
    assert seen == [False]
    assert os.environ["MPLBACKEND"] == "agg"


# --- Streams ---

# A command that prints results between two notes.
PRINTS = """
import sys
from oneneuron.cli import _info_command, main
from oneneuron.cli._printing import note, say

def run(_):
    note("a note")
    say("a result in µs")
    note("another note")

_info_command.run = run
sys.exit(main(["info"]))
"""
# What an unbuffered stream cannot write, Python does not try to write once more at its exit.
SETTINGS = {"PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": ""}
PRINTED = "a result in µs\n"
NOTED = "a note\nanother note\n"


@contextmanager
def opened(name):
    """Yield a descriptor with some trouble, or what `subprocess` makes a pipe of."""
    if name == "pipe":
        yield subprocess.PIPE
        return
    if name == "full disk":
        if not os.path.exists("/dev/full"):
            pytest.skip("only Linux has /dev/full")
        number = os.open("/dev/full", os.O_WRONLY)
    elif name == "read only":
        number = os.open(os.devnull, os.O_RDONLY)
    else:
        other, number = os.openpty() if name == "terminal that is gone" else os.pipe()
        os.close(other)
    yield number
    os.close(number)


def run_with(stdout="pipe", stderr="pipe", code=PRINTS, **environment):
    """Run a command that prints and notes; return its exit code and both outputs."""
    command = [sys.executable, "-c", code]
    if closed := {"closed": ">&-"}.get(stdout, "") + {"closed": " 2>&-"}.get(stderr, ""):
        command = ["sh", "-c", f'exec "$@" {closed}', "sh", *command]
    streams = ["pipe" if name == "closed" else name for name in (stdout, stderr)]
    with opened(streams[0]) as out, opened(streams[1]) as err:
        run = subprocess.run(
            command, stdout=out, stderr=err, encoding="utf-8", check=False,
            env=os.environ | SETTINGS | environment,
            timeout=SECONDS_UNTIL_GIVEN_UP,
        )  # fmt: skip
    return run.returncode, run.stdout, run.stderr


@posix_only
@pytest.mark.parametrize(
    "trouble", ["closed", "broken pipe", "terminal that is gone", "full disk", "read only"]
)
def test_trouble_on_stderr_is_ignored(trouble):
    code, printed, _ = run_with(stderr=trouble)
    assert (code, printed) == (0, PRINTED)


@posix_only
def test_ctrl_c_has_its_exit_code_even_if_stderr_is_broken():
    code = PRINTS.replace('    note("a note")', "    raise KeyboardInterrupt")
    assert run_with(stderr="broken pipe", code=code)[:2] == (130, "")


@posix_only
@pytest.mark.parametrize(
    ("trouble", "code", "message"),
    [
        ("closed", 0, ""),
        ("broken pipe", 1, ""),
        ("terminal that is gone", 1, ""),
        ("full disk", 2, "standard output cannot be written: No space left on device"),
        ("read only", 2, "standard output cannot be written: Bad file descriptor"),
    ],
)
def test_trouble_on_stdout_sets_the_exit_code_at_the_end_of_the_command(trouble, code, message):
    found, _, noted = run_with(stdout=trouble)
    assert found == code
    assert noted == NOTED + (f"oneneuron: error: {message}\n" if message else "")


@posix_only
@pytest.mark.parametrize(("trouble", "code"), [("closed", 0), ("full disk", 2)])
def test_trouble_on_both_streams_sets_the_exit_code_alone(trouble, code):
    assert run_with(stdout=trouble, stderr=trouble)[0] == code


def test_an_encoding_without_a_character_is_no_trouble():
    code, printed, noted = run_with(PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (code, printed, noted) == (0, "a result in us\n", NOTED)


@posix_only
@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["fit", "--help"]])
def test_help_for_a_reader_that_is_gone_exits_with_code_1_and_no_message(arguments):
    with opened("broken pipe") as out:
        run = subprocess.run(
            [sys.executable, "-m", "oneneuron", *arguments],
            stdout=out, stderr=subprocess.PIPE, env=os.environ | SETTINGS, check=False,
        )  # fmt: skip
    assert (run.returncode, run.stderr) == (1, b"")


def test_a_command_does_not_stop_when_its_reader_goes(info_does, fill_stdout_at):
    done = []
    fill_stdout_at("first")
    info_does(lambda: (say("first"), done.append("work"), say("second")))
    assert main(["info"]) == 2
    assert done == ["work"]


def test_an_error_counts_more_than_the_lack_of_a_reader(info_does, fill_stdout_at, capsys):
    def fail():
        say("first")
        raise ValueError("wrong")

    fill_stdout_at("first")
    info_does(fail)
    assert main(["info"]) == 2
    assert capsys.readouterr().err == "oneneuron: error: wrong\n"


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="only POSIX has this signal")
def test_a_command_goes_on_when_its_terminal_is_closed(info_does):
    seen = []
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        info_does(lambda: seen.append(signal.getsignal(signal.SIGHUP)))
        assert main(["info"]) == 0
        assert seen == [signal.SIG_IGN]
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


# --- Ctrl-C ---


def test_ctrl_c_is_one_line(info_does, capsys):
    def stop():
        note("a note")
        raise KeyboardInterrupt

    info_does(stop)
    assert main(["info"]) == 130
    assert capsys.readouterr() == ("", "a note\noneneuron: stopped\n")


# Waits when a module is about to be imported, until Ctrl-C comes.
SITECUSTOMIZE = f"""
import os, sys, time

class Gate:
    def find_spec(name, path, target=None):
        if name == os.environ["STOP_AT"]:
            print("importing", flush=True)
            time.sleep({SECONDS_UNTIL_GIVEN_UP})

sys.meta_path.insert(0, Gate)
"""
ENTRANCES = {
    "python -m oneneuron": [sys.executable, "-m", "oneneuron"],
    "oneneuron": [os.path.join(sysconfig.get_path("scripts"), "oneneuron")],
}


@posix_only
@pytest.mark.parametrize("entrance", ENTRANCES)
@pytest.mark.parametrize(
    "module", ["oneneuron.cli._running", "numpy", "oneneuron._engine.dispatch"]
)
def test_ctrl_c_during_an_import_is_one_line(tmp_path, hears_ctrl_c, entrance, module):
    (tmp_path / "sitecustomize.py").write_text(textwrap.dedent(SITECUSTOMIZE))
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    run = subprocess.Popen(
        [*ENTRANCES[entrance], "info"],
        env=os.environ | {"PYTHONPATH": path, "STOP_AT": module},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with run:
        assert run.stdout.readline() == "importing\n"
        run.send_signal(signal.SIGINT)
        printed = run.communicate(timeout=2 * SECONDS_UNTIL_GIVEN_UP)
    assert (run.returncode, *printed) == (130, "", "oneneuron: stopped\n")
