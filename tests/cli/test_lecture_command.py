"""`oneneuron lecture`."""

import os
import re
import sys
from contextlib import redirect_stdout

import pytest

from oneneuron.cli import _baselines, _lecture_command, main
from oneneuron.cli._parser import make_parser

DURATION = r"[\d,.]+ (s|ms|µs)"


def test_lecture_prints_its_lines_and_saves_two_pictures(tmp_path, capsys):
    assert main(["lecture", "--seed", "1", "--output", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    for words in ("Best by step 0:", "Best by step 9000:", "percent correct!", "test data",
                  "Training took", "NeuronClassifier", "least squares", "LogisticRegression",
                  "What to try next:"):  # fmt: skip
        assert words in out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["boundary.png", "dots.png"]
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in tmp_path.iterdir())


def test_lecture_prints_four_methods_in_columns(tmp_path, capsys):
    main(["lecture", "--seed", "1", "--output", str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    top = next(i for i, line in enumerate(lines) if line.startswith("method"))
    rows = lines[top + 1 : top + 5]
    assert all(re.search(rf"[\d.]+ % +[\d.]+ % +{DURATION}$", row) for row in rows)
    assert len({len(line) for line in lines[top : top + 5]}) == 1
    assert lines[top + 5] == ""


@pytest.mark.parametrize(("steps", "words"), [(1, "has 1 step to"), (2000, "has 2,000 steps to")])
def test_lecture_says_that_gradient_descent_makes_all_steps_and_the_others_stop(
    tmp_path, capsys, steps, words
):
    main(["lecture", "-n", "50", "--steps", str(steps), "--output", str(tmp_path)])
    out = " ".join(capsys.readouterr().out.split())
    assert f"Gradient descent {words} make, and scores the neuron after each." in out
    assert "NeuronClassifier trains the same neuron with a solver that stops near the" in out


def next_commands(capsys, *arguments):
    """Return the commands that `oneneuron lecture` ends with."""
    assert main(["lecture", "-n", "50", "--steps", "9", *arguments]) == 0
    _, _, end = capsys.readouterr().out.partition("What to try next:\n")
    return [re.split("  +", line.strip())[0] for line in end.splitlines()]


def test_every_command_that_lecture_ends_with_can_be_parsed(tmp_path, capsys):
    commands = next_commands(capsys, "--output", str(tmp_path))
    assert len(commands) == 6
    for command in commands:
        program, *arguments = command.split()
        assert program == "oneneuron"
        assert make_parser().parse_args(arguments).command is not None


def test_what_lecture_ends_with_fits_into_a_terminal_of_80_columns(tmp_path, capsys):
    main(["lecture", "-n", "50", "--steps", "9", "--output", str(tmp_path)])
    _, _, table = capsys.readouterr().out.partition("method ")
    kept = [line for line in table.splitlines() if not line.startswith("Saved")]
    assert max(map(len, kept)) <= 80


def test_lecture_does_not_suggest_the_page_that_it_has_just_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("oneneuron.cli._lecture_page.lecture_page", lambda run: "")
    page = str(tmp_path / "a.html")
    commands = next_commands(capsys, "--output", str(tmp_path), "--html", page)
    assert len(commands) == 5 and not any("--html" in command for command in commands)


def test_the_same_seed_prints_the_same_lines(tmp_path, capsys):
    def lines():
        main(["lecture", "--seed", "3", "-n", "50", "--steps", "1500", "--output", str(tmp_path)])
        return re.sub(DURATION, "", capsys.readouterr().out).split()

    assert lines() == lines()


def test_a_random_seed_is_printed_and_repeats_the_run(tmp_path, capsys):
    arguments = ["lecture", "-n", "50", "--steps", "10", "--output", str(tmp_path)]
    main(arguments)
    first = capsys.readouterr().out
    main([*arguments, "--seed", re.search(r"seed (\d+)", first)[1]])
    second = capsys.readouterr().out
    assert re.sub(DURATION, "", first).split() == re.sub(DURATION, "", second).split()


@pytest.mark.parametrize(
    ("n", "steps", "words"),
    [
        (5, 1, ("4 samples for training, 1 held out for testing", "(1 step).")),
        (10_000, 2000, ("8,000 samples for training, 2,000 held out", "(2,000 steps).")),
    ],
)
def test_lecture_prints_the_numbers_of_samples_and_steps(tmp_path, capsys, n, steps, words):
    arguments = ["-n", str(n), "--steps", str(steps), "--eta", "1e-5"]
    main(["lecture", *arguments, "--output", str(tmp_path)])
    out = capsys.readouterr().out
    assert all(part in out for part in words)


def test_a_training_time_below_a_millisecond_is_printed_in_microseconds(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(_baselines, "timed", lambda f, *arguments: (f(*arguments), 2.5e-4))
    main(["lecture", "--output", str(tmp_path)])
    out = capsys.readouterr().out
    assert "took 250 µs" in out and re.search(r"gradient descent .* 250 µs$", out, re.MULTILINE)


def test_lecture_creates_its_output_folder(tmp_path):
    folder = tmp_path / "new" / "folder"
    assert main(["lecture", "-n", "5", "--steps", "0", "--output", str(folder)]) == 0
    assert (folder / "dots.png").exists()


def test_divergence_of_the_lecture_is_one_line_on_stderr(tmp_path, capsys):
    assert main(["lecture", "--seed", "1", "--eta", "1e308", "--output", str(tmp_path)]) == 0
    error = capsys.readouterr().err
    assert error.startswith("oneneuron: warning: Training stopped at step ")
    assert "eta = 1e+308 is far above 0.0049" in error
    assert error.count("\n") == 1


def test_the_command_on_the_page_has_all_digits_of_eta_and_a_quoted_file_name(
    tmp_path, monkeypatch
):
    seen = []
    monkeypatch.setattr(
        "oneneuron.cli._lecture_page.lecture_page", lambda run: seen.append(run) or ""
    )
    main(["lecture", "--seed", "1", "-n", "50", "--steps", "30", "--eta", "0.00123456789",
          "--output", str(tmp_path), "--html", str(tmp_path / "my $page.html")])  # fmt: skip
    assert seen[0].command == (
        "oneneuron lecture -n 50 --eta 0.00123456789 --steps 30 --seed 1 --html 'my $page.html'"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse the name")
def test_a_page_may_have_a_file_name_that_is_no_text(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "oneneuron.cli._lecture_page.lecture_page", lambda run: seen.append(run) or run.command
    )
    page = tmp_path / os.fsdecode(b"\xff.html")
    arguments = ["lecture", "-n", "5", "--steps", "0", "--output", str(tmp_path)]
    assert main([*arguments, "--html", str(page)]) == 0
    assert seen[0].command.endswith(r" --html '\udcff.html'")
    assert page.exists()


@pytest.mark.slow
def test_files_of_the_lecture_are_saved_even_if_its_table_cannot_be_printed(
    fill_stdout_at, monkeypatch, tmp_path
):
    fill_stdout_at("On the test data")
    monkeypatch.chdir(tmp_path)
    assert main(["lecture", "-n", "50", "--steps", "10", "--html", "a.html"]) == 2
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["a.html", "boundary.png", "dots.png"]


def test_pictures_of_the_lecture_are_saved_even_if_its_reader_is_gone_from_the_first(tmp_path):
    read, write = os.pipe()
    os.close(read)
    with open(write, "w") as stdout, redirect_stdout(stdout):
        assert main(["lecture", "-n", "5", "--steps", "1", "--output", str(tmp_path)]) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["boundary.png", "dots.png"]


def test_pictures_of_the_lecture_are_saved_before_a_warning_is_printed(
    tmp_path, monkeypatch, capsys
):
    printed = []
    monkeypatch.setattr(
        _lecture_command, "write_whole", lambda *_: printed.append(capsys.readouterr().err)
    )
    main(["lecture", "--seed", "1", "--eta", "1e308", "--output", str(tmp_path)])
    assert printed == ["", ""]
    assert "Training stopped" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other file names and streams")
def test_the_lecture_sends_no_escape_sequences_to_the_terminal(tmp_path, capsys):
    folder = tmp_path / "\x1b[2J"
    assert main(["lecture", "-n", "5", "--steps", "0", "--output", str(folder)]) == 0
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err
    assert r"\x1b[2J/boundary.png" in captured.out


@pytest.mark.parametrize(
    "option",
    ["-n=4", "--eta=0", "--eta=-1", "--eta=nan", "--steps=-1", "--seed=x", "--seed=4294967296"],
)
def test_a_lecture_option_out_of_range_is_a_one_line_error(option, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["lecture", option])
    error = capsys.readouterr().err
    assert stop.value.code == 2
    assert error.startswith("oneneuron: error: ") and error.count("\n") == 1


def test_the_step_size_that_a_warning_advises_is_an_option(tmp_path, capsys):
    arguments = ["lecture", "--seed", "1", "-n", "50", "--steps", "300", "--output", str(tmp_path)]
    main([*arguments, "--eta", "1e-9"])
    assert "Use eta='auto'" in capsys.readouterr().err
    main([*arguments, "--eta", "auto", "--html", str(tmp_path / "page.html")])
    assert capsys.readouterr().err == ""
    assert "--eta auto --steps 300" in (tmp_path / "page.html").read_text(encoding="utf-8")
