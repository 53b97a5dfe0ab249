"""The command line, as somebody types it."""

import io
import json
import re
import subprocess
import sys
import warnings
from importlib.metadata import version

import numpy as np
import pytest

from oneneuron import compare
from oneneuron._engine import dispatch, training
from oneneuron.cli import main
from oneneuron.cli._table_model import TableModel
from oneneuron.compare import Timing

DURATION = r"[\d,.]+ (s|ms|µs)"


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


def test_the_lecture_compares_three_methods_in_columns(tmp_path, capsys):
    main(["lecture", "--seed", "1", "--output", str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    top = next(i for i, line in enumerate(lines) if line.startswith("method"))
    rows = lines[top + 1 : top + 4]
    assert all(re.search(rf"[\d.]+ % +[\d.]+ % +{DURATION}$", row) for row in rows)
    assert len({len(line) for line in lines[top : top + 4]}) == 1


def test_a_seed_repeats_the_lecture(tmp_path, capsys):
    def lines():
        main(["lecture", "--seed", "3", "-n", "50", "--steps", "1500", "--output", str(tmp_path)])
        return re.sub(DURATION, "", capsys.readouterr().out).split()

    assert lines() == lines()


def test_the_seed_that_is_drawn_and_printed_repeats_the_lecture(tmp_path, capsys):
    arguments = ["lecture", "-n", "50", "--steps", "10", "--output", str(tmp_path)]
    main(arguments)
    first = capsys.readouterr().out
    main([*arguments, "--seed", re.search(r"seed (\d+)", first)[1]])
    second = capsys.readouterr().out
    assert re.sub(DURATION, "", first).split() == re.sub(DURATION, "", second).split()


@pytest.mark.parametrize(
    ("n", "steps", "words"),
    [
        (5, 1, ("4 samples to train on, 1 held out", "(1 step).")),
        (10_000, 2000, ("8,000 samples to train on, 2,000 held out", "(2,000 steps).")),
    ],
)
def test_the_lecture_counts_its_samples_and_steps(tmp_path, capsys, n, steps, words):
    arguments = ["-n", str(n), "--steps", str(steps), "--eta", "1e-5"]
    main(["lecture", *arguments, "--output", str(tmp_path)])
    out = capsys.readouterr().out
    assert all(part in out for part in words)


def test_a_training_of_less_than_a_millisecond_is_told_in_microseconds(
    tmp_path, monkeypatch, capsys
):

    monkeypatch.setattr(_lecture_command, "timed", lambda f, *arguments: (f(*arguments), 2.5e-4))
    main(["lecture", "--output", str(tmp_path)])
    out = capsys.readouterr().out
    assert "took 250 µs" in out and re.search(r"gradient descent .* 250 µs$", out, re.MULTILINE)


def test_the_lecture_makes_its_folder(tmp_path):
    folder = tmp_path / "new" / "folder"
    assert main(["lecture", "-n", "5", "--steps", "0", "--output", str(folder)]) == 0
    assert (folder / "dots.png").exists()


def test_a_lecture_that_diverges_says_so_in_one_line(tmp_path, capsys):
    assert main(["lecture", "--seed", "1", "--eta", "1e308", "--output", str(tmp_path)]) == 0
    error = capsys.readouterr().err
    assert error.startswith("oneneuron: warning: Training stopped") and error.count("\n") == 1


def test_the_command_on_the_page_has_all_digits_of_eta_and_a_name_that_a_shell_takes(
    tmp_path, monkeypatch
):
    seen = []
    monkeypatch.setattr("oneneuron.cli._report.lecture_page", lambda run: seen.append(run) or "")
    main(["lecture", "--seed", "1", "-n", "50", "--steps", "30", "--eta", "0.00123456789",
          "--output", str(tmp_path), "--html", str(tmp_path / "my $page.html")])  # fmt: skip
    assert seen[0].command == (
        "oneneuron lecture -n 50 --eta 0.00123456789 --steps 30 --seed 1 --html 'my $page.html'"
    )


def test_fit_says_how_it_does_in_training_and_held_out(data, tmp_path, capsys):
    main(["fit", str(data), "--target", "ripe", "--output", str(tmp_path / "m.json")])
    out = capsys.readouterr().out
    assert "60 rows, 2 features, classes no and yes" in out
    assert "accuracy held out      100.0 % of 12 rows" in out


def test_fit_counts_a_single_feature_in_the_singular(tmp_path, capsys):
    (tmp_path / "d.csv").write_text("x,t\n1,a\n2,b\n3,a\n4,b\n")
    arguments = ["fit", str(tmp_path / "d.csv"), "--target", "t", "--test-size", "0.5"]
    main([*arguments, "--output", str(tmp_path / "m.json")])
    assert "4 rows, 1 feature, classes a and b" in capsys.readouterr().out


def test_predict_gives_back_the_classes_that_fit_was_shown(data, model, capsys):
    assert main(["predict", str(model), str(data)]) == 0
    found = [line.split(",")[0] for line in capsys.readouterr().out.splitlines()[1:]]
    assert found == [line.split(",")[1] for line in data.read_text().splitlines()[1:]]


def test_predict_needs_nothing_but_the_model_and_finds_the_features_by_name(
    data, model, tmp_path, capsys
):
    data.unlink()
    (tmp_path / "new.csv").write_text("other,ratio,size\nx,0,1500\nx,0,900\n")
    main(["predict", str(model), str(tmp_path / "new.csv")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "class,P(yes)"
    assert [line.split(",")[0] for line in lines[1:]] == ["yes", "no"]


def test_predict_names_the_feature_that_is_missing(model, tmp_path, capsys):
    (tmp_path / "new.csv").write_text("other,size\nx,1500\n")
    assert main(["predict", str(model), str(tmp_path / "new.csv")]) == 2
    assert "must have the column 'ratio'; there are other, size" in capsys.readouterr().err


def test_the_model_carries_the_mean_and_deviation_of_the_training_rows(data, tmp_path):
    from sklearn.model_selection import train_test_split

    path = tmp_path / "m.json"
    main(["fit", str(data), "--target", "ripe", "--seed", "4", "--output", str(path)])
    rows = [line.split(",") for line in data.read_text().splitlines()[1:]]
    sizes, ripe = [float(row[0]) for row in rows], [row[1] for row in rows]
    train, _ = train_test_split(sizes, test_size=0.2, stratify=ripe, random_state=4)
    saved = json.loads(path.read_text())
    found = (saved["mean"][0], saved["scale"][0])
    np.testing.assert_allclose(found, (np.mean(train), np.std(train)), rtol=1e-12)


def test_the_test_size_is_the_share_held_out(data, tmp_path, capsys):
    path = tmp_path / "m.json"
    main(["fit", str(data), "--target", "ripe", "--test-size", "0.5", "--output", str(path)])
    assert "of 30 rows" in capsys.readouterr().out


def test_a_fit_that_diverges_says_so_in_one_line_and_saves_a_model(data, tmp_path, capsys):
    path = tmp_path / "m.json"
    arguments = ["fit", str(data), "--target", "ripe", "--no-standardise", "--eta", "1e308"]
    assert main([*arguments, "--output", str(path)]) == 0
    error = capsys.readouterr().err
    assert "is too large: try --eta auto" in error and error.count("\n") == 1
    assert TableModel.load(path).features == ["size", "ratio"]


def test_the_bar_is_drawn_on_a_terminal_only_and_erased(monkeypatch, data, tmp_path, capsys):
    clock = iter(range(10**6))
    monkeypatch.setattr(_progress, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    arguments = ["fit", str(data), "--target", "ripe", "--steps", "200"]
    main([*arguments, "--output", str(tmp_path / "m.json")])
    error = capsys.readouterr().err
    assert "] 100 %" in error and error.endswith("\r" + 60 * " " + "\r")


def test_no_bar_is_drawn_where_there_is_no_terminal(monkeypatch, data, tmp_path, capsys):
    clock = iter(range(10**6))
    monkeypatch.setattr(_progress, "perf_counter", lambda: next(clock))
    arguments = ["fit", str(data), "--target", "ripe", "--steps", "200"]
    main([*arguments, "--output", str(tmp_path / "m.json")])
    assert capsys.readouterr().err == ""


def test_predict_writes_to_a_file_when_asked(data, model, tmp_path):
    main(["predict", str(model), str(data), "--output", str(tmp_path / "out.csv")])
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 61


def test_without_standardising_the_model_scales_by_one(data, tmp_path):
    path = tmp_path / "m.json"
    main(["fit", str(data), "--target", "ripe", "--no-standardise", "--output", str(path)])
    saved = json.loads(path.read_text())
    assert (saved["mean"], saved["scale"]) == ([0.0, 0.0], [1.0, 1.0])


def test_a_constant_column_is_not_scaled(tmp_path):
    # 0.1 is no binary fraction: its computed standard deviation need not be 0.
    rows = [f"{i},0.1,{'ab'[i > 24]}" for i in range(50)]
    (tmp_path / "d.csv").write_text("x,c,t\n" + "\n".join(rows) + "\n")
    arguments = ["fit", str(tmp_path / "d.csv"), "--target", "t"]
    assert main([*arguments, "--output", str(tmp_path / "m.json")]) == 0
    assert TableModel.load(tmp_path / "m.json").scale[1] == 1.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,u\n1,a\n2,b\n", "found 't'; there are x, u."),
        (
            "x,t\n1,a\ntwo,b\n",
            "d.csv, line 3, column 'x': a feature must be a finite number, found 'two'",
        ),
        ("x,t\n,a\n2,b\n", "line 2, column 'x': a feature must be a finite number, found an empty"),
        ("x,t\nnan,a\n2,b\n", "found 'nan'"),
        ("x,t\n-inf,a\n2,b\n", "found '-inf'"),
        ("x,t\n1,\n2,b\n", "line 2, column 't': the class is an empty cell"),
        ("x,t\n1,a\n2,a\n", "must have two classes, found 1: a"),
        ("x,t\n1,a\n2,b\n3,c\n", "must have two classes, found 3: a, b, c"),
        ("x,t\n1,a\n2\n", "line 3, must have 2 cells"),
        ("x,x,t\n1,1,a\n", "found 'x' 2 times"),
        ("x,,t\n1,1,a\n", "found none for column 2"),
        ("x,t\n", "must have rows"),
        ("", "must start with a header line"),
        ("t\na\nb\n", "must have a column beside the target"),
        ("x,t\n" + "1,a\n" * 20 + "2,b\n", "class 'b' has 1 of 21 rows"),
        ("x,t\n" + "1e308,a\n-1e308,b\n" * 10, "column 'x', has numbers too large"),
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
        ["compare", "--output", "{folder}"],
        ["compare", "--output", "{folder}/none/c.png"],
        ["compare", "--output", "{folder}/c.png", "--json", "{folder}"],
        ["compare", "--output", "{folder}/c.png", "--json", "{folder}/./c.png"],
        ["compare", "--output", "{folder}/c"],
        ["lecture", "--output", "{folder}", "--html", "{folder}/./dots.png"],
        ["fit", "{data}", "--target", "ripe", "--output", "{data}"],
        ["lecture", "--output", "{data}/folder"],
        ["predict", "{data}", "{data}"],
        ["predict", "{data}", "{data}", "--output", "{data}/out.csv"],
    ],
)
def test_a_path_or_size_that_will_not_do_is_one_line_and_exit_2(tmp_path, data, capsys, arguments):
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
        ["fit", "d.csv", "--target", "t", "--output"],
        ["predict", "m.json", "d.csv", "--output"],
    ],
)
def test_an_empty_path_is_refused_by_the_option_s_name(capsys, arguments):
    with pytest.raises(SystemExit) as stop:
        main([*arguments, ""])
    assert stop.value.code == 2
    assert capsys.readouterr().err == (
        f"oneneuron: error: argument {arguments[-1]}: must be a path, found an empty one\n"
    )


def test_a_prediction_that_fails_leaves_the_old_file(data, model, tmp_path):
    (tmp_path / "out.csv").write_text("old")
    (tmp_path / "new.csv").write_text("size,ratio\n1,\n")
    arguments = ["predict", str(model), str(tmp_path / "new.csv")]
    assert main([*arguments, "--output", str(tmp_path / "out.csv")]) == 2
    assert (tmp_path / "out.csv").read_text() == "old"


@pytest.mark.parametrize(
    "option",
    ["-n=4", "--eta=0", "--eta=-1", "--eta=nan", "--steps=-1", "--seed=x", "--seed=4294967296"],
)
def test_a_lecture_option_out_of_range_is_one_line_and_exit_2(option, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["lecture", option])
    error = capsys.readouterr().err
    assert stop.value.code == 2
    assert error.startswith("oneneuron: error: ") and error.count("\n") == 1


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
def test_a_value_that_is_no_number_is_refused_by_what_it_must_be(option, message, capsys):
    with pytest.raises(SystemExit):
        main(["fit", "d.csv", "--target", "t", option])
    name = option.partition("=")[0]
    assert capsys.readouterr().err == f"oneneuron: error: argument {name}: {message}\n"


@pytest.mark.parametrize("option", ["--eta=fast", "--test-size=0", "--test-size=1", "--threads=0"])
def test_a_fit_option_out_of_range_exits_2(option):
    with pytest.raises(SystemExit) as stop:
        main(["fit", "d.csv", "--target", "t", option])
    assert stop.value.code == 2


@pytest.mark.parametrize("option", ["-n=4", "--steps=0", "--seed=-1", "--json"])
def test_a_compare_option_out_of_range_exits_2(option):
    with pytest.raises(SystemExit) as stop:
        main(["compare", option])
    assert stop.value.code == 2


@pytest.fixture
def made_ladder(monkeypatch, tmp_path):
    """Makes `compare` find these rows at once, in an empty folder; returns them."""
    rows = [
        Timing("pure Python", 2000, 4.0, 5000.0, None, 0.25, 10, None),
        Timing("the lecture's style", 2000, 1.0, 1250.0, 4.0, 1.0, 2000, None),
        Timing("JAX", 2000, 0.25, 312.5, 4.0, 4.0, 2000, 0.5),
    ]

    def ladder(problem, num_steps, watch):
        for row in rows:
            watch(0.5, row.name)
        return rows

    monkeypatch.setattr(compare, "ladder", ladder)
    monkeypatch.chdir(tmp_path)
    return rows


def test_compare_makes_the_whole_ladder(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(compare, "find_spec", lambda library: None)
    monkeypatch.chdir(tmp_path)
    assert main(["compare", "-n", "10", "--steps", "3"]) == 0
    out = capsys.readouterr().out
    for words in ("8 samples of 2 features, 3 steps", "pure Python", "the lecture's style",
                  "naive Cython", "oneneuron, float32", "not installed: torch, jax, numba",
                  f"kernels {', '.join(dispatch.available)}; Python"):  # fmt: skip
        assert words in out
    assert [path.name for path in tmp_path.iterdir()] == ["compare.png"]


def test_compare_prints_a_line_for_each_rung_in_columns(made_ladder, capsys):
    main(["compare", "--steps", "2000"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines[2:4]] == ["step,", "compiling"]
    assert [re.split("  +", line.strip()) for line in lines[4:7]] == [
        ["pure Python", "4.00 s*", "5,000", "0.25 x"],
        ["the lecture's style", "1.00 s", "1,250", "4.00 x", "1.00 x"],
        ["JAX", "250 ms", "312", "4.00 x", "4.00 x", "500 ms"],
    ]
    assert len({line.rindex(" x") for line in lines[4:7]}) == 1


def test_compare_has_no_column_of_first_steps_and_no_star_where_nothing_needs_them(
    made_ladder, capsys
):
    made_ladder[:] = made_ladder[1:2]
    main(["compare", "--steps", "2000"])
    out = capsys.readouterr().out
    assert "first step" not in out and "*" not in out


def test_compare_begins_with_the_size_of_its_descent(made_ladder, capsys):
    main(["compare", "--steps", "2000"])
    assert capsys.readouterr().out.splitlines()[0] == (
        "400 samples of 2 features, 2,000 steps of the same descent, eta = 0.005"
    )


def test_compare_counts_one_step_in_the_singular(made_ladder, capsys):
    made_ladder[:] = [row._replace(num_steps=1) for row in made_ladder]
    main(["compare", "--steps", "1"])
    assert re.findall(r"1 steps?\b", capsys.readouterr().out) == ["1 step", "1 step"]


@pytest.mark.parametrize(("n", "is_below"), [(500, False), (50_000, True)])
def test_compare_says_why_its_step_is_below_the_lecture_s_where_it_is(
    made_ladder, capsys, n, is_below
):
    main(["compare", "-n", str(n)])
    words = "eta is below the lecture's 0.005: with so many samples that would swing."
    assert (words in capsys.readouterr().out) == is_below


def test_compare_explains_its_star(made_ladder, capsys):
    main(["compare", "--steps", "2000"])
    assert "* timed over fewer steps" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("count", "words"), [(1, "There is one core, so no rung"), (2, "the last two on all 2 if")]
)
def test_compare_says_on_how_many_cores(made_ladder, monkeypatch, capsys, count, words):
    monkeypatch.setattr("oneneuron._engine.cores.count", lambda: count)
    main(["compare", "--steps", "2000"])
    assert words in capsys.readouterr().out


def test_the_figures_of_compare_are_those_of_its_rows(made_ladder, tmp_path):
    main(["compare", "-n", "10", "--steps", "2000", "--seed", "3", "--json", "c.json"])
    found = json.loads((tmp_path / "c.json").read_text())
    assert [Timing(**rung) for rung in found["rungs"]] == made_ladder
    assert (found["samples"], found["seed"], found["eta"]) == (8, 3, 0.005)
    assert found["machine"]["numpy"] == np.__version__


def test_compare_saves_a_picture_where_it_is_told(made_ladder, tmp_path, capsys):
    main(["compare", "--steps", "2000", "--output", "bars.png"])
    assert (tmp_path / "bars.png").exists()
    assert capsys.readouterr().out.endswith("Saved bars.png.\n")


@pytest.mark.parametrize(
    ("name", "start"),
    [("a.png", b"\x89PNG"), ("a.PNG", b"\x89PNG"), ("a.pdf", b"%PDF"), ("a.b.svg", b"<?xml")],
)
def test_the_picture_of_compare_is_what_its_name_says(made_ladder, tmp_path, name, start):
    main(["compare", "--output", name])
    assert (tmp_path / name).read_bytes().startswith(start)


@pytest.mark.parametrize("name", ["bars", "bars.txt", "bars.pgf", "bars.", ".png"])
def test_a_name_that_is_no_picture_s_is_refused_before_anything_is_timed(
    made_ladder, monkeypatch, capsys, name
):
    monkeypatch.setattr(compare, "ladder", lambda *_: pytest.fail("it was timed"))
    assert main(["compare", "--output", name]) == 2
    assert capsys.readouterr().err == (
        f"oneneuron: error: --output must end as a picture's name does, found {name}: end it in "
        f".png, .pdf or .svg.\n"
    )


def test_a_bad_path_is_found_out_before_anything_is_timed(made_ladder, monkeypatch):
    monkeypatch.setattr(compare, "ladder", lambda *_: pytest.fail("it was timed"))
    assert main(["compare", "--output", "none/c.png"]) == 2


def test_a_rung_that_ends_elsewhere_is_one_line_and_writes_nothing(
    made_ladder, monkeypatch, tmp_path, capsys
):
    def refused(*_):
        compare.check_end("JAX", None, np.zeros(2), np.ones(2))

    monkeypatch.setattr(compare, "ladder", refused)
    assert main(["compare"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("oneneuron: error: JAX ends elsewhere") and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_library_that_does_not_work_is_a_line_beside_the_table(made_ladder, monkeypatch, capsys):
    def warned(*_):
        warnings.warn("jax is\nbroken", RuntimeWarning, stacklevel=1)
        warnings.warn("jax is old", DeprecationWarning, stacklevel=1)
        return made_ladder

    monkeypatch.setattr(compare, "ladder", warned)
    assert main(["compare"]) == 0
    assert capsys.readouterr().err == "oneneuron: warning: jax is broken\n"


def test_the_bar_of_compare_names_the_rung_at_work(made_ladder, monkeypatch, capsys):
    clock = iter(range(10**6))
    monkeypatch.setattr(_progress, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    main(["compare", "--steps", "2000"])
    error = capsys.readouterr().err
    assert "]  50 % JAX" in error and error.endswith("\r" + 60 * " " + "\r")


def test_ctrl_c_exits_130(monkeypatch, data, tmp_path):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(training.Training, "advance", interrupted)
    path = tmp_path / "m.json"
    assert main(["fit", str(data), "--target", "ripe", "--output", str(path)]) == 130
    assert not path.exists()


class FullFrom(io.StringIO):
    """A stdout that is full as soon as a word comes."""

    def __init__(self, word):
        super().__init__()
        self.word = word

    def write(self, text):
        if self.word in text:
            raise OSError("no space left")
        return super().write(text)


def test_what_compare_found_is_not_lost_with_its_table(made_ladder, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "stdout", FullFrom("samples"))
    assert main(["compare", "--json", "c.json"]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.json", "compare.png"]


def test_the_lecture_s_files_are_not_lost_with_its_table(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "stdout", FullFrom("On the test data"))
    monkeypatch.chdir(tmp_path)
    assert main(["lecture", "-n", "50", "--steps", "10", "--html", "a.html"]) == 2
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["a.html", "boundary.png", "dots.png"]


def test_commands_run_where_there_is_no_stdout(data, model, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["info"]) == 0
    assert main(["predict", str(model), str(data)]) == 0


def test_a_reader_that_goes_away_is_no_error(data, model):
    run = subprocess.Popen(
        [sys.executable, "-m", "oneneuron", "predict", str(model), str(data)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    run.stdout.close()
    error = run.stderr.read()
    run.stderr.close()
    assert (run.wait(), error) == (1, b"")


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"oneneuron {version('oneneuron')}\n"


def test_the_command_runs_as_a_module():
    run = subprocess.run(
        [sys.executable, "-m", "oneneuron", "info"], capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith("oneneuron ")


def test_info_tells_the_kernel_the_threads_and_the_versions(capsys):
    assert main(["info"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["oneneuron", "kernel", "threads", "Python"]
    assert f"kernel {dispatch.level} (available: {', '.join(dispatch.available)})" in lines
    assert f"numpy {np.__version__}" in lines[-1]


def test_the_number_of_threads_changes_no_bit_of_the_model(data, model, tmp_path):
    arguments = ["fit", str(data), "--target", "ripe", "--threads", "1"]
    assert main([*arguments, "--output", str(tmp_path / "one.json")]) == 0
    assert (tmp_path / "one.json").read_bytes() == model.read_bytes()
