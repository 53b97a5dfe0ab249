"""`oneneuron compare`."""

import json
import re
import sys
import warnings

import numpy as np
import pytest
from helpers import HtmlPage

from oneneuron import compare
from oneneuron._engine import dispatch
from oneneuron.cli import _compare_command, main
from oneneuron.cli._printing import shown
from oneneuron.compare import Timing, _ladder


@pytest.fixture
def made_ladder(monkeypatch, tmp_path):
    """Makes `compare` find these rows at once, in an empty folder; returns them."""
    rows = [
        Timing("pure Python", 2000, 4.0, 5000.0, None, 0.25, 10, None),
        Timing("the lecture's style", 2000, 1.0, 1250.0, 4.0, 1.0, 2000, None),
        Timing("JAX", 2000, 0.25, 312.5, 4.0, 4.0, 2000, 0.5),
    ]

    def ladder(problem, num_steps, on_progress):
        for row in rows:
            on_progress(0.5, row.name)
        return rows

    monkeypatch.setattr(compare, "ladder", ladder)
    monkeypatch.chdir(tmp_path)
    return rows


def test_compare_times_the_whole_ladder(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(_ladder, "find_spec", lambda library: None)
    monkeypatch.chdir(tmp_path)
    assert main(["compare", "-n", "10", "--steps", "3"]) == 0
    out = capsys.readouterr().out
    for words in ("8 samples of 2 features, 3 steps", "pure Python", "the lecture's style",
                  "naive Cython", "oneneuron, float32", "not installed: torch, jax, numba",
                  f"kernels {', '.join(dispatch.available)}; Python"):  # fmt: skip
        assert words in out
    assert [path.name for path in tmp_path.iterdir()] == ["compare.png"]


def test_compare_prints_the_rungs_in_columns(made_ladder, capsys):
    main(["compare", "--steps", "2000"])
    lines = capsys.readouterr().out.splitlines()
    assert [re.split("  +", line)[-1] for line in lines[2:4]] == ["compilation", "and first step"]
    assert [re.split("  +", line.strip()) for line in lines[4:7]] == [
        ["pure Python", "4.00 s*", "5,000", "0.25 x"],
        ["the lecture's style", "1.00 s", "1,250", "4.00 x", "1.00 x"],
        ["JAX", "250 ms", "312", "4.00 x", "4.00 x", "500 ms"],
    ]
    assert len({line.rindex(" x") for line in lines[4:7]}) == 1


def test_the_column_of_first_steps_and_the_star_are_left_out_if_no_rung_needs_them(
    made_ladder, capsys
):
    made_ladder[:] = made_ladder[1:2]
    main(["compare", "--steps", "2000"])
    out = capsys.readouterr().out
    assert "first step" not in out and "compilation" not in out and "*" not in out


def test_the_first_line_of_compare_is_the_size_of_the_descent(made_ladder, capsys):
    main(["compare", "--steps", "2000"])
    assert capsys.readouterr().out.splitlines()[0] == (
        "400 samples of 2 features, 2,000 steps of the same gradient descent, eta = 0.005"
    )


def test_compare_prints_one_step_in_the_singular(made_ladder, capsys):
    made_ladder[:] = [row._replace(num_steps=1) for row in made_ladder]
    main(["compare", "--steps", "1"])
    assert re.findall(r"1 steps?\b", capsys.readouterr().out) == ["1 step", "1 step"]


@pytest.mark.parametrize(("n", "is_smaller"), [(500, False), (50_000, True)])
def test_compare_explains_a_step_size_below_the_lecture_s(made_ladder, capsys, n, is_smaller):
    main(["compare", "-n", str(n)])
    note = "eta is below the usual 0.005, which can make the cost oscillate with 40,000 samples."
    out = capsys.readouterr().out
    assert (note in out) == ("eta is below" in out) == is_smaller


def test_compare_explains_its_star(made_ladder, capsys):
    main(["compare", "--steps", "2000"])
    assert "* Fewer steps were timed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("count", "words"),
    [(1, "Only one core may be used, so there is no rung"), (2, "two may use all 2 cores, which")],
)
def test_compare_says_how_many_cores_the_rungs_use(made_ladder, monkeypatch, capsys, count, words):
    monkeypatch.setattr("oneneuron._engine.cores.count", lambda: count)
    main(["compare", "--steps", "2000"])
    assert words in capsys.readouterr().out


def test_the_json_file_has_the_timings_and_the_problem(made_ladder, tmp_path):
    main(["compare", "-n", "10", "--steps", "2000", "--seed", "3", "--json", "c.json"])
    found = json.loads((tmp_path / "c.json").read_text())
    assert [Timing(**rung) for rung in found["rungs"]] == made_ladder
    assert (found["samples"], found["seed"], found["eta"]) == (8, 3, 0.005)
    assert found["machine"]["numpy"] == np.__version__


def test_compare_saves_its_picture_to_the_output_file(made_ladder, tmp_path, capsys):
    main(["compare", "--steps", "2000", "--output", "bars.png"])
    assert (tmp_path / "bars.png").exists()
    assert capsys.readouterr().out.endswith("Saved bars.png.\n")


