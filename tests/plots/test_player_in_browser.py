"""The page of an animation in a browser. This needs Chromium and Playwright."""

import numpy as np
import pytest
from chromium import MARKS, visit_page

import oneneuron
from oneneuron import plots

pytestmark = MARKS


@pytest.fixture(scope="module")
def visit(tmp_path_factory):
    """The open page, the addresses that it requested, and its messages and errors."""
    X = np.random.default_rng(3).standard_normal((20, 2))
    descent = oneneuron.train(
        X, X[:, 0] > 0, eta=0.1, num_steps=9, record_every=1, init=([0.1, 0.2], 0.0)
    )
    animation = plots.animate_training(X, X[:, 0] > 0, descent)
    path = tmp_path_factory.mktemp("player") / "page.html"
    # Notebooks have such styles.
    style = "<style>* + img { margin-top: 1em; max-width: 70%; height: auto; border: 9px }</style>"
    path.write_text(f"<!DOCTYPE html><meta charset='utf-8'>{style}{animation.to_jshtml()}")
    with visit_page(path.as_uri(), viewport={"width": 600, "height": 500}) as visit:
        yield visit


def frame(page):
    """Return the number of the frame by the slider, and the layers that are shown."""
    return page.evaluate(
        "[Number(document.querySelector('input').value),"
        " ...[...document.images].slice(1, 3).map(image => image.src)]"
    )


def test_the_page_requests_nothing_from_the_network(visit):
    _, requests, _ = visit
    assert {url.partition(":")[0] for url in requests} <= {"file", "data"}


def test_there_are_no_errors(visit):
    _, _, messages = visit
    assert messages == []


def test_the_animation_plays_at_once_and_begins_again_after_the_last_frame(visit):
    page, _, _ = visit
    for k in (9, 0, 5):
        page.wait_for_function(f"document.querySelector('input').value == {k}")


def test_the_button_stops_and_continues(visit):
    page, _, _ = visit
    page.get_by_text("Pause").click()
    stopped = frame(page)
    page.wait_for_timeout(500)
    assert frame(page) == stopped
    page.get_by_text("Play").click()
    page.wait_for_function(f"document.querySelector('input').value != {stopped[0]}")


def test_the_slider_stops_and_shows_the_frame_that_is_chosen(visit):
    page, _, _ = visit
    slider = page.locator("input")
    slider.fill("0")
    page.wait_for_timeout(500)
    first = frame(page)
    assert first[0] == 0
    slider.press("ArrowRight")
    second = frame(page)
    assert second[0] == 1
    assert second[1] != first[1] and second[2] != first[2]
    assert page.get_by_text("Play").is_visible()


def test_the_layers_cover_each_other_and_fit_into_a_narrow_window(visit):
    page, _, _ = visit
    back, shades, lines, front = page.evaluate(
        "[...document.images].map(image => image.getBoundingClientRect().toJSON())"
    )
    assert back == lines == front
    assert back["left"] < shades["left"] < shades["right"] < back["right"]
    assert back["top"] < shades["top"] < shades["bottom"] < back["bottom"]
    assert back["right"] <= 600
