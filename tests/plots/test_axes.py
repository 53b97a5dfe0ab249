"""Where pictures may be drawn: every one refuses other Axes before it does anything."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

import oneneuron
from oneneuron import plots
from oneneuron.compare import Timing

X = np.array([[0.0, 1.0], [2.0, 0.5], [1.0, 3.0]])
Y = [0, 1, 1]
DESCENT = oneneuron.train(X, Y, eta=0.1, num_steps=3, record_every=1, init=([0.1, 0.2], 0.0))
ROWS = [Timing("pure Python", 10, 1.0, 1.0, None, 1.0, 10, None)]

PICTURES = {
    "surface": lambda ax: plots.plot_cost_surface(X, Y, DESCENT, ax=ax),
    "boundary": lambda ax: plots.plot_decision_boundary(X, Y, DESCENT.best, ax=ax),
    "dots": lambda ax: plots.plot_dots(X, Y, ax=ax),
    "ladder": lambda ax: plots.plot_ladder(ROWS, ax=ax),
    "learning curve": lambda ax: plots.plot_learning_curve(DESCENT, ax=ax),
    "parabola": lambda ax: plots.plot_parabola(0.1, ax=ax),
    "sigmoid": lambda ax: plots.plot_sigmoid(ax=ax),
}


@pytest.fixture(params=PICTURES)
def draw(request):
    return PICTURES[request.param]


@pytest.mark.parametrize("name", ["array", "figure", "pyplot", "string"])
def test_what_is_no_axes_is_refused(draw, pyplot, name):
    figure, axes = pyplot.subplots(1, 2)
    wrong = {"array": axes, "figure": figure, "pyplot": pyplot, "string": "left"}[name]
    with pytest.raises(TypeError, match=f"ax must be plain Axes.*found {type(wrong).__name__}"):
        draw(wrong)
    assert not any(ax.has_data() for ax in axes)


def test_axes_of_another_projection_are_refused(draw, pyplot):
    polar = pyplot.subplot(projection="polar")
    with pytest.raises(TypeError, match=r"ax must be plain Axes.*found polar Axes"):
        draw(polar)


def test_removed_axes_are_refused(draw, ax):
    ax.remove()
    with pytest.raises(TypeError, match=r"ax must be plain Axes.*found Axes without a figure"):
        draw(ax)


@pytest.mark.parametrize("name", ["surface", "boundary", "dots", "learning curve", "sigmoid"])
def test_a_legend_is_black_on_white_whatever_the_style_sheet(pyplot, name):
    with pyplot.style.context("dark_background"):
        legend = PICTURES[name](pyplot.subplots()[1]).get_legend()
    assert legend.get_frame_on()
    assert to_rgb(legend.get_frame().get_facecolor()) == (1.0, 1.0, 1.0)
    texts = [*legend.get_texts(), legend.get_title()]
    assert {to_rgb(text.get_color()) for text in texts} == {(0.0, 0.0, 0.0)}
