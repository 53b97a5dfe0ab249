"""The colours, markers and legends that all pictures share."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

import oneneuron
from oneneuron import plots
from oneneuron.plots import _style

X = np.array([[0.0, 1.0], [2.0, 0.5], [1.0, 3.0]])
Y = [0, 1, 1]
DESCENT = oneneuron.train(X, Y, eta=0.1, num_steps=3, record_every=1, init=([0.1, 0.2], 0.0))

PICTURES_WITH_LEGENDS = {
    "surface": lambda ax: plots.plot_cost_surface(X, Y, DESCENT, ax=ax),
    "boundary": lambda ax: plots.plot_decision_boundary(X, Y, DESCENT.best, ax=ax),
    "dots": lambda ax: plots.plot_dots(X, Y, ax=ax),
    "learning curve": lambda ax: plots.plot_learning_curve(DESCENT, ax=ax),
    "sigmoid": lambda ax: plots.plot_sigmoid(ax=ax),
}


@pytest.mark.parametrize("name", PICTURES_WITH_LEGENDS)
def test_a_legend_is_black_on_white_with_any_style_sheet(pyplot, name):
    with pyplot.style.context("dark_background"):
        legend = PICTURES_WITH_LEGENDS[name](pyplot.subplots()[1]).get_legend()
    assert legend.get_frame_on()
    assert to_rgb(legend.get_frame().get_facecolor()) == (1.0, 1.0, 1.0)
    texts = [*legend.get_texts(), legend.get_title()]
    assert {to_rgb(text.get_color()) for text in texts} == {(0.0, 0.0, 0.0)}


@pytest.mark.parametrize("indices", [(0, 1), (1, 2), (0, 2)])
def test_neighbouring_regions_differ_in_black_and_white(indices):
    greys = [np.dot(_style.light_color(index), [0.299, 0.587, 0.114]) for index in indices]
    assert abs(greys[0] - greys[1]) > 0.07  # 18 of 255


def test_ten_classes_differ_in_marker_and_in_colour(ax):
    plots.plot_dots(np.random.RandomState(0).rand(50, 2), np.arange(50) % 10, ax=ax)
    assert len({tuple(c.get_facecolor()[0]) for c in ax.collections}) == 10
    assert len({c.get_paths()[0].vertices.tobytes() for c in ax.collections}) == 10
