"""The curve of sigma(w x + b): the points of its line."""

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from oneneuron import plots
from oneneuron.plots import _style


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


@pytest.mark.parametrize(("weight", "bias"), [(1, 0), (-3, 2), (0.01, 0.05), (40.0, -20.0)])
def test_the_marker_is_where_f_is_one_half(ax, weight, bias):
    plots.plot_sigmoid(weight, bias, ax=ax)
    np.testing.assert_allclose(marked(curves(ax)[0]), [[-bias / weight, 0.5]], atol=1e-12)


@pytest.mark.parametrize(("weight", "bias"), [(1, 11), (0.01, -5), (1e-300, 1e300)])
def test_there_is_no_marker_if_f_is_nowhere_one_half_in_the_picture(ax, weight, bias):
    plots.plot_sigmoid(weight, bias, ax=ax)
    assert len(marked(curves(ax)[0])) == 0


@pytest.mark.parametrize(("weight", "bias"), [(0.5, 0), (1, 0), (10, 0), (1, -30), (1e-5, 3)])
def test_the_range_is_the_same_for_all_neurons(ax, weight, bias):
    plots.plot_sigmoid(weight, bias, ax=ax)
    assert ax.get_xlim() == (-10, 10)
    assert curves(ax)[0].get_xdata()[[0, -1]].tolist() == [-10, 10]


def test_a_given_range_is_that_of_the_picture(ax):
    plots.plot_sigmoid(0.1, -17, xlim=(150, 200), ax=ax)
    assert ax.get_xlim() == (150, 200)
    np.testing.assert_allclose(marked(curves(ax)[0]), [[170, 0.5]])


@pytest.mark.parametrize(
    ("xlim", "error", "message"),
    [
        (5, ValueError, r"xlim must be two numbers, such as \(-1, 1\), found 5"),
        ((1, 2, 3), ValueError, "xlim must be two numbers"),
        ((2, 1), ValueError, r"the lower one first, found \(2, 1\)"),
        ((1, 1), ValueError, "the lower one first"),
        ((0, np.inf), ValueError, "xlim must be finite"),
        ((-1e301, 0), ValueError, "within 1e300 of 0"),
        (("a", "b"), TypeError, "xlim must be a number"),
    ],
)
def test_a_range_without_a_length_is_refused(pyplot, xlim, error, message):
    with pytest.raises(error, match=message):
        plots.plot_sigmoid(xlim=xlim)
    assert pyplot.get_fignums() == []


def test_ipywidgets_can_make_a_slider_for_each_parameter():
    """It makes one from a number, and fails if a parameter in the signature has another default."""
    parameters = inspect.signature(plots.plot_sigmoid).parameters.values()
    assert [(p.name, p.default) for p in parameters] == [("weight", 1.0), ("bias", 0.0)]


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


def test_the_range_grows_to_that_of_all_curves_and_they_span_it(ax):
    plots.plot_sigmoid(4, 0, ax=ax)
    plots.plot_sigmoid(1, -30, xlim=(0, 38), ax=ax)
    plots.plot_sigmoid(1, 0, ax=ax)
    assert ax.get_xlim() == (-10, 38)
    for line in curves(ax):
        assert line.get_xdata()[[0, -1]].tolist() == [-10, 38]


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
    assert len(marked(curves(ax)[0])) == 0


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


@pytest.mark.parametrize(
    ("weight", "bias"), [(1e300, 0), (1e-290, 0), (1e-300, 1e300), (1e308, 1e308)]
)
def test_extreme_weights_and_biases_are_drawn(ax, weight, bias):
    plots.plot_sigmoid(ax=ax)
    plots.plot_sigmoid(weight, bias, ax=ax)
    ax.figure.canvas.draw()


@pytest.mark.parametrize(
    ("weight", "bias", "message"),
    [
        (np.nan, 0, "weight must be finite"),
        (1, np.inf, "bias must be finite"),
        ("steep", 0, "weight must be a number"),
        ([1.0], 0, "weight must be a number"),
    ],
)
def test_a_weight_or_bias_that_cannot_be_drawn_is_refused(pyplot, weight, bias, message):
    with pytest.raises((ValueError, TypeError), match=message):
        plots.plot_sigmoid(weight, bias)
    assert pyplot.get_fignums() == []


def test_a_sigmoid_is_drawn_on_the_current_axes_by_default(ax):
    assert plots.plot_sigmoid() is ax


def test_sliders_move_a_curve_rather_than_adding_one(ax):
    # A stand-in for ipywidgets.interact on a backend that keeps its figure.
    interaction = {"__name__": "ipywidgets.widgets.interaction", "f": plots.plot_sigmoid, "ax": ax}
    for weight in (0.5, 1.0, 2.0):
        exec(f"f(weight={weight}, ax=ax)", interaction)
    curves = [line for line in ax.lines if len(line.get_xdata()) > 2]
    assert [curve.get_label() for curve in curves] == ["$w = 2$, $b = 0$"]
    assert curves[0].get_color() == _style.COLORS[0]
    assert len(ax.lines) == 1 + 3  # the lines at 0, 1/2 and 1 are there once
