"""The weights as images: their pixels, places and names."""

from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import oneneuron
from oneneuron import Model, NeuronClassifier, plots

RNG = np.random.default_rng(11)


def neuron(weights):
    weights = np.asarray(weights, dtype=float)
    bias = 0.0 if weights.ndim == 1 else np.zeros(len(weights))
    return Model(weights, bias, 0, 0.5, 1.0)


def fitted(num_classes, num_features=6):
    y = np.arange(30) % num_classes
    return NeuronClassifier().fit(RNG.standard_normal((30, num_features)), y)


def pixels(ax):
    return [image.get_array().tolist() for image in ax.images]


def extents(ax):
    """Return left, right, bottom and top of each image."""
    return np.array([image.get_extent() for image in ax.images])


def names(ax):
    return [text.get_text() for text in ax.texts]


def dashes(ax):
    """Return the middles of all dashes."""
    found = [c for c in ax.collections if isinstance(c, LineCollection)]
    return [np.mean(ends, axis=0).tolist() for lines in found for ends in lines.get_segments()]


# --- The images ---


def test_each_pixel_has_the_weight_of_its_feature_row_by_row(ax):
    plots.plot_weights(neuron([1, 2, 3, 4, 5, 6]), (2, 3), ax=ax)
    assert pixels(ax) == [[[1, 2, 3], [4, 5, 6]]]


def test_the_first_row_is_at_the_top(ax):
    plots.plot_weights(neuron(np.arange(6)), (2, 3), ax=ax)
    [(_, _, bottom, top)] = extents(ax)
    heights = ax.transData.transform([[0, bottom], [0, top]])[:, 1]
    assert heights[0] < heights[1]
    assert ax.images[0].origin == "upper"


def test_the_pixels_are_squares(ax):
    plots.plot_weights(neuron(np.arange(6)), (2, 3), ax=ax)
    assert ax.get_aspect() == 1
    [(left, right, bottom, top)] = extents(ax)
    assert (right - left, bottom - top) == (3, 2)


@pytest.mark.parametrize("weights", [[1.0, -4.0, 2.0, 0.0], [1.0, 4.0, 2.0, 0.0]])
def test_the_colours_are_symmetric_about_zero(ax, weights):
    plots.plot_weights(neuron(weights), ax=ax)
    assert ax.images[0].get_clim() == (-4, 4)
    assert ax.images[0].cmap(0.5)[:3] == pytest.approx((1, 1, 1), abs=0.01)


def test_all_images_have_the_same_scale(ax):
    plots.plot_weights(neuron([[1, 0, 0, 0], [0, 0, -7, 0]]), ax=ax)
    assert [image.get_clim() for image in ax.images] == [(-7, 7)] * 2


def test_weights_of_zero_are_drawn(ax):
    plots.plot_weights(neuron(np.zeros(4)), ax=ax).figure.canvas.draw()
    assert ax.images[0].get_clim() == (-1, 1)


def test_negative_weights_have_a_dash_unless_they_are_small(ax):
    plots.plot_weights(neuron([-10, 10, -0.9, -5, 0, 3]), (2, 3), ax=ax)
    assert dashes(ax) == [[0.5, 0.5], [0.5, 1.5]]


def test_a_colourbar_shows_the_scale(ax):
    plots.plot_weights(neuron([3, 0, 0, 0]), ax=ax)
    bar = ax.images[0].colorbar
    assert (bar.vmin, bar.vmax) == (-3, 3)
    assert bar.ax.get_xlabel() == "weight"


@pytest.mark.parametrize("number", [1, 2, 3, 7, 10, 26])
def test_the_images_of_several_neurons_do_not_touch_and_are_all_inside(ax, number):
    plots.plot_weights(neuron(RNG.standard_normal((number, 6))), (2, 3), ax=ax)
    found = extents(ax)
    assert len(found) == number
    for k, (left, right, bottom, top) in enumerate(found):
        rest = np.delete(found, k, axis=0)
        beside = (rest[:, 0] > right) | (rest[:, 1] < left)
        assert (beside | (rest[:, 3] > bottom) | (rest[:, 2] < top)).all()
    assert found[:, 0].min() >= ax.get_xlim()[0]
    assert found[:, 1].max() <= ax.get_xlim()[1]
    assert found[:, 2].max() <= ax.get_ylim()[0]
    assert found[:, 3].min() >= ax.get_ylim()[1]


