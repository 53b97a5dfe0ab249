"""`oneneuron fit` and `oneneuron predict`."""

import json
import sys

import numpy as np
import pytest

from oneneuron.cli import main
from oneneuron.cli._table_model import TableModel


def test_fit_prints_both_accuracies(data, tmp_path, capsys):
    main(["fit", str(data), "--target", "ripe", "--output", str(tmp_path / "m.json")])
    out = capsys.readouterr().out
    assert "60 rows, 2 features, classes no and yes" in out
    assert "training accuracy   100.0 % of 48 rows" in out
    assert "held-out accuracy   100.0 % of 12 rows" in out


def test_fit_prints_a_single_feature_in_the_singular(tmp_path, capsys):
    (tmp_path / "d.csv").write_text("x,t\n1,a\n2,b\n3,a\n4,b\n")
    arguments = ["fit", str(tmp_path / "d.csv"), "--target", "t", "--test-size", "0.5"]
    main([*arguments, "--output", str(tmp_path / "m.json")])
    assert "4 rows, 1 feature, classes a and b" in capsys.readouterr().out


def test_predict_finds_the_classes_of_the_training_table(data, model, capsys):
    assert main(["predict", str(model), str(data)]) == 0
    found = [line.split(",")[0] for line in capsys.readouterr().out.splitlines()[1:]]
    assert found == [line.split(",")[1] for line in data.read_text().splitlines()[1:]]


