"""The command line, as somebody types it."""

import json
import subprocess
import sys

import numpy as np
import pytest

from oneneuron.cli import main


def made_table(path, n=60):
    """Two features of very different size, two classes apart in the first."""
    rng = np.random.default_rng(0)
    yes = rng.integers(0, 2, n).astype(bool)
    size = 1000 + 50 * rng.standard_normal(n) + 400 * yes
    ratio = 1e-3 * rng.standard_normal(n)
    lines = [
        f"{s:.6g},{'yes' if t else 'no'},{r:.6g}" for s, t, r in zip(size, yes, ratio, strict=True)
    ]
    path.write_text("size,ripe,ratio\n" + "\n".join(lines) + "\n")
    return path


@pytest.fixture
def data(tmp_path):
    return made_table(tmp_path / "data.csv")


@pytest.fixture
def model(tmp_path, data, capsys):
    path = tmp_path / "model.json"
    assert main(["fit", str(data), "--target", "ripe", "--output", str(path)]) == 0
    capsys.readouterr()
    return path


def test_the_lecture_prints_its_lines_and_saves_two_pictures(tmp_path, capsys):
    assert main(["lecture", "--seed", "1", "--output", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    for words in ("Best by step 0:", "Best by step 9000:", "percent correct!", "test data",
                  "training took", "least squares", "logistic regression"):  # fmt: skip
        assert words in out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["boundary.png", "dots.png"]
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in tmp_path.iterdir())


def test_a_seed_repeats_the_lecture(tmp_path, capsys):
    def lines():
        main(["lecture", "--seed", "3", "-n", "50", "--steps", "1500", "--output", str(tmp_path)])
        return [x for x in capsys.readouterr().out.splitlines() if "took" not in x]

    assert lines() == lines()


def test_fit_says_how_it_does_in_training_and_held_out(data, tmp_path, capsys):
    main(["fit", str(data), "--target", "ripe", "--output", str(tmp_path / "m.json")])
    out = capsys.readouterr().out
    assert "60 rows, 2 features, classes no and yes" in out
    assert "accuracy held out      100.0 % of 12 rows" in out


def test_predict_gives_back_the_classes_that_fit_was_shown(data, model, capsys):
    assert main(["predict", str(model), str(data)]) == 0
    found = [line.split(",")[0] for line in capsys.readouterr().out.splitlines()]
    assert found == [line.split(",")[1] for line in data.read_text().splitlines()]


def test_predict_finds_the_features_by_name(model, tmp_path, capsys):
    (tmp_path / "new.csv").write_text("other,ratio,size\nx,0,1500\nx,0,900\n")
    main(["predict", str(model), str(tmp_path / "new.csv")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ripe,P(yes)"
    assert [line.split(",")[0] for line in lines[1:]] == ["yes", "no"]


def test_predict_writes_to_a_file_when_asked(data, model, tmp_path):
    main(["predict", str(model), str(data), "--output", str(tmp_path / "out.csv")])
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 61


def test_without_standardising_the_model_scales_by_one(data, tmp_path):
    path = tmp_path / "m.json"
    main(["fit", str(data), "--target", "ripe", "--no-standardise", "--output", str(path)])
    saved = json.loads(path.read_text())
    assert (saved["mean"], saved["scale"]) == ([0.0, 0.0], [1.0, 1.0])


def test_a_constant_column_does_no_harm(tmp_path, capsys):
    rows = [f"{i},7,{'ab'[i > 9]}" for i in range(20)]
    (tmp_path / "d.csv").write_text("x,c,t\n" + "\n".join(rows) + "\n")
    arguments = ["fit", str(tmp_path / "d.csv"), "--target", "t"]
    assert main([*arguments, "--output", str(tmp_path / "m.json")]) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,u\n1,a\n2,b\n", "--target must be a column of"),
        ("x,t\none,a\n2,b\n", "found 'one'"),
        ("x,t\n,a\n2,b\n", "found an empty cell"),
        ("x,t\nnan,a\n2,b\n", "found 'nan'"),
        ("x,t\n1,\n2,b\n", "the class is an empty cell"),
        ("x,t\n1,a\n2,a\n", "must have two classes, found 1: a"),
        ("x,t\n1,a\n2,b\n3,c\n", "must have two classes, found 3: a, b, c"),
        ("x,t\n1,a\n2\n", "line 3, must have 2 cells"),
        ("x,x,t\n1,1,a\n", "different column names"),
        ("x,t\n", "must have rows"),
        ("", "must start with a header line"),
        ("t\na\nb\n", "must have a column beside the target"),
        ("x,t\n1,a\n2,b\n", "found 2 rows"),
    ],
)
def test_a_bad_table_is_one_line_and_exit_2_and_writes_nothing(tmp_path, capsys, text, message):
    (tmp_path / "d.csv").write_text(text)
    (tmp_path / "m.json").write_text("old")
    arguments = ["fit", str(tmp_path / "d.csv"), "--target", "t"]
    assert main([*arguments, "--output", str(tmp_path / "m.json")]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert (tmp_path / "m.json").read_text() == "old"


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit", "{data}", "--target", "ripe", "--output", "{data}/m.json"],
        ["fit", "{data}", "--target", "ripe", "--output", "{folder}"],
        ["fit", "{folder}/none.csv", "--target", "ripe", "--output", "{folder}/m.json"],
        ["lecture", "--output", "{data}"],
        ["lecture", "--output", "{folder}/none"],
        ["lecture", "-n", "3", "--output", "{folder}"],
        ["predict", "{data}", "{data}"],
    ],
)
def test_a_path_or_size_that_will_not_do_is_one_line_and_exit_2(tmp_path, data, capsys, arguments):
    filled = [a.format(data=data, folder=tmp_path) for a in arguments]
    assert main(filled) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("oneneuron: error: ") and captured.err.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["data.csv"]


@pytest.mark.parametrize("option", ["--eta=0", "--eta=-1", "--eta=nan", "--steps=-1", "--seed=x"])
def test_an_option_out_of_range_exits_2(option, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["lecture", option])
    assert stop.value.code == 2


def test_the_command_runs_as_a_module():
    run = subprocess.run(
        [sys.executable, "-m", "oneneuron", "info"], capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith("oneneuron ")
