"""The Axes that every picture refuses, before it draws anything."""

import numpy as np
import pytest

import oneneuron
from oneneuron import plots
from oneneuron.compare import Timing

X = np.array([[0.0, 1.0], [2.0, 0.5], [1.0, 3.0]])
Y = [0, 1, 1]
DESCENT = oneneuron.train(X, Y, eta=0.1, num_steps=3, record_every=1, init=([0.1, 0.2], 0.0))
TIMINGS = [Timing("pure Python", 10, 1.0, 1.0, None, 1.0, 10, None)]

PICTURES = {
    "surface": lambda ax: plots.plot_cost_surface(X, Y, DESCENT, ax=ax),
    "boundary": lambda ax: plots.plot_decision_boundary(X, Y, DESCENT.best, ax=ax),
    "dots": lambda ax: plots.plot_dots(X, Y, ax=ax),
    "ladder": lambda ax: plots.plot_ladder(TIMINGS, ax=ax),
    "learning curve": lambda ax: plots.plot_learning_curve(DESCENT, ax=ax),
    "neuron": lambda ax: plots.plot_neuron(DESCENT.best, X[0], ax=ax),
    "parabola": lambda ax: plots.plot_parabola(0.1, ax=ax),
    "sigmoid": lambda ax: plots.plot_sigmoid(ax=ax),
    "weights": lambda ax: plots.plot_weights(DESCENT.best, (1, 2), ax=ax),
}


@pytest.fixture(params=PICTURES)
def draw(request):
    return PICTURES[request.param]


@pytest.mark.parametrize("name", ["array", "figure", "pyplot", "string"])
def test_anything_but_axes_is_refused(draw, pyplot, name):
    figure, axes = pyplot.subplots(1, 2)
    wrong = {"array": axes, "figure": figure, "pyplot": pyplot, "string": "left"}[name]
    with pytest.raises(
        TypeError, match=f"ax must be a single plain Axes.*found {type(wrong).__name__}"
    ):
        draw(wrong)
    assert not any(ax.has_data() for ax in axes)


def test_axes_of_another_projection_are_refused(draw, pyplot):
    polar = pyplot.subplot(projection="polar")
    with pytest.raises(TypeError, match=r"ax must be a single plain Axes.*found polar Axes"):
        draw(polar)


def test_removed_axes_are_refused(draw, ax):
    ax.remove()
    with pytest.raises(
        TypeError, match=r"ax must be a single plain Axes.*found Axes without a figure"
    ):
        draw(ax)


def test_an_array_of_axes_is_refused_with_the_remedy(pyplot):
    with pytest.raises(TypeError, match=r"found ndarray: pass one of its elements\.$"):
        plots.plot_dots(X, Y, ax=pyplot.subplots(1, 2)[1])