def test_the_html_file_has_the_bars_the_code_and_the_command(made_ladder, tmp_path, capsys):
    main(["compare", "-n", "10", "--steps", "2000", "--seed", "3", "--html", "my page.html"])
    assert capsys.readouterr().out.endswith("Saved compare.png and my page.html.\n")
    page = HtmlPage((tmp_path / "my page.html").read_text(encoding="utf-8"))
    for words in ("8 samples of 2 features, 2,000 steps", "JAX 250 ms, 4.00", "jnp.exp",
                  "* Fewer steps were timed, since", "oneneuron compare -n 10 --steps 2000 --seed "
                  "3 --html 'my page.html'"):  # fmt: skip
        assert words in page.text


@pytest.mark.parametrize(("options", "is_told"), [([], True), (["--html", "c.html"], False)])
def test_compare_tells_how_to_see_the_code_unless_it_has_written_it(
    made_ladder, capsys, options, is_told
):
    main(["compare", *options])
    assert ("To see the code, try `oneneuron code" in capsys.readouterr().out) == is_told


def test_compare_lists_all_files_that_it_saved(made_ladder, capsys):
    main(["compare", "--json", "c.json", "--html", "c.html"])
    assert capsys.readouterr().out.endswith("Saved compare.png, c.json and c.html.\n")


@pytest.mark.parametrize(
    ("name", "start"),
    [("a.png", b"\x89PNG"), ("a.PNG", b"\x89PNG"), ("a.pdf", b"%PDF"), ("a.b.svg", b"<?xml")],
)
def test_the_extension_decides_the_format_of_the_picture(made_ladder, tmp_path, name, start):
    main(["compare", "--output", name])
    assert (tmp_path / name).read_bytes().startswith(start)


@pytest.mark.parametrize("name", ["bars", "bars.txt", "bars.pgf", "bars.", ".png"])
def test_an_output_that_is_not_a_picture_is_refused_before_the_timing(
    made_ladder, monkeypatch, capsys, name
):
    monkeypatch.setattr(compare, "ladder", lambda *_: pytest.fail("it was timed"))
    assert main(["compare", "--output", name]) == 2
    assert capsys.readouterr().err == (
        f"oneneuron: error: --output must be the name of a picture, found {name}: end it in .png, "
        f".pdf or .svg.\n"
    )


def test_an_unusable_path_is_refused_before_the_timing(made_ladder, monkeypatch):
    monkeypatch.setattr(compare, "ladder", lambda *_: pytest.fail("it was timed"))
    assert main(["compare", "--output", "none/c.png"]) == 2


def test_a_rung_with_wrong_parameters_is_a_one_line_error_and_writes_nothing(
    made_ladder, monkeypatch, tmp_path, capsys
):
    def refused(*_):
        _ladder.check_parameters("JAX", None, np.zeros(2), np.ones(2))

    monkeypatch.setattr(compare, "ladder", refused)
    assert main(["compare"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("oneneuron: error: JAX does not reach the parameters")
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_runtime_warning_of_the_ladder_is_one_line_and_others_are_not_shown(
    made_ladder, monkeypatch, capsys
):
    def warned(*_):
        warnings.warn("jax is\nbroken", RuntimeWarning, stacklevel=1)
        warnings.warn("jax is old", DeprecationWarning, stacklevel=1)
        return made_ladder

    monkeypatch.setattr(compare, "ladder", warned)
    assert main(["compare"]) == 0
    assert capsys.readouterr().err == "oneneuron: warning: jax is broken\n"


def test_the_progress_bar_of_compare_names_the_current_rung(
    made_ladder, fast_clock, monkeypatch, capsys
):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    main(["compare", "--steps", "2000"])
    error = capsys.readouterr().err
    assert re.search(r"\r 50 % .* JAX *\r", error) and error.endswith(" \r")


def test_files_of_compare_are_saved_before_anything_is_printed_or_erased(
    made_ladder, fast_clock, monkeypatch, capsys
):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    printed = []

    def save(path, _):
        printed.append((path, *capsys.readouterr()))

    monkeypatch.setattr(_compare_command, "write_whole", save)
    assert main(["compare", "--json", "c.json", "--html", "c.html"]) == 0
    names = ["c.json", "c.html", "compare.png"]
    assert [(path, out) for path, out, _ in printed] == [(name, "") for name in names]
    assert not any(error.endswith(" \r") for _, _, error in printed)
    assert capsys.readouterr().err.endswith(" \r")


def test_files_of_compare_are_saved_even_if_its_table_cannot_be_printed(
    made_ladder, fill_stdout_at, tmp_path
):
    fill_stdout_at("samples")
    assert main(["compare", "--json", "c.json"]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.json", "compare.png"]


def test_compare_sends_no_escape_sequences_to_the_terminal(made_ladder, capsys):
    name = "\x1b[2J.png" if sys.platform != "win32" else "c.png"
    assert main(["compare", "--output", name]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out and out.endswith(f"Saved {shown(name)}.\n")


@pytest.mark.parametrize("option", ["-n=4", "--steps=0", "--seed=-1", "--json", "--html"])
def test_a_compare_option_out_of_range_exits_with_code_2(option):
    with pytest.raises(SystemExit) as stop:
        main(["compare", option])
    assert stop.value.code == 2


def test_without_linux_s_file_the_processor_is_what_python_knows(monkeypatch):
    def fail(path):
        raise FileNotFoundError(path)

    monkeypatch.setattr(_compare_command, "open", fail, raising=False)
    monkeypatch.setattr(_compare_command.platform, "processor", lambda: "made up")
    assert _compare_command._processor() == "made up"
