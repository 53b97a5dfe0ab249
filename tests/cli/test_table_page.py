"""The HTML page of a model of the user's table."""

from argparse import ArgumentParser
from base64 import b64decode

import numpy as np
import pandas as pd
import pytest
from helpers import HtmlPage

from oneneuron.cli import _picture_rendering, main
from oneneuron.cli._table_columns import Feature
from oneneuron.cli._table_page import table_page
from oneneuron.cli._table_reading import Table
from oneneuron.cli._table_training import add_training_options, train_on_table


def made_page(num_classes, *given, frame=None, missing="refuse", notes=(), n=80):
    """Return the page of a table with two numbers and a text, or of a frame, and the training."""
    rng = np.random.default_rng(0)
    codes = np.arange(n) % num_classes
    if frame is None:
        frame = pd.DataFrame(
            {
                "size & <weight>": 100 * codes + 60 * rng.standard_normal(n),
                "ratio": rng.standard_normal(n),
                "colour": rng.choice(["<red>", "blue"], n),
            }
        )
    features = [
        Feature(name, None if frame[name].dtype.kind == "f" else tuple(sorted(set(frame[name]))))
        for name in frame
    ]  # fmt: skip
    labels = np.array([f"class <{code}>" for code in codes], object)
    parser = ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--keep-columns", action="store_true")
    parser.add_argument("--drop", nargs="+", default=[])
    add_training_options(parser)
    arguments = parser.parse_args(["my table.csv", *given])
    arguments.target, arguments.missing = "sort", missing
    arguments.get_default = lambda name: (
        getattr(arguments, name) if name in ("target", "missing") else parser.get_default(name)
    )
    table = Table("a/my table.csv", frame, np.arange(2, n + 2))
    training = train_on_table(
        table, features, labels, sorted(set(labels)), arguments, record_every=1
    )
    page = table_page(table, features, labels, training, notes, arguments)
    return HtmlPage(page), training


@pytest.fixture(scope="module", params=[2, 3])
def made(request):
    return made_page(request.param)


@pytest.fixture
def undrawn(monkeypatch):
    """Makes pictures empty, for the tests of what is around them."""
    monkeypatch.setattr(_picture_rendering, "render", lambda *_, **__: b"")


def test_every_element_of_the_page_is_closed(made):
    page, _ = made
    assert page.open == []


def test_the_page_refers_to_nothing_outside_of_it(made):
    page, _ = made
    assert len(page.addresses) == 7
    assert all(address.startswith("data:") for address in page.addresses)
    assert not page.all("script") and not page.all("iframe")


def test_the_pictures_are_different_png_files_with_a_text_for_each(made):
    page, _ = made
    pictures = [
        b64decode(image["src"].removeprefix("data:image/png;base64,")) for image in page.all("img")
    ]
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
    assert len(set(pictures)) == 6
    assert all(len(image["alt"]) > 20 for image in page.all("img"))


def test_names_are_escaped(made):
    page, _ = made
    assert "A model of sort in my table.csv" in page.text
    for name in ("size & <weight>", "class <0>", "<red>"):
        assert name in page.text


def test_the_page_has_the_scores_of_each_method(made):
    page, training = made
    for name, scores in training.scores.items():
        numbers = f"{100 * scores.accuracy:.1f} %{scores.log_loss:.4f}{scores.brier:.4f}"
        assert f"{name}{numbers}" in page.text


def test_the_rows_with_the_lowest_probabilities_of_their_classes_are_listed(made):
    page, training = made
    own = training.probabilities[
        np.arange(len(training.held_out)),
        [training.model.classes.index(f"class <{row % len(training.model.classes)}>")
         for row in training.held_out],
    ]  # fmt: skip
    worst = np.argsort(own)[:10]
    places = [f"line {training.held_out[i] + 2}class" for i in worst]
    found = [page.text.index(place) for place in places]
    assert found == sorted(found)
    assert f"{own[worst[0]]:.3g}" in page.text


