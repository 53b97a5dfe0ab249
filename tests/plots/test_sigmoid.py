"""The curve of sigma(w x + b): the points of its line."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from oneneuron import plots


def curves(ax):
    return [line for line in ax.lines if line.get_label().startswith("$w")]


def marked(line):
    """Return the points with a marker."""
    return line.get_xydata()[line.get_markevery()]


@pytest.mark.parametrize(("weight", "bias"), [(1, 0), (-3, 2), (0.01, 5), (40.0, -20.0), (0, 1)])
def test_the_curve_is_sigma_of_wx_plus_b(ax, weight, bias):
    plots.plot_sigmoid(weight, bias, ax=ax)
    x, f = curves(ax)[0].get_data()
    np.testing.assert_allclose(f, expit(weight * x + bias), rtol=0, atol=1e-15)


@pytest.mark.parametrize(("weight", "bias"), [(1, 0), (-3, 2), (0.01, 5), (40.0, -20.0)])
def test_the_marker_is_in_the_middle_where_f_is_one_half(ax, weight, bias):
    plots.plot_sigmoid(weight, bias, ax=ax)
    centre = -bias / weight
    np.testing.assert_allclose(marked(curves(ax)[0]), [[centre, 0.5]], atol=1e-12)
    assert np.mean(ax.get_xlim()) == pytest.approx(centre)


def test_both_tails_of_the_curve_are_visible(ax):
    plots.plot_sigmoid(0.02, 5, ax=ax)
    _, f = curves(ax)[0].get_data()
    assert f.min() < 1e-3
    assert f.max() > 1 - 1e-3


def test_lines_at_0_and_one_half_and_1_are_drawn_only_once(ax):
    plots.plot_sigmoid(ax=ax)
    plots.plot_sigmoid(2, ax=ax)
    levels = [line.get_ydata()[0] for line in ax.lines if line not in curves(ax)]
    assert levels == [0, 0.5, 1]


def test_a_second_curve_has_its_own_colour_dash_marker_and_legend_entry(ax):
    plots.plot_sigmoid(1, 0, ax=ax)
    plots.plot_sigmoid(2, -1, ax=ax)
    first, second = curves(ax)
    for look in ("get_color", "get_linestyle", "get_marker"):
        assert getattr(first, look)() != getattr(second, look)()
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["$w = 1$, $b = 0$", "$w = 2$, $b = -1$"]


def test_the_range_grows_with_each_curve_and_all_curves_span_it(ax):
    for weight, bias in [(4, 0), (1, -30), (1, 0)]:
        plots.plot_sigmoid(weight, bias, ax=ax)
    assert ax.get_xlim() == (-8, 38)
    for line in curves(ax):
        assert line.get_xdata()[[0, -1]].tolist() == [-8, 38]


def test_a_steep_curve_stays_smooth_beside_a_flat_one(ax):
    plots.plot_sigmoid(1000, 0, ax=ax)
    plots.plot_sigmoid(0.1, 0, ax=ax)
    assert np.diff(curves(ax)[0].get_ydata()).max() < 0.02


def test_samples_drawn_before_stay_visible(ax):
    ax.plot([20.0], [1.0], "o")
    plots.plot_sigmoid(ax=ax)
    assert ax.get_xlim()[1] >= 20


def test_a_weight_of_zero_gives_a_level_line_without_a_marker(ax):
    plots.plot_sigmoid(0, 0, ax=ax)
    assert set(curves(ax)[0].get_ydata()) == {0.5}
    assert curves(ax)[0].get_marker() == "none"


@settings(deadline=None, max_examples=100)
@given(st.floats(-1e9, 1e9).filter(lambda w: abs(w) > 1e-9) | st.just(0.0), st.floats(-1e9, 1e9))
def test_any_neuron_can_be_drawn_beside_the_default_one(weight, bias):
    from matplotlib.figure import Figure

    ax = Figure().add_subplot()
    plots.plot_sigmoid(ax=ax)
    plots.plot_sigmoid(weight, bias, ax=ax)
    for line in curves(ax):
        x, f = line.get_data()
        assert (np.diff(x) > 0).all()
        assert np.isfinite(f).all()
        assert tuple(x[[0, -1]]) == ax.get_xlim()


@pytest.mark.parametrize("weight", [1e300, 1e-290])
def test_extreme_weights_are_drawn(ax, weight):
    plots.plot_sigmoid(ax=ax)
    plots.plot_sigmoid(weight, ax=ax)
    ax.figure.canvas.draw()


@pytest.mark.parametrize(
    ("weight", "bias", "message"),
    [
        (np.nan, 0, "weight must be finite"),
        (1, np.inf, "bias must be finite"),
        ("steep", 0, "weight must be a number"),
        ([1.0], 0, "weight must be a number"),
        (
            1e-300,
            1e300,
            "weight is too close to 0 for a finite range of x, found 1e-300: use 0",
        ),
    ],
)
def test_a_weight_or_bias_that_cannot_be_drawn_is_refused(pyplot, weight, bias, message):
    with pytest.raises((ValueError, TypeError), match=message):
        plots.plot_sigmoid(weight, bias)
    assert pyplot.get_fignums() == []


def test_a_sigmoid_is_drawn_on_the_current_axes_by_default(ax):
    assert plots.plot_sigmoid() is ax
