"""The colours, markers and legends that all pictures share."""

import pickle

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


PICTURES_WITH_LEGENDS_ABOVE = PICTURES_WITH_LEGENDS.keys() - {"sigmoid"}


def overlap(figure, legend, title):
    figure.canvas.draw()
    return legend.get_window_extent().y1 > title.get_window_extent().y0


@pytest.mark.parametrize("layout", [None, "constrained", "tight"])
@pytest.mark.parametrize("name", sorted(PICTURES_WITH_LEGENDS_ABOVE))
def test_a_title_set_later_is_above_the_legend(pyplot, name, layout):
    figure, ax = pyplot.subplots(layout=layout)
    PICTURES_WITH_LEGENDS[name](ax)
    title = ax.set_title("mine")
    assert not overlap(figure, ax.get_legend(), title)
    figure.set_size_inches(4, 3)
    assert not overlap(figure, ax.get_legend(), title)


def test_a_title_stays_above_the_legend_of_a_second_picture_on_the_same_axes(pyplot):
    figure, ax = pyplot.subplots()
    for _ in range(2):
        plots.plot_decision_boundary(X, Y, DESCENT.best, ax=ax)
        title = ax.set_title("mine")
        assert not overlap(figure, ax.get_legend(), title)
    assert len(ax.child_axes) == 1


def test_a_title_is_at_the_axes_if_the_legend_is_removed(pyplot):
    figure, ax = pyplot.subplots()
    plots.plot_dots(X, Y, ax=ax)
    title = ax.set_title("mine")
    ax.get_legend().remove()
    figure.canvas.draw()
    assert title.get_position()[1] == pytest.approx(1, abs=0.02)


def test_a_figure_with_a_legend_above_can_be_pickled(ax):
    plots.plot_dots(X, Y, ax=ax)
    assert pickle.loads(pickle.dumps(ax.figure)).axes[0].get_legend() is not None


@pytest.mark.parametrize("indices", [(0, 1), (1, 2), (0, 2)])
def test_neighbouring_regions_differ_in_black_and_white(indices):
    greys = [np.dot(_style.light_color(index), [0.299, 0.587, 0.114]) for index in indices]
    assert abs(greys[0] - greys[1]) > 0.07  # 18 of 255


def test_ten_classes_differ_in_marker_and_in_colour(ax):
    plots.plot_dots(np.random.RandomState(0).rand(50, 2), np.arange(50) % 10, ax=ax)
    assert len({tuple(c.get_facecolor()[0]) for c in ax.collections}) == 10
    assert len({c.get_paths()[0].vertices.tobytes() for c in ax.collections}) == 10
