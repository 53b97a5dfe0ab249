"""The HTML page of a comparison: each bar beside its code."""

import re

import pytest
from helpers import HtmlPage

from oneneuron.cli._compare_page import Comparison, compare_page
from oneneuron.compare import Timing


def made_timing(name, seconds, speedup_over_lecture, timed_steps=10_000):
    return Timing(name, 10_000, seconds, 1.0, None, speedup_over_lecture, timed_steps, None)


TIMINGS = [
    made_timing("pure Python", 8.0, 0.25, timed_steps=100),
    made_timing("the lecture's style", 2.0, 1.0),
    made_timing("naive Cython", 0.08, 25.0),
    made_timing("oneneuron, baseline", 0.02, 100.0),
    made_timing("oneneuron, float32", 0.008, 250.0),
]


def made_page(timings):
    return compare_page(Comparison(timings, "4 samples", "all < well", "oneneuron <compare>"))


@pytest.fixture(scope="module")
def markup():
    return made_page(TIMINGS)


@pytest.fixture(scope="module")
def page(markup):
    return HtmlPage(markup)


def sections(markup):
    """Return the part of the page for each copy of code."""
    return markup.split('<section class="rungs">')[1:]


def test_every_element_of_the_page_is_closed(page):
    assert page.open == []


def test_the_page_refers_to_nothing_outside_of_it(page):
    assert page.addresses == ["data:,"]
    assert "url(" not in page.text and not page.all("script")


def test_each_rung_stands_beside_its_code(markup):
    found = [
        (name in text, line in text)
        for text, name, line in zip(
            sections(markup),
            ["pure Python", "the lecture&#x27;s style", "naive Cython", "oneneuron, baseline"],
            ["bias -= eta * slope_of_bias", "f = output()", "slopes[d] += g", "splat(ROUNDER)"],
            strict=True,
        )
    ]
    assert found == [(True, True)] * 4


def test_rungs_of_the_same_code_share_one_copy(page, markup):
    assert len(page.all("pre")) == 4
    assert [text.count('class="rung"') for text in sections(markup)] == [1, 1, 1, 2]


def test_each_bar_has_its_time_and_its_factor(page):
    times = re.findall(r"([\d.]+ m?s\*?, [\d.]+) \N{MULTIPLICATION SIGN}", page.text)
    assert times == [
        "8.00 s*, 0.25",
        "2.00 s, 1.00",
        "80.0 ms, 25.0",
        "20.0 ms, 100",
        "8.00 ms, 250",
    ]


def test_bars_are_as_long_as_the_logarithm_of_their_times(page):
    styles = [div["style"] for div in page.all("div") if div.get("class", "").startswith("bar")]
    widths = [float(re.fullmatch(r"width: ([\d.]+)%", style)[1]) for style in styles]
    assert widths[0] == 100
    # Equal factors in time are equal steps in length.
    assert widths[0] - widths[1] == pytest.approx(widths[2] - widths[3], abs=0.11)
    assert widths == sorted(widths, reverse=True) and widths[-1] > 5


def test_bars_of_the_package_have_a_colour_of_their_own(page):
    bars = [div["class"] for div in page.all("div") if div.get("class", "").startswith("bar")]
    assert bars == ["bar", "bar", "bar", "bar ours", "bar ours"]


def test_the_page_begins_with_the_lecture_and_the_fastest_rung(page):
    assert (
        "4 samples. The lecture's code takes 2.00 s, and the fastest code takes 8.00 ms: it is "
        "250 times as fast."
    ) in page.text


def test_html_in_texts_and_code_is_escaped(page):
    assert "all < well" in page.text and "oneneuron <compare>" in page.text
    assert "def advance(num_steps: int) -> Float64Array:" in page.text
