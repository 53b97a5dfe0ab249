"""`oneneuron fit`."""

import json
import sys

import numpy as np
import pytest

from oneneuron.cli import _fit_command, main
from oneneuron.cli._table_model import TableModel


def fit(path, *options, target="ripe", output=None):
    """Run the command; return its exit code."""
    output = path.parent / "m.json" if output is None else output
    return main(["fit", str(path), "--target", target, "--output", str(output), *options])


@pytest.fixture
def mixed(tmp_path):
    """A table of 120 rows and three classes, with numbers, categories and gaps."""
    rng = np.random.default_rng(1)
    rows = ["size,colour,sort"]
    for i in range(120):
        code = rng.integers(0, 3)
        size = "" if i % 20 == 3 else f"{10 * code + 4 * rng.standard_normal():.3f}"
        colour = "" if i % 30 == 4 else ["red", "green", "blue"][(code + (i % 4 == 0)) % 3]
        rows.append(f"{size},{colour},{['a', 'b', 'c'][code]}")
    (tmp_path / "mixed.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "mixed.csv"


def test_the_scores_of_three_methods_are_printed_side_by_side(data, capsys):
    assert fit(data) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "60 rows, 2 features, 2 classes: no, yes"
    assert lines[2].split() == ["accuracy", "log", "loss", "Brier", "score"]
    assert [line.split("  ")[0] for line in lines[3:6]] == [
        "oneneuron", "LogisticRegression", "commonest class alone",
    ]  # fmt: skip
    assert "100.0 %" in lines[3]
    assert "held out. The model was trained on the other 48, and gets 100.0 % of" in lines[7]


def test_the_largest_weights_are_printed_with_their_names(data, capsys):
    fit(data)
    out = capsys.readouterr().out
    assert "largest weights, positive for yes:" in out
    weights = out.partition("for yes:\n")[2].splitlines()[:2]
    assert [line.split()[1] for line in weights] == ["size", "ratio"]
    assert float(weights[0].split()[0]) > 1


def test_with_more_classes_each_weight_is_printed_with_its_class(mixed, capsys):
    assert fit(mixed, "--missing", "mean", target="sort") == 0
    out = capsys.readouterr().out
    assert "3 classes: a, b, c" in out and ", for c" in out and "colour = red" in out


def test_a_single_feature_is_printed_in_the_singular(tmp_path, capsys):
    (tmp_path / "d.csv").write_text("size,t\n1,a\n2,b\n3,a\n4,b\n")
    fit(tmp_path / "d.csv", "--test-size", "0.5", target="t")
    assert "4 rows, 1 feature, 2 classes: a, b" in capsys.readouterr().out


def test_the_mean_scores_over_folds_are_printed(data, capsys):
    assert fit(data, "--cv", "4") == 0
    out = capsys.readouterr().out
    assert "The scores are means over 4 folds: 60 rows were each held out once. The model" in out


def test_categories_scaling_and_fill_values_are_in_the_model(mixed, tmp_path):
    fit(mixed, "--missing", "mean", target="sort")
    saved = json.loads((tmp_path / "m.json").read_text())
    size, colour = saved["features"]
    assert size["name"] == "size" and size["fill"] == pytest.approx(size["mean"])
    assert colour["categories"] == ["blue", "green", "red"]
    assert np.shape(colour["weights"]) == (3, 3)
    assert (saved["classes"], saved["missing"]) == (["a", "b", "c"], "mean")


def test_the_test_size_is_the_fraction_held_out(data, capsys):
    fit(data, "--test-size", "0.5")
    assert "The scores are those on 30 rows held out." in capsys.readouterr().out


def test_another_seed_holds_out_other_rows(data, tmp_path):
    for seed in ("0", "1"):
        fit(data, "--seed", seed, output=tmp_path / seed)
    assert (tmp_path / "0").read_bytes() != (tmp_path / "1").read_bytes()


def test_the_number_of_threads_does_not_change_the_model(data, tmp_path):
    for threads in ("1", "2"):
        fit(data, "--threads", threads, output=tmp_path / threads)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_plain_descent_is_a_solver(data, tmp_path):
    assert fit(data, "--solver", "gd", "--eta", "0.01", "--max-iter", "100") == 0
    model = TableModel.load(tmp_path / "m.json")
    fit(data)
    assert model != TableModel.load(tmp_path / "m.json")


def test_a_constant_column_is_not_scaled(tmp_path):
    # 0.1 is not a binary fraction: its computed standard deviation need not be 0.
    rows = [f"{i},0.1,{'ab'[i > 24]}" for i in range(50)]
    (tmp_path / "d.csv").write_text("size,c,t\n" + "\n".join(rows) + "\n")
    assert fit(tmp_path / "d.csv", target="t") == 0
    assert TableModel.load(tmp_path / "m.json").features[1].scale == 1.0


# --- Notes ---


def test_divergence_is_one_line_on_stderr_and_a_model_is_saved(data, tmp_path, capsys):
    assert fit(data, "--solver", "gd", "--eta", "1e308") == 0
    first, *_ = capsys.readouterr().err.splitlines()
    assert first.startswith("oneneuron: warning: Training stopped at step ")
    assert TableModel.load(tmp_path / "m.json").target == "ripe"


def test_columns_that_are_left_out_are_named_in_a_note(data, capsys):
    lines = data.read_text().splitlines()
    rows = [f"{i},{line}" for i, line in enumerate(lines[1:])]
    data.write_text("\n".join([f",{lines[0]}", *rows]) + "\n")
    assert fit(data) == 0
    assert capsys.readouterr().err.startswith("oneneuron: note: left out ")


def test_a_model_no_better_than_a_guess_gets_a_warning(tmp_path, capsys):
    rng = np.random.default_rng(0)
    rows = [f"{rng.random():.3f},{rng.integers(2)}" for _ in range(40)]
    (tmp_path / "d.csv").write_text("x,t\n" + "\n".join(rows) + "\n")
    fit(tmp_path / "d.csv", "--cv", "5", target="t")
    assert "oneneuron: warning: The model is no better than a guess" in capsys.readouterr().err


def test_a_class_of_one_row_is_trained_on_with_a_warning(tmp_path, capsys):
    (tmp_path / "d.csv").write_text("x,t\n" + "1,a\n" * 20 + "2,b\n")
    assert fit(tmp_path / "d.csv", target="t") == 0
    assert "No row of 'b' is held out" in capsys.readouterr().err
    assert TableModel.load(tmp_path / "m.json").classes == ["a", "b"]


def test_missing_values_are_refused_with_the_options_that_help(mixed, capsys):
    assert fit(mixed, target="sort") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "--missing mean" in error and "--missing drop" in error


# --- What is saved, and when ---


def test_the_model_is_saved_before_anything_is_printed(data, tmp_path, monkeypatch):
    seen = []

    def look(*_):
        seen.append((tmp_path / "m.json").exists())

    monkeypatch.setattr(_fit_command, "say", look)
    monkeypatch.setattr(_fit_command, "note", look)
    fit(data, "--max-iter", "1")
    assert set(seen) == {True} and len(seen) > 1


def test_the_model_survives_a_page_that_cannot_be_written(data, tmp_path, monkeypatch, capsys):
    def refuse(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(_fit_command, "write_whole", refuse)
    assert fit(data, "--html", str(tmp_path / "report.html")) == 2
    assert TableModel.load(tmp_path / "m.json").target == "ripe"
    assert capsys.readouterr().err == "oneneuron: error: the disk is full\n"


@pytest.mark.parametrize("name", ["data.csv", "m.json"])
def test_a_page_in_the_place_of_another_file_is_refused(data, name, capsys):
    before = data.read_bytes()
    assert fit(data, "--html", str(data.parent / name)) == 2
    assert "--html must not be" in capsys.readouterr().err
    assert data.read_bytes() == before


def test_the_progress_bar_is_drawn_on_a_terminal_and_erased(fast_clock, monkeypatch, data, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    fit(data, "--cv", "3")
    error = capsys.readouterr().err
    assert "training" in error and "comparing" in error and error.endswith(" \r")


def test_no_progress_bar_is_drawn_without_a_terminal(fast_clock, data, capsys):
    fit(data)
    assert capsys.readouterr().err == ""


# --- Errors ---


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,u\n1,a\n2,b\n", "--target must name a column of"),
        ("x,t\n1,a\n2\n", "line 3"),
        ("x,x,t\n1,1,a\n", "'x'"),
        ("x,t\n", "rows"),
        ("", "d.csv"),
        ("t\na\nb\n", "must have a feature besides the target 't'"),
        ("size,t\n1,a\n2,a\n", "must have two classes or more"),
        (
            "size,t\n1,a\n2,b\n",
            "two rows of a class, one to train on and one to hold out",
        ),
        ("x,t\n" + "1e200,a\n-1e200,b\n" * 10, "column 'x', has numbers too large to standardise"),
        ("x,t\n" + "inf,a\n1,b\n2,a\n3,b\n" * 4, "column 'x', must hold a finite number"),
    ],
)
def test_an_unusable_table_is_a_one_line_error_and_keeps_the_old_model(
    tmp_path, capsys, text, message
):
    (tmp_path / "d.csv").write_text(text)
    (tmp_path / "m.json").write_text("old")
    assert fit(tmp_path / "d.csv", target="t") == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert (tmp_path / "m.json").read_text() == "old"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--max-iter=1.5", "must be a whole number, found 1.5"),
        ("--threads=two", "must be a whole number, found two"),
        ("--eta=abc", "must be a number above 0, found abc"),
        ("--eta=inf", "must be a number above 0, found inf"),
        ("--alpha=-1", "must be 'auto' or 0 or more, found -1"),
        ("--alpha=nan", "must be 'auto' or 0 or more, found nan"),
        ("--cv=1", "must be 2 or more, found 1"),
        ("--test-size=half", "must be a number between 0 and 1, found half"),
    ],
)
def test_the_error_of_a_malformed_number_says_what_the_option_must_be(option, message, capsys):
    with pytest.raises(SystemExit):
        main(["fit", "d.csv", "--target", "t", option])
    name = option.partition("=")[0]
    assert capsys.readouterr().err == f"oneneuron: error: argument {name}: {message}\n"


@pytest.mark.parametrize(
    "options",
    [["--eta=fast"], ["--test-size=0"], ["--test-size=1"], ["--threads=0"], ["--solver=sgd"],
     ["--loss=hinge"], ["--cv=5", "--test-size=0.5"]],
)  # fmt: skip
def test_a_fit_option_out_of_range_exits_with_code_2(options):
    with pytest.raises(SystemExit) as stop:
        main(["fit", "d.csv", "--target", "t", *options])
    assert stop.value.code == 2


def test_more_folds_than_rows_are_refused(data, capsys):
    assert fit(data, "--cv", "61") == 2
    assert "--cv must be at most 60" in capsys.readouterr().err


def test_a_scratch_folder_that_does_not_exist_is_refused(data, tmp_path, capsys):
    assert fit(data, "--scratch", str(tmp_path / "none")) == 2
    error = capsys.readouterr().err
    assert "scratch" in error and error.count("\n") == 1