def test_ten_digits_are_in_two_rows_of_five(ax):
    plots.plot_weights(neuron(RNG.standard_normal((10, 64))), ax=ax)
    found = extents(ax)
    assert len(set(found[:, 0])) == 5
    assert len(set(found[:, 3])) == 2
    assert found[0, 3] == found[4, 3] < found[5, 3]  # the second row begins with the sixth


NAMES = np.array(["short", "longer", "a long name"])


@pytest.mark.parametrize("layout", [None, "constrained", "tight"])
@pytest.mark.parametrize("figsize", [(6.4, 4.8), (3, 2.5)])
@pytest.mark.parametrize("labels", [range(10), NAMES], ids=["digits", "long names"])
def test_names_do_not_touch_each_other_and_nothing_is_cut_off(pyplot, labels, figsize, layout):
    y = np.array(labels)[np.arange(30) % len(labels)]
    figure, ax = pyplot.subplots(figsize=figsize, layout=layout)
    plots.plot_weights(NeuronClassifier().fit(RNG.standard_normal((30, 6)), y), (3, 2), ax=ax)
    check_texts(figure, ax)


def test_names_do_not_touch_each_other_on_a_slide(pyplot):
    with plots.style("slides"):
        figure, ax = pyplot.subplots()
        plots.plot_weights(fitted(10), (2, 3), ax=ax)
        check_texts(figure, ax)


def check_texts(figure, ax):
    """Check that the names do not touch each other and that nothing leaves the figure."""
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert not any(one.overlaps(other) for k, one in enumerate(boxes) for other in boxes[:k])
    extent = figure.get_tightbbox()  # in inches
    width, height = figure.get_size_inches() + 0.01
    assert min(extent.x0, extent.y0) > -0.01 and extent.x1 < width and extent.y1 < height


# --- The models ---


def test_each_neuron_of_a_classifier_has_the_name_of_its_class(ax):
    model = fitted(3)
    plots.plot_weights(model, (2, 3), ax=ax)
    assert np.reshape(pixels(ax), (3, 6)).tolist() == model.coef_.tolist()
    assert names(ax) == ["class 0", "class 1", "class 2"]


def test_the_only_neuron_of_a_classifier_has_the_name_of_the_second_class(ax):
    X = RNG.standard_normal((20, 4))
    model = NeuronClassifier().fit(X, np.where(X[:, 0] > 0, "ripe", "raw"))
    plots.plot_weights(model, ax=ax)
    assert names(ax) == ["class ripe"]


def test_a_dollar_sign_in_a_class_is_not_a_formula(ax):
    X = RNG.standard_normal((20, 4))
    model = NeuronClassifier().fit(X, np.where(X[:, 0] > 0, "b$ $", "a"))
    plots.plot_weights(model, ax=ax)
    assert names(ax) == [r"class b\$ \$"]


def test_a_model_of_a_descent_speaks_for_class_1(ax):
    X = RNG.standard_normal((20, 4))
    descent = oneneuron.train(X, X[:, 0] > 0, eta=0.1, num_steps=5, init=(np.ones(4), 0.0))
    plots.plot_weights(descent.best, ax=ax)
    assert np.ravel(pixels(ax)).tolist() == descent.best.weights.tolist()
    assert names(ax) == ["class 1"]


def test_the_neurons_of_a_layer_without_classes_are_numbered(ax):
    plots.plot_weights(neuron(np.ones((3, 4))), ax=ax)
    assert names(ax) == ["neuron 1", "neuron 2", "neuron 3"]


def test_other_linear_models_can_be_drawn(ax):
    X = RNG.standard_normal((30, 4))
    model = LogisticRegression().fit(X, np.arange(30) % 3)
    plots.plot_weights(model, ax=ax)
    assert np.reshape(pixels(ax), (3, 4)).tolist() == model.coef_.tolist()


