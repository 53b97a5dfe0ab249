"""The diagram of a neuron: its numbers, its arrows and their looks."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import same_color
from sklearn.linear_model import LogisticRegression

import oneneuron
from oneneuron import Model, NeuronClassifier, plots, reference
from oneneuron.lecture import first_network
from oneneuron.plots import _style

RNG = np.random.default_rng(5)
LECTURES = {"w1": 2.0, "w2": -1.0, "b": 0.5}


def neuron(weights, bias=0.0):
    return Model(np.asarray(weights, dtype=float), bias, 0, 0.5, 1.0)


def texts(ax):
    """Return all texts of the diagram, with a plain minus sign."""
    found = [text.get_text().replace("\N{MINUS SIGN}", "-") for text in ax.texts]
    return [text for text in found if text]  # those of arrows are empty


def arrows(ax):
    """Return the arrows from the inputs and the bias, from top to bottom."""
    found = [text.arrow_patch for text in ax.texts if getattr(text, "arrow_patch", None)]
    return found[1:]  # the first is that of the output


# --- The numbers ---


def test_the_numbers_of_the_lectures_neuron_are_shown(ax):
    plots.plot_neuron(LECTURES, [1.5, 4.0], ax=ax)
    f = reference.sigma(-0.5)
    assert sorted(texts(ax)) == sorted(
        ["$x_{1}$ = 1.5", "$x_{2}$ = 4", "$w_{1}$ = 2", "$w_{2}$ = -1", "bias", "$b$ = 0.5",
         "$z = w \\cdot x + b$\n= -0.5", f"$f = \\sigma(z)$\n= {f:.3g}\nclass 0"]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("bias", "label"), [(-1e-9, "class 0"), (0.0, "class 0"), (0.1, "class 1")]
)
def test_the_class_is_1_if_f_is_above_one_half(ax, bias, label):
    plots.plot_neuron(neuron([1.0], bias), [0.0], ax=ax)
    assert any(text.endswith(label) for text in texts(ax))


def test_each_weight_is_on_the_way_from_its_input_to_the_neuron(ax):
    plots.plot_neuron(neuron([1.0, 2.0, 3.0]), [4.0, 5.0, 6.0], ax=ax)
    places = {text.get_text(): np.array(text.get_position()) for text in ax.texts}
    centre = places["$z = w \\cdot x + b$\n= 32"]
    pairs = [(f"$x_{{{j}}}$ = {j + 3}", f"$w_{{{j}}}$ = {j}") for j in (1, 2, 3)]
    for source, weight in [*pairs, ("bias", "$b$ = 0")]:
        np.testing.assert_allclose(places[weight], 0.56 * places[source] + 0.44 * centre)


def test_the_inputs_come_in_their_order_with_the_bias_below(ax):
    plots.plot_neuron(neuron([1.0, 2.0, 3.0]), [4.0, 5.0, 6.0], ax=ax)
    heights = {text.get_text(): text.get_position()[1] for text in ax.texts}
    names = ["$x_{1}$ = 4", "$x_{2}$ = 5", "$x_{3}$ = 6", "bias"]
    assert (np.diff([heights[name] for name in names]) < 0).all()


def test_of_many_inputs_those_with_the_largest_terms_are_shown_and_the_rest_as_one(ax):
    x = np.array([1.0, -9.0, 2.0, 8.0, 0.5, 7.0, 6.0, 5.0])
    plots.plot_neuron(neuron(np.full(8, 2.0)), x, ax=ax)
    shown = [text for text in texts(ax) if text.startswith("$x")]
    assert shown == [f"$x_{{{j}}}$ = {x[j - 1]:g}" for j in (2, 4, 6, 7, 8)]
    assert "3 more" in texts(ax)
    assert "$\\sum w x$ = 7" in texts(ax)  # 2 (1 + 2 + 0.5)
    assert "$z = w \\cdot x + b$\n= 41" in texts(ax)


def test_six_inputs_are_all_shown(ax):
    plots.plot_neuron(neuron(np.ones(6)), np.ones(6), ax=ax)
    assert len([text for text in texts(ax) if text.startswith("$x")]) == 6


# --- The arrows ---


def test_positive_terms_are_orange_and_negative_ones_blue_and_dashed(ax):
    plots.plot_neuron(neuron([1.0, -1.0, -1.0], -3.0), [2.0, 2.0, -2.0], ax=ax)
    looks = [(arrow.get_edgecolor(), arrow.get_linestyle()) for arrow in arrows(ax)]
    for (color, dash), index in zip(looks, [1, 0, 1, 0], strict=True):
        assert same_color(color, _style.COLORS[index])
        assert dash == ("--" if index == 0 else "-")


def test_the_width_of_an_arrow_grows_with_the_size_of_its_term(ax):
    plots.plot_neuron(neuron([1.0, -2.0, 3.0], 4.0), [1.0, 1.0, 1.0], ax=ax)
    widths = np.array([arrow.get_linewidth() for arrow in arrows(ax)])
    np.testing.assert_allclose(widths / widths[-1], [1.75 / 4, 2.5 / 4, 3.25 / 4, 1])


def test_terms_of_zero_are_drawn(ax):
    plots.plot_neuron(neuron([0.0, 0.0]), [1.0, 0.0], ax=ax).figure.canvas.draw()
    widths = [arrow.get_linewidth() for arrow in arrows(ax)]
    assert min(widths) == max(widths) > 0


def test_arrows_and_letters_grow_with_the_picture(pyplot):
    sizes = []
    for width in (4, 8):
        ax = pyplot.subplots(figsize=(width, 4))[1]
        plots.plot_neuron(neuron([1.0, -2.0]), [1.0, 1.0], ax=ax)
        sizes.append([ax.texts[0].get_fontsize(), *(a.get_linewidth() for a in arrows(ax))])
    np.testing.assert_allclose(sizes[1], 2 * np.array(sizes[0]))


def test_the_weights_of_many_inputs_do_not_touch_in_a_small_figure(pyplot):
    figure, ax = pyplot.subplots(figsize=(3, 2.5))
    plots.plot_neuron(neuron(RNG.standard_normal(9)), RNG.standard_normal(9), ax=ax)
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts
             if text.get_text().startswith(("$w_", "$\\sum", "$b$"))]  # fmt: skip
    assert len(boxes) == 7
    boxes.sort(key=lambda box: box.y0)
    assert all(lower.y1 < upper.y0 for lower, upper in pairwise(boxes))


# --- The models ---


def test_the_model_of_a_descent_and_its_samples_can_be_drawn(ax):
    X = RNG.standard_normal((20, 3)).astype(np.float32)
    descent = oneneuron.train(X, X[:, 0] > 0, eta=0.1, num_steps=5, init=(np.ones(3), 0.0))
    plots.plot_neuron(descent.best, X[0], ax=ax)
    z = X[0].astype(float) @ descent.best.weights + descent.best.bias
    assert f"$z = w \\cdot x + b$\n= {z:.3g}" in texts(ax)


def test_the_f_of_the_lectures_model_is_that_of_its_predict(ax):
    plots.plot_neuron(LECTURES, [1.5, 3.0], ax=ax)
    [f] = first_network.predict(np.array([[1.5, 3.0]]), LECTURES)
    assert f"$f = \\sigma(z)$\n= {f:.3g}\nclass 1" in texts(ax)


@pytest.mark.parametrize("kind", [NeuronClassifier, LogisticRegression])
def test_a_classifier_shows_its_probability_and_its_class(ax, kind):
    X = RNG.standard_normal((20, 2))
    model = kind().fit(X, np.where(X[:, 0] > 0, "b$ $", "a"))
    sample = X[X[:, 0].argmax()]
    plots.plot_neuron(model, sample, ax=ax)
    f = model.predict_proba([sample])[0, 1]
    assert f"$f = \\sigma(z)$\n= {f:.3g}\nclass b\\$ \\$" in texts(ax)


# --- The picture ---


@pytest.mark.parametrize("layout", [None, "constrained", "tight"])
@pytest.mark.parametrize("figsize", [(6.4, 4.8), (3, 2.5), (13.3, 7.5)])
@pytest.mark.parametrize("d", [1, 2, 64])
def test_nothing_is_cut_off_and_no_text_touches_the_neuron(pyplot, figsize, d, layout):
    figure, ax = pyplot.subplots(figsize=figsize, layout=layout)
    plots.plot_neuron(neuron(np.full(d, -1.52)), np.full(d, -2.13), ax=ax)
    figure.canvas.draw()
    centre, *rest = [text.get_window_extent() for text in ax.texts if text.get_text()]
    assert not any(centre.overlaps(box) for box in rest)
    extent = figure.get_tightbbox()  # in inches
    width, height = np.array(figsize) + 0.01
    assert min(extent.x0, extent.y0) > -0.01 and extent.x1 < width and extent.y1 < height


def test_a_second_neuron_replaces_the_first(ax):
    plots.plot_neuron(LECTURES, [1.5, 3.0], ax=ax)
    before = texts(ax)
    plots.plot_neuron(neuron(np.ones(6)), np.ones(6), ax=ax)
    plots.plot_neuron(LECTURES, [1.5, 3.0], ax=ax)
    assert texts(ax) == before


@pytest.mark.parametrize(
    ("model", "x", "error", "message"),
    [
        (LECTURES, [1.0], ValueError, r"single sample with 2 features.*found shape \(1,\)"),
        (LECTURES, [[1.0, 2.0]], ValueError, r"such as X\[0\], found shape \(1, 2\)"),
        (LECTURES, [1.0, np.nan], ValueError, "x must be finite"),
        (LECTURES, ["a", "b"], TypeError, "x must hold numbers"),
        (neuron([1e300, 1.0]), [1e300, 1.0], ValueError, "overflows: scale the features"),
        (neuron(np.ones((3, 2)), np.zeros(3)), [1.0, 2.0], ValueError, "found 3 neurons"),
        (neuron([1.0, 1.0], np.inf), [1.0, 2.0], ValueError, "model must be finite"),
        ({"w1": 1.0, "b": 0.0, "c": 2.0}, [1.0, 2.0], ValueError,
         r"must have the keys w1, w2 and b, found \['w1', 'b', 'c'\]"),
        ({}, [1.0], ValueError, r"must have the keys w1 and b, found \[\]"),
        ({"w1": "1", "b": 0.0}, [1.0], TypeError, r"model\['w1'\] must be a number"),
        (NeuronClassifier(), [1.0, 2.0], TypeError, "found NeuronClassifier"),
        (oneneuron.train(np.eye(2), [0, 1], eta=0.1, num_steps=1, init=(np.ones(2), 0.0)),
         [1.0, 2.0], TypeError, r"pass descent\.best"),
    ],
    ids=["too short", "a row", "NaN", "texts", "overflow", "layer", "infinite bias", "other keys",
         "no keys", "text", "not fitted", "descent"],
)  # fmt: skip
def test_wrong_arguments_are_refused_before_anything_is_drawn(pyplot, model, x, error, message):
    with pytest.raises(error, match=message):
        plots.plot_neuron(model, x)
    assert pyplot.get_fignums() == []


def test_without_axes_a_neuron_opens_a_new_figure_beside_another_picture(pyplot):
    other = plots.plot_parabola(0.1)
    assert plots.plot_neuron(LECTURES, [1.5, 3.0]).figure is not other.figure
