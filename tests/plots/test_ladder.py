"""The bars of the ladder: the data of their artists."""

import pytest

from oneneuron import plots
from oneneuron.compare import Timing


def make_timing(name, seconds, than_lecture):
    return Timing(name, 10_000, seconds, 1.0, None, than_lecture, 10_000, None)


TIMINGS = [
    make_timing("pure Python", 4.28, 0.25),
    make_timing("the lecture's style", 1.07, 1.0),
    make_timing("oneneuron, AVX2", 5.49e-3, 194.9),
]


def test_the_length_of_a_bar_is_the_time_of_its_rung(ax):
    plots.plot_ladder(TIMINGS, ax=ax)
    assert [bar.get_width() for bar in ax.patches] == [timing.seconds for timing in TIMINGS]


def test_the_bars_are_labelled_with_their_rungs_from_top_to_bottom(ax):
    plots.plot_ladder(TIMINGS, ax=ax)
    assert [text.get_text() for text in ax.get_yticklabels()] == [timing.name for timing in TIMINGS]
    bottom, top = ax.get_ylim()
    assert bottom > top


def test_each_bar_ends_with_its_time_and_its_speed_relative_to_the_lecture(ax):
    plots.plot_ladder(TIMINGS, ax=ax)
    labels = [text.get_text().split("   ") for text in ax.texts]
    assert labels == [
        ["4.28 s", "0.25\N{MULTIPLICATION SIGN}"],
        ["1.07 s", "1.00\N{MULTIPLICATION SIGN}"],
        ["5.49 ms", "195\N{MULTIPLICATION SIGN}"],
    ]


def test_a_time_from_fewer_steps_is_marked_with_a_star(ax):
    plots.plot_ladder([TIMINGS[0]._replace(timed_steps=100), TIMINGS[1]], ax=ax)
    times = [text.get_text().split()[1] for text in ax.texts]
    assert times == ["s*", "s"]


def test_a_second_ladder_has_its_first_bar_on_top_too(ax):
    for _ in range(2):
        plots.plot_ladder(TIMINGS, ax=ax)
    bottom, top = ax.get_ylim()
    assert bottom > top


@pytest.mark.parametrize("timings", [[], None, "abc", [1.0], [TIMINGS[0], 2.0], {}])
def test_anything_but_a_list_of_timings_is_refused(ax, timings):
    with pytest.raises(
        TypeError, match=r"timings must be a list of Timing, the result of compare\.ladder, found"
    ):
        plots.plot_ladder(timings, ax=ax)
    assert not ax.has_data()


def test_a_generator_of_timings_is_drawn(ax):
    plots.plot_ladder((timing for timing in TIMINGS), ax=ax)
    assert len(ax.patches) == len(TIMINGS)


def test_the_scale_is_logarithmic_and_its_ticks_have_units(ax):
    plots.plot_ladder(TIMINGS, ax=ax)
    assert ax.get_xscale() == "log"
    tick = ax.xaxis.get_major_formatter()
    assert [tick(at) for at in (1e-5, 1e-3, 1, 1000)] == ["10 µs", "1 ms", "1 s", "1,000 s"]
    assert ax.get_xlabel() == (
        "time for 10,000 steps, log scale;  "
        "\N{MULTIPLICATION SIGN}: times as fast as the lecture's code"
    )


def test_every_label_fits_into_the_axes(ax):
    plots.plot_ladder(TIMINGS, ax=ax)
    ax.figure.set_layout_engine("constrained")
    ax.figure.canvas.draw()
    right = ax.get_window_extent().x1
    assert max(text.get_window_extent().x1 for text in ax.texts) <= right


def test_the_bars_of_other_code_are_lighter_than_those_of_the_package(ax):
    plots.plot_ladder(TIMINGS, ax=ax)
    greys = [sum(bar.get_facecolor()[:3]) / 3 for bar in ax.patches]
    assert greys[0] == greys[1] > greys[2] + 0.3


def test_a_ladder_is_drawn_on_the_given_axes_or_on_the_current_ones(ax):
    assert plots.plot_ladder(TIMINGS, ax=ax) is ax
    assert plots.plot_ladder(TIMINGS) is ax
