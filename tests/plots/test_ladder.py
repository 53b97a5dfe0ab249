"""The bars of the ladder: the data of their artists."""

import matplotlib.pyplot as plt
import pytest

from oneneuron import plots
from oneneuron.compare import Timing


def make_timing(name, seconds, speedup_over_lecture):
    return Timing(name, 10_000, seconds, 1.0, None, speedup_over_lecture, 10_000, None)


TIMINGS = [
    make_timing("pure Python", 4.28, 0.25),
    make_timing("the lecture's style", 1.07, 1.0),
    make_timing("oneneuron, AVX2", 5.49e-3, 194.9),
]


def test_the_length_of_a_bar_is_the_time_of_its_rung(ax):
    plots.plot_ladder(TIMINGS, ax=ax)
    assert [bar.get_width() for bar in ax.patches] == [timing.seconds for timing in TIMINGS]


def test_the_name_of_each_rung_stands_over_its_bar_from_top_to_bottom(ax):
    plots.plot_ladder(TIMINGS, ax=ax)
    assert [text.get_text() for text in ax.texts[::2]] == [timing.name for timing in TIMINGS]
    places = [text.get_position()[1] for text in ax.texts[::2]]
    assert places == [bar.get_y() for bar in ax.patches] == sorted(places)
    bottom, top = ax.get_ylim()
    assert bottom > top


def test_over_each_bar_stand_its_time_and_its_speed_relative_to_the_lecture(ax):
    plots.plot_ladder(TIMINGS, ax=ax)
    labels = [text.get_text().split("   ") for text in ax.texts[1::2]]
    assert labels == [
        ["4.28 s", "0.25\N{MULTIPLICATION SIGN}"],
        ["1.07 s", "1.00\N{MULTIPLICATION SIGN}"],
        ["5.49 ms", "195\N{MULTIPLICATION SIGN}"],
    ]


def test_a_time_from_fewer_steps_is_marked_with_a_star(ax):
    plots.plot_ladder([TIMINGS[0]._replace(timed_steps=100), TIMINGS[1]], ax=ax)
    times = [text.get_text().split()[1] for text in ax.texts[1::2]]
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
    assert ax.get_title(loc="left") == (
        "time for 10,000 steps, log scale\n"
        "\N{MULTIPLICATION SIGN}: times as fast as the lecture's code"
    )


@pytest.mark.parametrize("layout", [None, "constrained"])
@pytest.mark.parametrize(("size", "font"), [((3, 2.5), 10), ((6.4, 4.8), 10), ((8, 4.5), 24)])
def test_eleven_rungs_fit_into_a_figure_of_any_size_without_overlaps(size, font, layout):
    with plt.rc_context({"font.size": font}):
        figure, ax = plt.subplots(figsize=size, layout=layout)
        plots.plot_ladder(
            [make_timing("oneneuron, baseline", 1.5e-2, 102.3)._replace(timed_steps=9)] * 11, ax=ax
        )
        figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    bars = [bar.get_window_extent() for bar in ax.patches]
    edge = figure.bbox
    title = ax.findobj(lambda artist: getattr(artist, "get_text", str)().startswith("time for"))
    assert len(title) == 1
    for box in [*boxes, title[0].get_window_extent()]:
        assert edge.x0 <= box.x0 and box.x1 <= edge.x1
        assert edge.y0 <= box.y0 and box.y1 <= edge.y1
    for name, label in zip(boxes[::2], boxes[1::2], strict=True):
        assert name.x1 < label.x0
    for bar, next_name in zip(bars, boxes[2::2], strict=False):
        assert next_name.y1 <= bar.y0 + 1
    plt.close(figure)


def test_letters_are_no_larger_than_usual(ax):
    plots.plot_ladder(TIMINGS, ax=ax)
    assert {text.get_size() for text in ax.texts} == {plt.rcParams["font.size"]}


def test_the_bars_of_other_code_are_lighter_than_those_of_the_package(ax):
    plots.plot_ladder(TIMINGS, ax=ax)
    greys = [sum(bar.get_facecolor()[:3]) / 3 for bar in ax.patches]
    assert greys[0] == greys[1] > greys[2] + 0.3


def test_a_ladder_is_drawn_on_the_given_axes(ax):
    assert plots.plot_ladder(TIMINGS, ax=ax) is ax