def test_a_classifier_with_sparse_weights_can_be_drawn(ax):
    model = fitted(2)
    expected = model.coef_.tolist()
    plots.plot_weights(model.sparsify(), (2, 3), ax=ax)
    assert np.reshape(pixels(ax), (1, 6)).tolist() == expected


# --- The shape and the Axes ---


def test_without_a_shape_the_image_is_a_square(ax):
    plots.plot_weights(neuron(np.arange(9)), ax=ax)
    assert np.shape(pixels(ax)) == (1, 3, 3)


def test_a_second_picture_replaces_the_first_and_its_colourbar(ax):
    plots.plot_weights(neuron(np.ones((3, 4))), ax=ax)
    plots.plot_weights(neuron(np.full(4, 2.0)), ax=ax)
    assert pixels(ax) == [[[2, 2], [2, 2]]]
    assert names(ax) == ["class 1"]
    assert len(ax.figure.axes) == 2  # the picture and one colourbar


def test_a_second_picture_on_cleared_axes_has_one_colourbar_and_as_much_space(pyplot):
    figure, ax = pyplot.subplots()
    places = []
    for _ in range(2):
        plots.plot_weights(neuron(np.ones((3, 4))), ax=ax)
        figure.canvas.draw()
        places.append(ax.get_position().bounds)
        assert len(figure.axes) == 2
        ax.clear()
    # The margins depend a little on those before. A second colourbar would take a tenth.
    assert places[1] == pytest.approx(places[0], abs=0.01)


@pytest.mark.parametrize("size", [(6.4, 4.8), (3, 2.5)])
def test_long_names_do_not_touch(pyplot, size):
    classes = np.array([f"{k}$ a name of 24 letters $" for k in range(10)])
    model = SimpleNamespace(coef_=np.ones((10, 4)), classes_=classes)
    figure, ax = pyplot.subplots(figsize=size)
    plots.plot_weights(model, ax=ax)
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_a_picture_replaces_a_decision_boundary_and_its_colourbar(ax):
    X = np.array([[0.0, 1.0], [2.0, 0.5], [1.0, 3.0]])
    plots.plot_decision_boundary(X, [0, 1, 1], neuron([1.0, 1.0]), ax=ax)
    plots.plot_weights(neuron(np.ones(4)), ax=ax)
    assert ax.get_legend() is None
    assert len(ax.figure.axes) == 2


@pytest.mark.parametrize(
    ("model", "options", "error", "message"),
    [
        (neuron(np.ones(6)), {}, ValueError,
         r"shape must be the rows and columns of an image of 6 pixels, found None: for instance"),
        (neuron(np.ones(6)), dict(shape=(2, 2)), ValueError, "6 pixels.*found 2 x 2"),
        (neuron(np.ones(6)), dict(shape=6), ValueError, "rows and columns.*found 6"),
        (neuron(np.ones(6)), dict(shape=(2, 3, 1)), ValueError, r"found \(2, 3, 1\)"),
        (neuron(np.ones(6)), dict(shape=(1.5, 4)), TypeError, "shape must be a whole number"),
        (neuron([np.nan, 0, 0, 0]), {}, ValueError, "must have finite weights"),
        (NeuronClassifier(), {}, TypeError, "found NeuronClassifier"),
        (make_pipeline(StandardScaler(), NeuronClassifier()), {}, TypeError,
         "last step of a pipeline, found Pipeline"),
        (oneneuron.train(np.eye(4), [0, 1, 0, 1], eta=0.1, num_steps=1, init=(np.ones(4), 0.0)),
         {}, TypeError, r"found the descent: pass descent\.best"),
        (np.ones(4), {}, TypeError, "found ndarray"),
    ],
    ids=["no square", "too few pixels", "no pair", "triple", "fraction", "NaN", "not fitted",
         "pipeline", "descent", "array"],
)  # fmt: skip
def test_wrong_arguments_are_refused_before_anything_is_drawn(
    pyplot, model, options, error, message
):
    with pytest.raises(error, match=message):
        plots.plot_weights(model, **options)
    assert pyplot.get_fignums() == []


def test_without_axes_weights_open_a_new_figure_beside_another_picture(pyplot):
    other = plots.plot_parabola(0.1)
    assert plots.plot_weights(neuron(np.ones(4))).figure is not other.figure