def test_predict_needs_only_the_model_and_finds_features_by_name(data, model, tmp_path, capsys):
    data.unlink()
    (tmp_path / "new.csv").write_text("other,ratio,size\nx,0,1500\nx,0,900\n")
    main(["predict", str(model), str(tmp_path / "new.csv")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "class,P(yes)"
    assert [line.split(",")[0] for line in lines[1:]] == ["yes", "no"]


def test_predict_names_a_missing_feature(model, tmp_path, capsys):
    (tmp_path / "new.csv").write_text("other,size\nx,1500\n")
    assert main(["predict", str(model), str(tmp_path / "new.csv")]) == 2
    assert "must have the column 'ratio', found other, size: add it" in capsys.readouterr().err


def test_a_model_has_the_mean_and_deviation_of_the_training_rows(data, tmp_path):
    from sklearn.model_selection import train_test_split

    path = tmp_path / "m.json"
    main(["fit", str(data), "--target", "ripe", "--seed", "4", "--output", str(path)])
    rows = [line.split(",") for line in data.read_text().splitlines()[1:]]
    sizes, ripe = [float(row[0]) for row in rows], [row[1] for row in rows]
    train, _ = train_test_split(sizes, test_size=0.2, stratify=ripe, random_state=4)
    saved = json.loads(path.read_text())
    found = (saved["mean"][0], saved["scale"][0])
    np.testing.assert_allclose(found, (np.mean(train), np.std(train)), rtol=1e-12)


def test_the_test_size_is_the_fraction_held_out(data, tmp_path, capsys):
    path = tmp_path / "m.json"
    main(["fit", str(data), "--target", "ripe", "--test-size", "0.5", "--output", str(path)])
    assert "of 30 rows" in capsys.readouterr().out


def test_divergence_of_fit_is_one_line_on_stderr_and_a_model_is_saved(data, tmp_path, capsys):
    path = tmp_path / "m.json"
    arguments = ["fit", str(data), "--target", "ripe", "--no-standardise", "--eta", "1e308"]
    assert main([*arguments, "--output", str(path)]) == 0
    error = capsys.readouterr().err
    assert error.startswith("oneneuron: warning: Training stopped at step ")
    assert "eta = 1e+308 is too large for these features. Use a smaller eta" in error
    assert error.count("\n") == 1
    assert TableModel.load(path).features == ["size", "ratio"]


def test_the_progress_bar_of_fit_is_drawn_on_a_terminal_and_erased(
    fast_clock, monkeypatch, data, tmp_path, capsys
):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    arguments = ["fit", str(data), "--target", "ripe", "--steps", "200"]
    main([*arguments, "--output", str(tmp_path / "m.json")])
    error = capsys.readouterr().err
    assert "\r100 % " in error and error.endswith(" \r")


def test_no_progress_bar_is_drawn_without_a_terminal(fast_clock, data, tmp_path, capsys):
    arguments = ["fit", str(data), "--target", "ripe", "--steps", "200"]
    main([*arguments, "--output", str(tmp_path / "m.json")])
    assert capsys.readouterr().err == ""


def test_predict_writes_to_the_output_file(data, model, tmp_path):
    main(["predict", str(model), str(data), "--output", str(tmp_path / "out.csv")])
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 61


def test_a_failed_prediction_keeps_the_old_output_file(data, model, tmp_path):
    (tmp_path / "out.csv").write_text("old")
    (tmp_path / "new.csv").write_text("size,ratio\n1,\n")
    arguments = ["predict", str(model), str(tmp_path / "new.csv")]
    assert main([*arguments, "--output", str(tmp_path / "out.csv")]) == 2
    assert (tmp_path / "out.csv").read_text() == "old"


def test_without_standardising_the_scales_are_1(data, tmp_path):
    path = tmp_path / "m.json"
    main(["fit", str(data), "--target", "ripe", "--no-standardise", "--output", str(path)])
    saved = json.loads(path.read_text())
    assert (saved["mean"], saved["scale"]) == ([0.0, 0.0], [1.0, 1.0])


def test_a_constant_column_is_not_scaled(tmp_path):
    # 0.1 is not a binary fraction: its computed standard deviation need not be 0.
    rows = [f"{i},0.1,{'ab'[i > 24]}" for i in range(50)]
    (tmp_path / "d.csv").write_text("x,c,t\n" + "\n".join(rows) + "\n")
    arguments = ["fit", str(tmp_path / "d.csv"), "--target", "t"]
    assert main([*arguments, "--output", str(tmp_path / "m.json")]) == 0
    assert TableModel.load(tmp_path / "m.json").scale[1] == 1.0


def test_the_number_of_threads_does_not_change_the_model(data, model, tmp_path):
    arguments = ["fit", str(data), "--target", "ripe", "--threads", "1"]
    assert main([*arguments, "--output", str(tmp_path / "one.json")]) == 0
    assert (tmp_path / "one.json").read_bytes() == model.read_bytes()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,u\n1,a\n2,b\n", "found 't': choose one of x, u."),
        (
            "x,t\n1,a\ntwo,b\n",
            "d.csv, line 3, column 'x', must hold a finite number, found 'two'",
        ),
        ("x,t\n,a\n2,b\n", "line 2, column 'x', must hold a finite number, found an empty cell"),
        ("x,t\nnan,a\n2,b\n", "found 'nan'"),
        ("x,t\n-inf,a\n2,b\n", "found '-inf'"),
        ("x,t\n1,\n2,b\n", "line 2, column 't', must name a class, found an empty cell"),
        ("x,t\n1,a\n2,a\n", "must have two classes, found 1 (a)"),
        ("x,t\n1,a\n2,b\n3,c\n", "must have two classes, found 3 (a, b, c)"),
        ("x,t\n1,a\n2\n", "line 3, must have 2 cells"),
        ("x,x,t\n1,1,a\n", "found 'x' 2 times"),
        ("x,,t\n1,1,a\n", "found no name for column 2"),
        ("x,t\n", "must have rows"),
        ("", "must start with a header line"),
        ("t\na\nb\n", "must have a column besides the target"),
        ("x,t\n" + "1,a\n" * 20 + "2,b\n", "class 'b' has 1 of 21 rows"),
        ("x,t\n" + "1e308,a\n-1e308,b\n" * 10, "column 'x', has numbers too large"),
    ],
)
def test_an_unusable_table_is_a_one_line_error_and_keeps_the_old_model(
    tmp_path, capsys, text, message
):
    (tmp_path / "d.csv").write_text(text)
    (tmp_path / "m.json").write_text("old")
    arguments = ["fit", str(tmp_path / "d.csv"), "--target", "t"]
    assert main([*arguments, "--output", str(tmp_path / "m.json")]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert (tmp_path / "m.json").read_text() == "old"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--steps=1.5", "must be a whole number, found 1.5"),
        ("--threads=two", "must be a whole number, found two"),
        ("--eta=abc", "must be a number above 0, found abc"),
        ("--eta=inf", "must be a number above 0, found inf"),
        ("--test-size=half", "must be a number between 0 and 1, found half"),
    ],
)
def test_the_error_of_a_malformed_number_says_what_the_option_must_be(option, message, capsys):
    with pytest.raises(SystemExit):
        main(["fit", "d.csv", "--target", "t", option])
    name = option.partition("=")[0]
    assert capsys.readouterr().err == f"oneneuron: error: argument {name}: {message}\n"


@pytest.mark.parametrize("option", ["--eta=fast", "--test-size=0", "--test-size=1", "--threads=0"])
def test_a_fit_option_out_of_range_exits_with_code_2(option):
    with pytest.raises(SystemExit) as stop:
        main(["fit", "d.csv", "--target", "t", option])
    assert stop.value.code == 2
