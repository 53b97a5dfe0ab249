"""`oneneuron predict`."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from oneneuron.cli import main
from oneneuron.cli._table_model import CategoryFeature, NumberFeature, TableModel

MIXED = TableModel(
    "sort", ["x", "y", "z"], "log", "refuse",
    [NumberFeature("a", 1.0, 2.0, None, [0.5, -0.25, 1.0]),
     CategoryFeature("c", ["01", "red"], [[1.0, 2.0, 0.0], [-1.0, 0.5, 9.0]])],
    [0.1, 0.2, 0.3],
)  # fmt: skip


@pytest.fixture
def predict(tmp_path, capsys):
    """A function that returns what the command prints for a table with the mixed model."""
    MIXED.save(tmp_path / "mixed.json")

    def run(text, *options, code=0):
        (tmp_path / "new.csv").write_text(text)
        arguments = ["predict", str(tmp_path / "mixed.json"), str(tmp_path / "new.csv"), *options]
        assert main(arguments) == code
        captured = capsys.readouterr()
        return list(csv.reader(captured.out.splitlines())), captured.err

    return run


def test_the_classes_of_the_training_table_are_found(data, model, capsys):
    assert main(["predict", str(model), str(data)]) == 0
    header, *found = capsys.readouterr().out.splitlines()
    assert header == "predicted ripe"
    assert found == [line.split(",")[1] for line in data.read_text().splitlines()[1:]]


def test_only_the_model_is_needed_and_features_are_found_by_name(data, model, tmp_path, capsys):
    data.unlink()
    (tmp_path / "new.csv").write_text("other,ratio,size\nx,0,1500\nx,0,900\n")
    main(["predict", str(model), str(tmp_path / "new.csv")])
    assert capsys.readouterr().out == "predicted ripe\nyes\nno\n"


def test_a_model_of_version_1_still_predicts(tmp_path, capsys):
    (tmp_path / "new.csv").write_text("size,weight\n61,92.5\n66,110\n")
    path = Path(__file__).parent / "model_version_1.json"
    assert main(["predict", str(path), str(tmp_path / "new.csv"), "--proba"]) == 0
    assert capsys.readouterr().out == (
        "predicted ripe,P(no),P(yes)\nno,0.942009,0.0579911\nyes,0.233596,0.766404\n"
    )


def test_all_probabilities_are_written_on_request(predict):
    (header, *rows), _ = predict("a,c\n1,red\n5,01\n", "--proba")
    assert header == ["predicted sort", "P(x)", "P(y)", "P(z)"]
    columns = {"a": np.array([1.0, 5.0]), "c": np.array(["red", "01"], object)}
    _, expected = MIXED.predict(columns)
    np.testing.assert_allclose([[float(p) for p in row[1:]] for row in rows], expected, rtol=1e-5)


def test_columns_are_kept_on_request(predict):
    rows, _ = predict("n,a,c\n1,0.5,red\n2,-3,blue\n", "--keep-columns")
    assert rows == [
        ["n", "a", "c", "predicted sort"], ["1", "0.5", "red", "z"], ["2", "-3.0", "blue", "y"],
    ]  # fmt: skip


def test_a_category_that_looks_like_a_number_is_a_text(predict):
    # Of these, only "01" is a category that the model knows.
    rows, _ = predict("a,c\n1,01\n1,1\n1,1.0\n", "--proba")
    assert rows[1] != rows[2] == rows[3]


def test_a_kept_column_with_the_name_of_a_prediction_is_refused(predict):
    text = "a,c,P(y)\n1,red,3\n"
    _, error = predict(text, "--keep-columns", "--proba", code=2)
    assert "new.csv has a column 'P(y)' already: rename it, or leave out --keep-col" in error
    predict(text, "--keep-columns")


FAULTY = "a,c\n1,red\noops,red\n,red\n1,\n1,red,7\n1,blue\n1e999,red\n"


def test_rows_that_cannot_be_read_stay_empty_and_are_named(predict):
    rows, error = predict(FAULTY)
    assert [row[0] for row in rows[1:]] == ["z", "", "", "", "", "z", ""]
    first, *lines = error.splitlines()
    assert first.endswith("5 of 7 rows cannot be read and have no prediction:")
    assert len(lines) == 5
    for number, words in [(3, "found 'oops'"), (4, "'a', is empty"), (5, "'c', is empty"),
                          (8, "must hold a finite number"), (6, "")]:  # fmt: skip
        assert any(f"new.csv, line {number}, " in line and words in line for line in lines)


def test_rows_that_cannot_be_read_keep_their_place_among_kept_columns(predict):
    rows, _ = predict(FAULTY, "--keep-columns", "--proba")
    assert len({len(row) for row in rows}) == 1
    assert [row[0] for row in rows[1:]] == ["1", "oops", "", "1", "", "1", "1e999"]
    assert [row[2] for row in rows[1:]] == ["z", "", "", "", "", "z", ""]
    assert [row[3] != "" for row in rows[1:]] == [row[2] != "" for row in rows[1:]]


def test_whole_numbers_stay_whole_beside_rows_that_cannot_be_read(predict):
    rows, _ = predict("a,c,n\n1,red,7\n1,red\n1,red,8\n", "--keep-columns")
    assert [row[2] for row in rows] == ["n", "7", "", "8"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("oops,red", "line 3, column 'a', must hold a finite number, found 'oops'"),
        (",red", "line 3, column 'a', is empty"),
        ("1,", "line 3, column 'c', is empty"),
        ("1,red,7", "line 3"),
    ],
)
def test_a_strict_prediction_refuses_the_table(predict, row, message):
    out, error = predict(f"a,c\n1,red\n{row}\n", "--strict", code=2)
    assert out == [] and message in error and error.count("\n") == 1


def test_a_strict_prediction_of_a_clean_table_is_the_same(predict):
    assert predict("a,c\n1,red\n", "--strict") == ([["predicted sort"], ["z"]], "")


def test_only_a_dozen_rows_are_named(predict):
    _, error = predict("a,c\n" + "x,red\n" * 100)
    first, *lines = error.splitlines()
    assert "100 of 100 rows" in first and first.endswith("; the first 12 are:")
    assert len(lines) == 12


def test_numbers_too_large_for_a_prediction_are_named(tmp_path, capsys):
    features = [NumberFeature("a", 0.0, 1e-9, None, [1]), NumberFeature("b", 0.0, 1e-9, None, [-1])]
    TableModel("t", ["no", "yes"], "log", "refuse", features, [0.0]).save(tmp_path / "m.json")
    (tmp_path / "new.csv").write_text("a,b\n1,2\n1e308,1e308\n")
    assert main(["predict", str(tmp_path / "m.json"), str(tmp_path / "new.csv")]) == 0
    error = capsys.readouterr().err
    assert "1 of 2 rows cannot be read and has no prediction" in error
    assert "line 3, has numbers too large to compute w.x + b." in error


def test_a_missing_feature_is_named(model, tmp_path, capsys):
    (tmp_path / "new.csv").write_text("other,size\nx,1500\n")
    assert main(["predict", str(model), str(tmp_path / "new.csv")]) == 2
    assert "must have the column 'ratio', found 'other', 'size': add it" in capsys.readouterr().err


def test_predictions_are_written_to_the_output_file(data, model, tmp_path, capsys):
    main(["predict", str(model), str(data), "--output", str(tmp_path / "out.csv")])
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 61
    assert capsys.readouterr().out == f"Saved {tmp_path / 'out.csv'}.\n"


def test_a_failed_prediction_keeps_the_old_output_file(data, model, tmp_path):
    (tmp_path / "out.csv").write_text("old")
    (tmp_path / "new.csv").write_text("size,ratio\n1,\n")
    arguments = ["predict", str(model), str(tmp_path / "new.csv"), "--strict"]
    assert main([*arguments, "--output", str(tmp_path / "out.csv")]) == 2
    assert (tmp_path / "out.csv").read_text() == "old"


def test_a_parquet_file_is_predicted(predict, tmp_path, capsys):
    predict("a,c\n1,red\n")
    frame = pd.DataFrame({"a": [1.0, np.nan], "c": ["red", "red"]})
    frame.to_parquet(tmp_path / "new.parquet")
    assert main(["predict", str(tmp_path / "mixed.json"), str(tmp_path / "new.parquet")]) == 0
    captured = capsys.readouterr()
    assert captured.out == 'predicted sort\nz\n""\n'
    assert "new.parquet, row 2, column 'a', is empty" in captured.err