def test_the_command_repeats_the_options_that_are_not_the_default(undrawn):
    page, _ = made_page(2, "--cv", "3", "--loss", "log", "--keep-columns", "--drop", "a b", "c")
    assert page.text.endswith(
        "makes the same page again: oneneuron fit 'my table.csv' --keep-columns --drop 'a b' c "
        "--loss log --cv 3"
    )


def test_notes_are_on_the_page(undrawn):
    page, _ = made_page(2, notes=["note: left out <x>", "warning: it is a guess"])
    assert "Note: left out <x>" in page.text and "Warning: it is a guess" in page.text


def test_a_model_that_gets_all_rows_right_says_so(undrawn):
    frame = pd.DataFrame({"a": np.arange(80) % 2 + 0.0, "b": np.arange(80.0) % 3})
    page, _ = made_page(2, frame=frame)
    assert "All 16 rows are predicted right." in page.text


def test_missing_cells_are_counted_and_shown(undrawn):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"a": rng.random(80), "b": rng.random(80)})
    frame.loc[rng.random(80) < 0.5, "a"] = np.nan
    page, _ = made_page(2, frame=frame, missing="mean")
    count = frame["a"].isna().sum()
    assert f"mean {frame['a'].mean():.4g}{count}" in page.text
    assert "missing" in page.text.partition("most wrong")[2]


def test_only_so_many_features_are_listed(undrawn):
    frame = pd.DataFrame(np.random.default_rng(0).random((80, 53)))
    page, _ = made_page(2, frame=frame.rename(columns=lambda number: f"f{number}"))
    assert "3 more features are not listed." in page.text and "f49number" in page.text
    assert "f50number" not in page.text


@pytest.mark.parametrize(
    ("num_classes", "frame", "num_pictures"),
    [
        (2, pd.DataFrame({"a": np.arange(80.0) % 7}), 5),
        (2, pd.DataFrame({"c": [f"k{i % 6}" for i in range(80)]}), 5),
        (2, pd.DataFrame({"a": np.full(80, 3.0), "b": np.full(80, 3.0)}), 6),
        (12, None, 5),
        (45, None, 5),
    ],
    ids=["one number", "categories alone", "constants", "12 classes", "45 classes"],
)
def test_a_page_can_be_made_of_unusual_tables(num_classes, frame, num_pictures):
    page, _ = made_page(num_classes, frame=frame, n=80 if num_classes < 20 else 200)
    assert len(page.all("img")) == num_pictures


def test_the_plane_of_two_features_that_are_never_both_present_is_left_out(undrawn):
    x = np.random.default_rng(0).random(80)
    is_even = np.arange(80) // 2 % 2 == 0
    frame = pd.DataFrame({"a": np.where(is_even, x, np.nan), "b": np.where(is_even, np.nan, x)})
    page, _ = made_page(2, frame=frame, missing="mean")
    assert len(page.all("img")) == 5


def test_only_a_sample_of_many_rows_is_drawn_as_dots(undrawn):
    page, _ = made_page(2, n=2100)
    assert "2,000 of the rows in the plane" in page.text


def test_letters_that_the_font_lacks_cause_no_warning():
    frame = pd.DataFrame({"字": np.random.default_rng(0).random(80), "b $x": np.arange(80.0)})
    assert "字" in made_page(2, frame=frame)[0].text


@pytest.mark.parametrize("solver", ["lbfgs", "gd"])
def test_the_fit_command_writes_the_page(data, tmp_path, solver, capsys):
    path = tmp_path / "report.html"
    arguments = ["fit", str(data), "--target", "ripe", "--output", str(tmp_path / "m.json")]
    assert main([*arguments, "--solver", solver, "--html", str(path)]) == 0
    assert f"Saved {tmp_path / 'm.json'} and {path}." in capsys.readouterr().out
    page = HtmlPage(path.read_text(encoding="utf-8"))
    assert "A model of ripe in data.csv" in page.text
    assert f"steps of {'L-BFGS' if solver == 'lbfgs' else 'gradient descent'}" in page.text
