"""Without `ax`, pictures that do not belong together are drawn on figures of their own."""

from itertools import permutations

import numpy as np
import pytest

import oneneuron
from oneneuron import plots
from oneneuron.compare import Timing

X = np.array([[0.0, 1.0], [2.0, 0.5], [1.0, 3.0]])
Y = [0, 1, 1]
DESCENT = oneneuron.train(X, Y, eta=0.1, num_steps=3, record_every=1, init=([0.1, 0.2], 0.0))
TIMING = Timing("NumPy", 10, 0.1, 1.0, None, 1.0, 10, None)

TAKE_MORE = {
    "boundary": lambda **axes: plots.plot_decision_boundary(X, Y, DESCENT.best, **axes),
    "dots": lambda **axes: plots.plot_dots(X, Y, **axes),
    "sigmoid": lambda **axes: plots.plot_sigmoid(**axes),
}
STAND_ALONE = {
    "surface": lambda **axes: plots.plot_cost_surface(X, Y, DESCENT, bias=0.0, **axes),
    "learning curve": lambda **axes: plots.plot_learning_curve(DESCENT, **axes),
    "parabola": lambda **axes: plots.plot_parabola(0.1, **axes),
    "ladder": lambda **axes: plots.plot_ladder([TIMING], **axes),
    "weights": lambda **axes: plots.plot_weights(DESCENT.best, shape=(1, 2), **axes),
    "neuron": lambda **axes: plots.plot_neuron(DESCENT.best, X[0], **axes),
}
PICTURES = TAKE_MORE | STAND_ALONE

pytestmark = pytest.mark.usefixtures("pyplot")


@pytest.mark.parametrize(("first", "second"), [*permutations(PICTURES, 2)])
def test_a_picture_of_another_kind_opens_a_new_figure(pyplot, first, second):
    old = PICTURES[first]()
    drawn = [*old.get_children()]
    new = PICTURES[second]()
    assert new.figure is not old.figure
    assert pyplot.gcf() is new.figure
    assert old.get_children() == drawn


@pytest.mark.parametrize("name", TAKE_MORE)
def test_a_picture_that_takes_more_is_drawn_on_the_same_axes(name):
    assert TAKE_MORE[name]() is TAKE_MORE[name]()


@pytest.mark.parametrize("name", STAND_ALONE)
def test_a_picture_that_stands_alone_opens_a_new_figure_each_time(name):
    assert STAND_ALONE[name]().figure is not STAND_ALONE[name]().figure


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_drawn_on_empty_axes_beside_another_picture(pyplot, name):
    _, axes = pyplot.subplots(1, 2)
    plots.plot_parabola(0.1, ax=axes[0])
    assert pyplot.gca() is axes[1]
    assert PICTURES[name]() is axes[1]


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_drawn_on_axes_that_were_cleared(name):
    old = plots.plot_parabola(0.1)
    old.clear()
    assert PICTURES[name]() is old


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_drawn_over_lines_of_the_user(ax, name):
    ax.plot([0, 1], [0, 1])
    assert PICTURES[name]() is ax


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_drawn_over_another_one_if_its_axes_are_given(name):
    ax = plots.plot_dots(X, Y)
    assert PICTURES[name](ax=ax) is ax
