"""The command `oneneuron` as a whole: arguments, exit codes, errors."""

import subprocess
import sys
from importlib.metadata import version

import pytest

from oneneuron import NeuronClassifier
from oneneuron.cli import main

COMMANDS = ["lecture", "playground", "fit", "predict", "compare", "code", "info"]


def test_without_a_command_the_list_of_commands_is_printed(capsys):
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("usage: oneneuron [-h] [--version] COMMAND")
    for command in COMMANDS:
        assert f"\n    {command}" in captured.err


def test_a_newcomer_is_told_which_command_to_begin_with(capsys):
    main([])
    assert "New here? Begin with `oneneuron lecture`." in capsys.readouterr().err


def test_an_unknown_command_is_a_one_line_error(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["train"])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("oneneuron: error: argument COMMAND: invalid choice: 'train'")
    assert error.count("\n") == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_text(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: oneneuron {command} [-h]")


def test_version_option_prints_the_version_of_the_package(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"oneneuron {version('oneneuron')}\n"


def test_python_m_oneneuron_runs_a_command():
    run = subprocess.run(
        [sys.executable, "-m", "oneneuron", "info"], capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith("oneneuron ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit", "{data}", "--target", "ripe", "--output", "{data}/m.json"],
        ["fit", "{data}", "--target", "ripe", "--output", "{folder}"],
        ["fit", "{folder}/none.csv", "--target", "ripe", "--output", "{folder}/m.json"],
        ["lecture", "--output", "{data}"],
        ["playground", "--no-open", "--output", "{folder}"],
        ["compare", "--output", "{folder}"],
        ["compare", "--output", "{folder}/none/c.png"],
        ["compare", "--output", "{folder}/c.png", "--json", "{folder}"],
        ["compare", "--output", "{folder}/c.png", "--json", "{folder}/./c.png"],
        ["compare", "--output", "{folder}/c.png", "--html", "{folder}/./c.png"],
        ["compare", "--output", "{folder}/c.png", "--json", "{folder}/c", "--html", "{folder}/c"],
        ["compare", "--output", "{folder}/c"],
        ["lecture", "--output", "{folder}", "--html", "{folder}/./dots.png"],
        ["fit", "{data}", "--target", "ripe", "--output", "{data}"],
        ["lecture", "--output", "{data}/folder"],
        ["predict", "{data}", "{data}"],
        ["predict", "{data}", "{data}", "--output", "{data}/out.csv"],
    ],
)
def test_an_unusable_path_is_a_one_line_error_and_writes_nothing(tmp_path, data, capsys, arguments):
    filled = [a.format(data=data, folder=tmp_path) for a in arguments]
    assert main(filled) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("oneneuron: error: ") and captured.err.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["data.csv"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["lecture", "--output"],
        ["lecture", "--html"],
        ["compare", "--output"],
        ["compare", "--json"],
        ["compare", "--html"],
        ["fit", "d.csv", "--target", "t", "--output"],
        ["predict", "m.json", "d.csv", "--output"],
    ],
)
def test_an_empty_path_is_an_error_that_names_the_option(capsys, arguments):
    with pytest.raises(SystemExit) as stop:
        main([*arguments, ""])
    assert stop.value.code == 2
    assert capsys.readouterr().err == (
        f"oneneuron: error: argument {arguments[-1]}: must be a path, found an empty string\n"
    )


def test_ctrl_c_exits_with_code_130_and_saves_nothing(monkeypatch, data, tmp_path):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(NeuronClassifier, "fit", interrupted)
    path = tmp_path / "m.json"
    assert main(["fit", str(data), "--target", "ripe", "--output", str(path)]) == 130
    assert not path.exists()


def test_commands_run_without_a_stdout(data, model, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["info"]) == 0
    assert main(["predict", str(model), str(data)]) == 0


def test_a_closed_pipe_ends_the_command_without_a_message(data, model):
    run = subprocess.Popen(
        [sys.executable, "-m", "oneneuron", "predict", str(model), str(data)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    run.stdout.close()
    error = run.stderr.read()
    run.stderr.close()
    assert (run.wait(), error) == (1, b"")
