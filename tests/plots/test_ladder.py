"""The bars of the ladder, by what their artists hold."""

import pytest

from oneneuron import plots
from oneneuron.compare import Timing


def row(name, seconds, than_lecture):
    return Timing(name, 10_000, seconds, 1.0, None, than_lecture, 10_000, None)


ROWS = [
    row("pure Python", 4.28, 0.25),
    row("the lecture's style", 1.07, 1.0),
    row("oneneuron, AVX2", 5.49e-3, 194.9),
]


def test_a_bar_is_as_long_as_the_rung_s_time(ax):
    plots.plot_ladder(ROWS, ax=ax)
    assert [bar.get_width() for bar in ax.patches] == [row.seconds for row in ROWS]


def test_the_bars_have_the_names_of_the_rungs_the_first_on_top(ax):
    plots.plot_ladder(ROWS, ax=ax)
    assert [text.get_text() for text in ax.get_yticklabels()] == [row.name for row in ROWS]
    bottom, top = ax.get_ylim()
    assert bottom > top


def test_at_a_bar_s_end_stand_its_time_and_how_many_times_as_fast_as_the_lecture_it_is(ax):
    plots.plot_ladder(ROWS, ax=ax)
    words = [text.get_text().split("   ") for text in ax.texts]
    assert words == [
        ["4.28 s", "0.25\N{MULTIPLICATION SIGN}"],
        ["1.07 s", "1.00\N{MULTIPLICATION SIGN}"],
        ["5.49 ms", "195\N{MULTIPLICATION SIGN}"],
    ]


def test_a_time_from_fewer_steps_is_marked(ax):
    plots.plot_ladder([ROWS[0]._replace(timed_steps=100), ROWS[1]], ax=ax)
    times = [text.get_text().split()[1] for text in ax.texts]
    assert times == ["s*", "s"]


def test_a_second_ladder_has_its_first_bar_on_top_too(ax):
    for _ in range(2):
        plots.plot_ladder(ROWS, ax=ax)
    bottom, top = ax.get_ylim()
    assert bottom > top


@pytest.mark.parametrize("rows", [[], None, "abc", [1.0], [ROWS[0], 2.0], {}])
def test_what_are_no_rows_is_refused(ax, rows):
    with pytest.raises(TypeError, match="rows must be one or more Timing"):
        plots.plot_ladder(rows, ax=ax)
    assert not ax.has_data()


def test_a_generator_of_rows_is_drawn(ax):
    plots.plot_ladder((row for row in ROWS), ax=ax)
    assert len(ax.patches) == len(ROWS)


def test_the_scale_is_logarithmic_and_its_ticks_are_in_units(ax):
    plots.plot_ladder(ROWS, ax=ax)
    assert ax.get_xscale() == "log"
    tick = ax.xaxis.get_major_formatter()
    assert [tick(at) for at in (1e-5, 1e-3, 1, 1000)] == ["10 µs", "1 ms", "1 s", "1,000 s"]
    assert "time for 10,000 steps" in ax.get_xlabel()


def test_every_label_has_room_within_the_picture(ax):
    plots.plot_ladder(ROWS, ax=ax)
    ax.figure.set_layout_engine("constrained")
    ax.figure.canvas.draw()
    right = ax.get_window_extent().x1
    assert max(text.get_window_extent().x1 for text in ax.texts) <= right


def test_the_package_s_bars_are_darker_than_the_others(ax):
    plots.plot_ladder(ROWS, ax=ax)
    greys = [sum(bar.get_facecolor()[:3]) / 3 for bar in ax.patches]
    assert greys[0] == greys[1] > greys[2] + 0.3


def test_it_draws_on_the_axes_given_or_on_the_current_ones(ax):
    assert plots.plot_ladder(ROWS, ax=ax) is ax
    assert plots.plot_ladder(ROWS) is ax
