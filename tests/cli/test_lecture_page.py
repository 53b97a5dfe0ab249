"""The HTML page of a run of the lecture."""

import re
from base64 import b64decode

import numpy as np
import pytest
from helpers import HtmlPage

import oneneuron
from oneneuron.cli import _baselines, _picture_rendering, main
from oneneuron.cli._lecture_page import LectureRun, lecture_page
from oneneuron.lecture import example1


def made_run(**changes):
    """A run with a different number for each figure in the text."""
    data = example1.get_data(60, random_state=2)
    descent = oneneuron.train(
        data[0], data[2], eta=0.0625, num_steps=1234, init=([0.5, 0.5], 0.5), record_every=2
    )
    best = descent.best
    model = {"w1": 2.0, "w2": -0.5, "b": best.bias}
    scores = [_baselines.MethodScore("a & b", 0.875, 0.75, 0.0125)]
    run = LectureRun(data, model, descent, scores, "oneneuron <seed>")
    return run._replace(**changes)


@pytest.fixture(scope="module")
def page():
    return HtmlPage(lecture_page(made_run()))


def test_every_element_of_the_page_is_closed(page):
    assert page.open == []


def test_the_page_refers_to_nothing_outside_of_it(page):
    assert len(page.addresses) == 6
    assert all(address.startswith("data:") for address in page.addresses)
    assert "url(" not in page.text and "@import" not in page.text
    assert not page.all("script") and not page.all("iframe")


def test_the_five_pictures_are_different_png_files(page):
    pictures = [
        b64decode(image["src"].removeprefix("data:image/png;base64,")) for image in page.all("img")
    ]
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
    assert len(set(pictures)) == 5


def test_each_picture_has_a_text_that_describes_it(page):
    words = [image["alt"] for image in page.all("img")]
    assert all(len(alt) > 20 for alt in words) and len(set(words)) == 5


def test_the_page_has_the_figures_of_the_run(page):
    run = made_run()
    first, *_, last = run.descent.history.cost
    for words in ("On the 12 samples", "75.0 % right", "made 1,234 steps", "took 12.5 ms",
                  "The 48 samples used for training", "by η = 0.0625 times", f"is {first:.3g} at",
                  f"and {last:.3g} after", f"that of step {run.descent.best.step:,},"):  # fmt: skip
        assert words in page.text


def test_the_number_of_wrong_samples_is_the_model_s(page):
    _, test_pos, _, test_value = made_run().data
    wrong = np.sum((test_pos @ [2.0, -0.5] + made_run().model["b"] > 0) != test_value)
    assert f"On the wrong side of the line: {wrong}." in page.text


@pytest.mark.parametrize(
    ("model", "equation"),
    [
        ({"w1": 2.0, "w2": -0.5, "b": 1.25}, "2 x₁ - 0.5 x₂ + 1.25 = 0"),
        ({"w1": -2.0, "w2": 0.5, "b": -1.25}, "-2 x₁ + 0.5 x₂ - 1.25 = 0"),
    ],
)
def test_the_boundary_is_written_as_an_equation(model, equation, monkeypatch):
    monkeypatch.setattr(_picture_rendering, "render", lambda *_, **__: b"")
    text = HtmlPage(lecture_page(made_run(model=model))).text
    assert f"The boundary is the line {equation}." in text.replace("\N{MINUS SIGN}", "-")


def test_the_page_says_why_the_times_of_the_methods_differ(page):
    assert "it made 1,234 steps, and scored the neuron after each of them" in page.text
    assert "its solver stops as soon as it is near the minimum" in page.text


def test_html_in_names_and_commands_is_escaped(page):
    assert "a & b" in page.text and "oneneuron <seed>" in page.text


@pytest.mark.slow
def test_the_page_says_that_a_descent_diverged():
    data = example1.get_data(60, random_state=2)
    with pytest.warns(RuntimeWarning):
        descent = oneneuron.train(
            data[0], data[2], eta=1e308, init=([0.5, 0.5], 0.5), record_every=1
        )
    assert "diverged" in HtmlPage(lecture_page(made_run(data=data, descent=descent))).text


def test_the_page_does_not_mention_divergence_otherwise(page):
    assert "diverged" not in page.text


@pytest.mark.slow
def test_the_lecture_command_writes_the_page(tmp_path, capsys):
    path = tmp_path / "report.html"
    assert main(["lecture", "--seed", "1", "-n", "50", "--steps", "30", "--output", str(tmp_path),
                 "--html", str(path)]) == 0  # fmt: skip
    printed = capsys.readouterr().out
    assert f"and {path}." in printed
    page = HtmlPage(path.read_text(encoding="utf-8"))
    assert "oneneuron lecture -n 50 --eta 0.005 --steps 30 --seed 1 --html report.html" in page.text
    accuracy = re.search(r"On the test data it gets ([\d.]+) percent", printed)[1]
    assert f"the neuron gets {accuracy} % right" in page.text


def test_the_page_shows_the_same_training_as_the_printed_lines(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "oneneuron.cli._lecture_page.lecture_page", lambda run: seen.append(run) or ""
    )
    main(["lecture", "--seed", "1", "-n", "50", "--steps", "300", "--output", str(tmp_path),
          "--html", str(tmp_path / "report.html")])  # fmt: skip
    (run,) = seen
    *weights, bias = run.model.values()
    assert run.descent.best.weights.tolist() == weights and run.descent.best.bias == bias
    assert len(run.descent.history.step) == 301


def test_an_unusable_path_for_the_page_is_refused_before_any_work(tmp_path, capsys):
    missing = tmp_path / "none" / "report.html"
    output = tmp_path / "pictures"
    assert main(["lecture", "--output", str(output), "--html", str(missing)]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and "report.html cannot be written" in captured.err
    assert captured.out == "" and list(output.iterdir()) == []
