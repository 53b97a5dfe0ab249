"""The lecture's page: whole, alone in its file, and true."""

import re
from base64 import b64decode
from html.parser import HTMLParser

import numpy as np
import pytest

import oneneuron
from oneneuron.cli import _baselines, main
from oneneuron.cli._report import LectureRun, lecture_page
from oneneuron.lecture import example1


def made_run(**changes):
    """A run whose figures can be told apart in the text."""
    data = example1.get_data(60, random_state=2)
    descent = oneneuron.train(
        data[0], data[2], eta=0.0625, num_steps=1234, init=([0.5, 0.5], 0.5), record_every=2
    )
    best = descent.best
    model = {"w1": 2.0, "w2": -0.5, "b": best.bias}
    run = LectureRun(
        data, model, descent, [_baselines.Method("a & b", 0.875, 0.75, 0.0125)], "oneneuron <seed>"
    )
    return run._replace(**changes)


class Page(HTMLParser):
    """A page's elements as (tag, attributes), and its text."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.words, self.open = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in ("meta", "link", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join("".join(self.words).split())

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def page():
    return Page(lecture_page(made_run()))


def test_every_element_is_closed(page):
    assert page.open == []


def test_nothing_on_the_page_lies_outside_of_it(page):
    addresses = [
        attributes[name]
        for _, attributes in page.elements
        for name in ("src", "href", "srcset", "data", "action")
        if name in attributes
    ]
    assert len(addresses) == 6
    assert all(address.startswith("data:") for address in addresses)
    assert "url(" not in page.text and "@import" not in page.text
    assert not page.all("script") and not page.all("iframe")


def test_the_five_pictures_are_png_and_differ(page):
    pictures = [
        b64decode(image["src"].removeprefix("data:image/png;base64,")) for image in page.all("img")
    ]
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
    assert len(set(pictures)) == 5


def test_each_picture_is_told_in_words_to_those_who_can_not_see_it(page):
    words = [image["alt"] for image in page.all("img")]
    assert all(len(alt) > 20 for alt in words) and len(set(words)) == 5


def test_the_figures_are_those_of_the_run(page):
    run = made_run()
    first, *_, last = run.descent.history.cost
    for words in ("On the 12 samples", "75.0 % right", "1,234 steps", "took 12.5 ms",
                  "The 48 samples to train on", "by η = 0.0625 times", f"From {first:.3g} at",
                  f"to {last:.3g} after", f"that of step {run.descent.best.step:,},"):  # fmt: skip
        assert words in page.text


def test_the_number_of_wrong_samples_is_that_of_the_model(page):
    _, test_pos, _, test_value = made_run().data
    wrong = np.sum((test_pos @ [2.0, -0.5] + made_run().model["b"] > 0) != test_value)
    assert f"on the wrong side of the line: {wrong}." in page.text


@pytest.mark.parametrize(
    ("model", "equation"),
    [
        ({"w1": 2.0, "w2": -0.5, "b": 1.25}, "2 x₁ - 0.5 x₂ + 1.25 = 0"),
        ({"w1": -2.0, "w2": 0.5, "b": -1.25}, "-2 x₁ + 0.5 x₂ - 1.25 = 0"),
    ],
)
def test_the_line_is_given_as_an_equation(model, equation, monkeypatch):
    monkeypatch.setattr(_rendering, "picture", lambda *_, **__: b"")
    text = Page(lecture_page(made_run(model=model))).text
    assert f"The line is {equation}." in text.replace("\N{MINUS SIGN}", "-")


def test_words_with_html_in_them_stay_words(page):
    assert "a & b" in page.text and "oneneuron <seed>" in page.text


def test_a_descent_that_diverged_is_called_so():
    data = example1.get_data(60, random_state=2)
    with pytest.warns(RuntimeWarning):
        descent = oneneuron.train(
            data[0], data[2], eta=1e308, init=([0.5, 0.5], 0.5), record_every=1
        )
    assert "diverged" in Page(lecture_page(made_run(data=data, descent=descent))).text


def test_a_descent_that_did_not_diverge_is_not_called_so(page):
    assert "diverged" not in page.text


def test_the_command_writes_the_page_beside_its_pictures(tmp_path, capsys):
    path = tmp_path / "report.html"
    assert main(["lecture", "--seed", "1", "-n", "50", "--steps", "30", "--output", str(tmp_path),
                 "--html", str(path)]) == 0  # fmt: skip
    printed = capsys.readouterr().out
    assert f"and {path}." in printed
    page = Page(path.read_text(encoding="utf-8"))
    assert "oneneuron lecture -n 50 --eta 0.005 --steps 30 --seed 1 --html report.html" in page.text
    accuracy = re.search(r"On the test data it gets ([\d.]+) percent", printed)[1]
    assert f"it gets {accuracy} % right" in page.text


def test_the_page_shows_the_training_that_was_printed(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("oneneuron.cli._report.lecture_page", lambda run: seen.append(run) or "")
    main(["lecture", "--seed", "1", "-n", "50", "--steps", "300", "--output", str(tmp_path),
          "--html", str(tmp_path / "report.html")])  # fmt: skip
    (run,) = seen
    *weights, bias = run.model.values()
    assert run.descent.best.weights.tolist() == weights and run.descent.best.bias == bias
    assert len(run.descent.history.step) == 301


def test_a_page_that_can_not_be_written_is_refused_before_any_work(tmp_path, capsys):
    missing = tmp_path / "none" / "report.html"
    output = tmp_path / "pictures"
    assert main(["lecture", "--output", str(output), "--html", str(missing)]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and "report.html can't be written" in captured.err
    assert captured.out == "" and list(output.iterdir()) == []
