"""The regions of the classes, the line between them, and the rest of the picture."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from helpers import dots_by_label
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import oneneuron
from oneneuron import NeuronClassifier, plots
from oneneuron.plots import _style

X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
Y = np.array([0, 1, 0, 1])
LABELS = [[0, 1], [-1, 1], ["no", "yes"], [False, True], [1.0, 2.0], [99, 100]]
IRIS = load_iris(as_frame=True)
PETALS = IRIS.data.iloc[:, 2:]


def half_plane(points):
    """Return a probability of class 1 that is 1/2 on the line x_1 = 0.4."""
    return 1 / (1 + np.exp(-10 * (points[:, 0] - 0.4)))


def meshes(ax):
    return [c for c in ax.collections if isinstance(c, mpl.collections.QuadMesh)]


def mesh_of(ax):
    [mesh] = meshes(ax)
    return mesh


def lines(ax):
    return [c for c in ax.collections if isinstance(c, mpl.contour.ContourSet)]


def vertices(ax):
    return np.concatenate([path.vertices for c in lines(ax) for path in c.get_paths()])


def cosine(u, v):
    return u @ v / np.linalg.norm(u) / np.linalg.norm(v)


def class_at(ax, x1, x2):
    """Return the class whose colour, mixed with white, is nearest to the colour at a point."""
    mesh = mesh_of(ax)
    coordinates = mesh.get_coordinates().reshape(-1, 2)
    nearest = np.abs(coordinates - [x1, x2]).sum(axis=1).argmin()
    color = np.array(mesh.to_rgba(mesh.get_array().ravel()[nearest])[:3])
    lights = {label: _style.light_color(index) for index, label in enumerate(dots_by_label(ax))}
    nearest = max(lights, key=lambda label: cosine(1 - np.array(lights[label]), 1 - color))
    return nearest.removeprefix("class ")


def separated(labels):
    """Return functions with every kind of output, all for the second label where x_1 > 0.4."""
    first, second = labels
    return {
        "probabilities of the second": half_plane,
        "a column of them": lambda points: half_plane(points)[:, None],
        "of both": lambda points: np.column_stack([1 - half_plane(points), half_plane(points)]),
        "float32": lambda points: half_plane(points).astype(np.float32),
        "labels": lambda points: np.where(half_plane(points) > 0.5, second, first),
        "a list": lambda points: [second if f > 0.5 else first for f in half_plane(points)],
        "a Series": lambda points: pd.Series(np.where(half_plane(points) > 0.5, second, first)),
    }


class TestRegions:
    @pytest.mark.parametrize("labels", LABELS)
    @pytest.mark.parametrize("output", separated([0, 1]))
    def test_each_region_has_its_class_for_any_labels_and_any_output(self, ax, labels, output):
        y = np.array(labels)[Y]
        plots.plot_decision_boundary(X, y, separated(labels)[output], ax=ax)
        assert [class_at(ax, 0.3, 0.9), class_at(ax, 0.5, 0.1)] == [str(label) for label in labels]
        # The line is off by half a cell of width 0.0058 at most.
        np.testing.assert_allclose(vertices(ax)[:, 0], 0.4, atol=4e-3)

    @pytest.mark.parametrize("labels", [[0, 1, 2], ["a", "b", "c"], [-1, 0, 1], [3.0, 5.0, 9.0]])
    @pytest.mark.parametrize("model", [NeuronClassifier(), SVC(), KNeighborsClassifier(4)])
    def test_three_regions_are_what_the_model_predicts(self, ax, labels, model):
        y = np.array(labels)[IRIS.target]
        plots.plot_decision_boundary(PETALS, y, model.fit(PETALS, y), ax=ax)
        mesh = mesh_of(ax)
        points = pd.DataFrame(mesh.get_coordinates().reshape(-1, 2), columns=PETALS.columns)
        indices = np.searchsorted(labels, model.predict(points))
        # If several classes have equal votes, kNN predicts the first of them, and so do we.
        assert mesh.get_array().ravel().tolist() == indices.tolist()

    @pytest.mark.parametrize("labels", LABELS)
    @pytest.mark.parametrize(
        "model",
        [
            NeuronClassifier(),
            SVC(),
            Perceptron(),
            KNeighborsClassifier(1),
            make_pipeline(StandardScaler(), NeuronClassifier()),
            GridSearchCV(LogisticRegression(), {"C": [1, 10]}, cv=2),
        ],
        ids=lambda model: type(model).__name__,
    )
    def test_every_sample_lies_in_the_region_of_its_class_for_any_classifier_and_labels(
        self, ax, model, labels
    ):
        y = np.array(labels)[Y]
        plots.plot_decision_boundary(X, y, model.fit(X, y), ax=ax)
        assert [class_at(ax, *point) for point in X] == [str(label) for label in y]

    def test_an_asymmetric_model_has_regions_that_are_neither_mirrored_nor_transposed(self, ax):
        plots.plot_decision_boundary(
            X, Y, lambda points: (points[:, 0] > 0.7) & (points[:, 1] < 0.2), ax=ax
        )
        corners = [(0, 0), (1, 0), (0, 1), (1, 1)]
        assert [class_at(ax, *corner) for corner in corners] == ["0", "1", "0", "0"]

    def test_a_tie_belongs_to_the_region_of_the_first_class(self, ax):
        def predict(points):
            return np.select([points[:, 0] < 0.3, points[:, 0] < 0.7], [0.1, 0.5], 0.9)

        plots.plot_decision_boundary(X, Y, predict, ax=ax)
        # A cell is 0.0058 wide.
        np.testing.assert_allclose(vertices(ax)[:, 0], 0.7, atol=6e-3)

    def test_regions_have_the_right_classes_if_y_has_one_that_the_model_lacks(self, ax):
        model = NeuronClassifier().fit(PETALS, IRIS.target + 1)
        y = np.where(PETALS.iloc[:, 1] < 0.3, 0, IRIS.target + 1)
        plots.plot_decision_boundary(PETALS, y, model, ax=ax)
        assert list(dots_by_label(ax)) == ["class 0", "class 1", "class 2", "class 3"]
        assert [class_at(ax, *at) for at in [(1, 0.2), (4, 1.2), (6, 2.2)]] == ["1", "2", "3"]

    def test_float_labels_of_a_classifier_with_whole_classes_find_their_region(self, ax):
        class Constant:
            classes_ = np.array([1, 2])

            def predict(self, points):
                return np.ones(len(points))

        plots.plot_decision_boundary(X, Y + 1, Constant(), ax=ax)
        assert class_at(ax, 0, 0) == "1"

    def test_regions_are_not_swapped_if_a_classifier_has_unsorted_classes(self, ax):
        class Backwards:
            classes_ = np.array(["yes", "no"])

            def predict_proba(self, points):
                return np.column_stack([half_plane(points), 1 - half_plane(points)])

        plots.plot_decision_boundary(X, np.array(["no", "yes"])[Y], Backwards(), ax=ax)
        assert [class_at(ax, 0, 0), class_at(ax, 1, 0)] == ["no", "yes"]


def test_floats_are_labels_if_y_has_floats(ax):
    plots.plot_decision_boundary(
        X, [1.0, 2.0, 1.0, 2.0], lambda points: np.ones(len(points)), ax=ax
    )
    assert class_at(ax, 0, 0) == "1.0"


def test_floats_are_probabilities_if_y_has_whole_numbers(ax):
    plots.plot_decision_boundary(X, [1, 2, 1, 2], lambda points: np.ones(len(points)), ax=ax)
    assert class_at(ax, 0, 0) == "2"


def test_probabilities_need_samples_of_only_one_of_the_classes_0_and_1(ax):
    plots.plot_decision_boundary(X, [1, 1, 1, 1], half_plane, ax=ax)
    assert [class_at(ax, 0, 0), class_at(ax, 1, 0)] == ["0", "1"]


def test_a_classifier_of_one_class_has_a_single_region(ax):
    model = KNeighborsClassifier(1).fit(X, ["only"] * 4)
    plots.plot_decision_boundary(X, ["only"] * 4, model, ax=ax)
    assert class_at(ax, 0, 0) == "only"
    assert lines(ax) == []


@settings(deadline=None, max_examples=30)
@given(st.floats(-20, 20).filter(lambda w: abs(w) > 0.1), st.floats(-20, 20), st.floats(-10, 10))
def test_the_line_is_where_the_output_of_a_neuron_is_one_half(w1, w2, b):
    from matplotlib.figure import Figure

    from oneneuron.lecture import first_network

    model = {"w1": w1, "w2": w2, "b": b}
    f = lambda points: first_network.predict(points, model)  # noqa: E731
    ax = plots.plot_decision_boundary(X, Y, f, ax=Figure().add_subplot())
    if lines(ax):
        # The line is off by half a cell at most, which is 0.003 w in w.x + b.
        off = vertices(ax) @ [w1, w2] + b
        assert np.abs(off).max() < 0.006 * (abs(w1) + abs(w2))


class TestPicture:
    def test_the_legend_shows_the_classes_and_the_line(self, ax):
        plots.plot_decision_boundary(X, Y, half_plane, ax=ax)
        texts = [text.get_text() for text in ax.get_legend().get_texts()]
        assert texts == ["class 0", "class 1", "$f = 0.5$"]

    @pytest.mark.parametrize("size", [(6.4, 4.8), (3, 2.5)])
    def test_the_legend_hides_no_samples(self, pyplot, size):
        figure, ax = pyplot.subplots(figsize=size)
        plots.plot_decision_boundary(X, Y, half_plane, test=(X, Y), ax=ax)
        figure.canvas.draw()
        assert ax.get_legend().get_window_extent().y0 >= ax.get_window_extent().y1

    def test_the_line_is_where_the_probability_is_one_half(self, ax):
        plots.plot_decision_boundary(X, Y, half_plane, ax=ax)
        # Interpolated linearly between grid points that are 0.006 apart.
        np.testing.assert_allclose(vertices(ax)[:, 0], 0.4, atol=1e-3)

    def test_the_shades_are_the_probabilities(self, ax):
        plots.plot_decision_boundary(X, Y, half_plane, ax=ax)
        mesh = mesh_of(ax)
        coordinates = mesh.get_coordinates().reshape(-1, 2)
        np.testing.assert_allclose(
            mesh.get_array().ravel(), half_plane(coordinates), rtol=0, atol=1e-15
        )
        assert mesh.get_clim() == (0, 1)

    def test_the_colourbar_names_the_second_class(self, ax):
        plots.plot_decision_boundary(X, np.array(["no", "yes"])[Y], half_plane, ax=ax)
        [bar] = [other for other in ax.figure.axes if other is not ax]
        assert bar.get_ylabel() == "$f(x)$, the probability of class yes"

    def test_the_dots_lie_above_the_line_and_the_line_above_the_shades(self, ax):
        plots.plot_decision_boundary(X, Y, half_plane, ax=ax)
        first, second, shades, contour = ax.collections
        assert shades.zorder < contour.zorder < min(first.zorder, second.zorder)

    def test_the_colourbar_takes_no_space_from_other_axes(self, ax):
        import matplotlib.pyplot as plt

        _, (left, right) = plt.subplots(1, 2)
        before = left.get_position().bounds
        plots.plot_decision_boundary(X, Y, half_plane, ax=right)
        assert left.get_position().bounds == before

    def test_a_picture_leaves_the_settings_of_matplotlib_alone(self, ax):
        before = mpl.rcParams.copy()
        plots.plot_decision_boundary(X, Y, half_plane, ax=ax)
        assert mpl.rcParams == before

    @pytest.mark.parametrize(
        ("samples", "labels", "predict"),
        [
            (X, Y, lambda points: np.full(len(points), 0.5)),
            (X, Y, lambda points: np.zeros(len(points))),
            (X[:1], Y[:1], half_plane),
            (np.ones((3, 2)), [0, 1, 1], half_plane),
            (X * [1, 0], Y, half_plane),
            (1e-9 * X, Y, half_plane),
            (1e300 * X, Y, lambda points: points[:, 0] > 5e299),
            (1e-300 * X, Y, half_plane),
            (1e9 + 1e-9 * X, Y, half_plane),
        ],
        ids=[
            "f = 1/2",
            "f = 0",
            "one sample",
            "equal samples",
            "constant feature",
            "small",
            "1e300",
            "1e-300",
            "small and far from 0",
        ],
    )
    def test_extreme_samples_and_constant_models_are_drawn(self, ax, samples, labels, predict):
        plots.plot_decision_boundary(samples, labels, predict, ax=ax)
        ax.figure.canvas.draw()


class TestDrawnAgain:
    def other_half(self, points):
        return 1 - half_plane(points)

    @pytest.mark.parametrize("is_cleared", [False, True])
    def test_a_new_picture_replaces_the_old_one(self, ax, is_cleared):
        for predict in (half_plane, half_plane, self.other_half):
            if is_cleared:
                ax.clear()
            plots.plot_decision_boundary(X, Y, predict, ax=ax)
        ax.figure.canvas.draw()
        assert len(ax.figure.axes) == 2
        assert len(meshes(ax)) == len(lines(ax)) == 1
        assert class_at(ax, 0, 0) == "1"
        assert len(ax.get_legend().get_texts()) == 3

    @pytest.mark.parametrize("is_cleared", [False, True])
    def test_a_picture_without_probabilities_removes_the_old_colourbar(self, ax, is_cleared):
        before = ax.get_position().bounds
        plots.plot_decision_boundary(X, Y, half_plane, ax=ax)
        if is_cleared:
            ax.clear()
        plots.plot_decision_boundary(X, Y, lambda points: np.zeros(len(points), int), ax=ax)
        assert ax.figure.axes == [ax]
        assert ax.get_position().bounds == before

    def test_a_new_picture_keeps_what_others_drew(self, ax):
        [line] = ax.plot([0, 1], [0, 1])
        for _ in range(2):
            plots.plot_decision_boundary(X, Y, half_plane, ax=ax)
        assert line in ax.lines


HEIGHTS = np.array([[150.0], [160.0], [170.0], [180.0]])


def curve_of(ax):
    """Return the points of the curve of f over a single feature."""
    [line] = (line for line in ax.lines if line.get_label() == "$f(x)$")
    return line.get_data()


def upright_lines(ax):
    """Return where the vertical lines are that separate classes over a single feature."""
    return [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == "--"]


class TestOneFeature:
    def steep(self, points):
        return expit(points[:, 0] - 166)

    def test_the_curve_is_the_output_of_the_model(self, ax):
        plots.plot_decision_boundary(HEIGHTS, [0, 0, 1, 1], self.steep, ax=ax)
        x, f = curve_of(ax)
        np.testing.assert_allclose(f, expit(x - 166), atol=1e-15)
        assert ax.get_xlim() == (x[0], x[-1])

    def test_the_samples_have_the_height_of_their_label(self, ax):
        plots.plot_decision_boundary(HEIGHTS, [0, 1, 0, 1], self.steep, ax=ax)
        assert dots_by_label(ax) == {
            "class 0": [[150, 0], [170, 0]],
            "class 1": [[160, 1], [180, 1]],
        }

    def test_a_line_is_where_f_is_one_half(self, ax):
        plots.plot_decision_boundary(HEIGHTS, [0, 0, 1, 1], self.steep, ax=ax)
        assert upright_lines(ax) == pytest.approx([166], abs=1e-3)

    def test_the_height_names_the_class_and_there_is_no_colourbar(self, ax):
        plots.plot_decision_boundary(HEIGHTS, ["a", "a", "b", "b"], self.steep, ax=ax)
        assert ax.get_ylabel() == "$f(x)$, the probability of class b"
        assert [tick.get_text() for tick in ax.get_yticklabels()] == ["0", "0.5", "1"]
        assert ax.figure.axes == [ax]

    def test_f_rises_to_the_second_class_if_a_classifier_has_unsorted_classes(self, ax):
        class Backwards:
            classes_ = np.array(["yes", "no"])

            def predict_proba(self, points):
                f = expit(points[:, 0] - 166)
                return np.column_stack([f, 1 - f])

        plots.plot_decision_boundary(HEIGHTS, ["no", "no", "yes", "yes"], Backwards(), ax=ax)
        assert curve_of(ax)[1][[0, -1]] == pytest.approx([0, 1], abs=1e-6)

    def test_the_shades_are_the_probabilities_over_the_whole_height(self, ax):
        plots.plot_decision_boundary(HEIGHTS, [0, 0, 1, 1], self.steep, ax=ax)
        low, high = np.reshape(mesh_of(ax).get_array(), (2, -1))
        np.testing.assert_array_equal(low, high)
        np.testing.assert_array_equal(low, curve_of(ax)[1])
        assert tuple(mesh_of(ax).get_coordinates()[[0, -1], 0, 1]) == ax.get_ylim()

    def test_labels_have_bands_with_lines_between_them(self, ax):
        def predict(points):
            return np.searchsorted([155, 175], points[:, 0])

        plots.plot_decision_boundary(HEIGHTS, [0, 1, 1, 2], predict, ax=ax)
        assert upright_lines(ax) == pytest.approx([155, 175], abs=0.02)
        assert [class_at(ax, x, 0) for x in (150, 160, 180)] == ["0", "1", "2"]
        assert ax.get_ylabel() == "class"

    def test_a_descent_on_one_feature_is_drawn(self, ax):
        descent = oneneuron.train(HEIGHTS - 165, [0, 0, 1, 1], eta=0.1, num_steps=100)
        plots.plot_decision_boundary(HEIGHTS - 165, [0, 0, 1, 1], descent.best, ax=ax)
        expected = -descent.best.bias / descent.best.weights[0]
        assert upright_lines(ax) == pytest.approx([expected], abs=0.02)

    def test_one_of_several_features_is_drawn_with_the_others_held(self, ax):
        model = NeuronClassifier().fit(IRIS.data, IRIS.target)
        plots.plot_decision_boundary(
            IRIS.data, IRIS.target, model, features="petal length (cm)", ax=ax
        )
        assert ax.get_xlabel() == "petal length (cm)"
        assert ax.get_legend().get_title().get_text() == "3 other features at their medians"

    def test_two_features_replace_one(self, ax):
        plots.plot_decision_boundary(HEIGHTS, [0, 0, 1, 1], self.steep, ax=ax)
        plots.plot_decision_boundary(X, Y, half_plane, ax=ax)
        assert len(meshes(ax)) == 1
        assert len(ax.get_yticks()) > 3
        assert upright_lines(ax) == []

    def test_a_constant_model_is_drawn(self, ax):
        plots.plot_decision_boundary(HEIGHTS, [0, 0, 1, 1], lambda p: np.full(len(p), 0.5), ax=ax)
        assert upright_lines(ax) == []

    def test_a_range_of_a_second_feature_is_refused(self):
        with pytest.raises(ValueError, match=r"only one is drawn: leave it out, found \(0, 1\)"):
            plots.plot_decision_boundary(HEIGHTS, [0, 0, 1, 1], self.steep, ylim=(0, 1))


class TestRange:
    def test_the_model_is_drawn_over_a_given_range(self, ax):
        plots.plot_decision_boundary(X, Y, half_plane, xlim=(-5, 6), ylim=(-2, 0.5), ax=ax)
        assert (ax.get_xlim(), ax.get_ylim()) == ((-5, 6), (-2, 0.5))
        corners = mesh_of(ax).get_coordinates()[[0, -1], [0, -1]]
        assert corners.tolist() == [[-5, -2], [6, 0.5]]

    def test_the_other_range_is_that_of_the_samples(self, ax):
        plots.plot_decision_boundary(X, Y, half_plane, ax=ax)
        before = ax.get_ylim()
        plots.plot_decision_boundary(X, Y, half_plane, xlim=(-5, 6), ax=ax)
        assert ax.get_ylim() == before

    @pytest.mark.parametrize("name", ["xlim", "ylim"])
    def test_a_range_without_a_length_is_refused(self, name):
        with pytest.raises(ValueError, match=f"{name} must be two numbers.*the lower one first"):
            plots.plot_decision_boundary(X, Y, half_plane, **{name: (1, 0)})


SHIFTED = X + np.array([3, -1])


class TestSharedAxes:
    @pytest.fixture
    def pair(self, pyplot):
        return pyplot.subplots(1, 2, sharex=True, sharey=True)[1]

    def range_of_mesh(self, ax):
        coordinates = mesh_of(ax).get_coordinates()
        return [*zip(*coordinates[[0, -1], [0, -1]], strict=True)]

    def test_both_pictures_cover_the_samples_of_both(self, pair):
        for ax, samples in zip(pair, (X, SHIFTED), strict=True):
            plots.plot_decision_boundary(samples, Y, half_plane, ax=ax)
        for ax in pair:
            assert self.range_of_mesh(ax) == [ax.get_xlim(), ax.get_ylim()]
        assert pair[0].get_xlim() == pytest.approx((-0.08, 4.08))
        assert pair[0].get_ylim() == pytest.approx((-1.08, 1.08))

    def test_a_given_range_is_that_of_both_pictures(self, pair):
        plots.plot_decision_boundary(X, Y, half_plane, ax=pair[0])
        plots.plot_decision_boundary(X, Y, half_plane, xlim=(-3, 3), ax=pair[1])
        assert self.range_of_mesh(pair[0])[0] == self.range_of_mesh(pair[1])[0] == (-3, 3)

    def test_dots_on_a_shared_axis_stay_visible(self, pair):
        plots.plot_dots(10 * X, Y, ax=pair[0])
        plots.plot_decision_boundary(X, Y, half_plane, ax=pair[1])
        assert pair[0].get_xlim()[1] > 10
        assert self.range_of_mesh(pair[1]) == [pair[1].get_xlim(), pair[1].get_ylim()]

    def test_one_shared_axis_leaves_the_other_alone(self, pyplot):
        left, right = pyplot.subplots(1, 2, sharex=True)[1]
        plots.plot_decision_boundary(X, Y, half_plane, ax=left)
        before = left.get_ylim()
        plots.plot_decision_boundary(SHIFTED, Y, half_plane, ax=right)
        assert left.get_ylim() == before
        assert self.range_of_mesh(left) == [left.get_xlim(), before]

    def test_a_neighbour_that_was_cleared_is_not_drawn_again(self, pair):
        plots.plot_decision_boundary(X, Y, half_plane, ax=pair[0])
        pair[0].clear()
        plots.plot_dots(SHIFTED, Y, ax=pair[0])
        plots.plot_decision_boundary(X, Y, half_plane, ax=pair[1])
        assert meshes(pair[0]) == []

    def test_a_neighbour_predicts_once_more_if_both_of_its_axes_change(self, pair):
        calls = []
        plots.plot_decision_boundary(
            X, Y, lambda points: calls.append(1) or half_plane(points), ax=pair[0]
        )
        plots.plot_decision_boundary(SHIFTED, Y, half_plane, ax=pair[1])
        assert len(calls) == 2

    def test_an_empty_neighbour_does_not_count(self, pair):
        plots.plot_decision_boundary(10 + X, Y, half_plane, ax=pair[0])
        assert pair[0].get_xlim()[0] > 9


class TestTestSamples:
    TEST = X + np.array([4.0, 0.25]), 1 - Y

    def hollow(self, ax):
        """Return the positions of hollow dots by the colour of their edges."""
        dots = [c for c in ax.collections if isinstance(c, mpl.collections.PathCollection)]
        return {
            mpl.colors.to_hex(c.get_edgecolor()[0]): c.get_offsets().tolist()
            for c in dots
            if len(c.get_offsets()) and (c.get_facecolor()[0, :3] == 1).all()
        }

    def test_they_are_hollow_dots_in_the_colours_of_their_classes(self, ax):
        plots.plot_decision_boundary(X, Y, half_plane, test=self.TEST, ax=ax)
        samples, labels = self.TEST
        assert self.hollow(ax) == {
            _style.COLORS[k]: samples[labels == k].tolist() for k in (0, 1)
        }  # fmt: skip

    def test_the_legend_names_them(self, ax):
        plots.plot_decision_boundary(X, Y, half_plane, test=self.TEST, ax=ax)
        texts = [text.get_text() for text in ax.get_legend().get_texts()]
        assert texts == ["class 0", "class 1", "test samples", "$f = 0.5$"]

    def test_the_range_includes_them(self, ax):
        plots.plot_decision_boundary(X, Y, half_plane, test=self.TEST, ax=ax)
        assert ax.get_xlim()[1] > 5

    def test_a_class_that_only_they_have_gets_a_colour(self, ax):
        predict = lambda points: np.zeros(len(points), int)  # noqa: E731
        plots.plot_decision_boundary(X, Y, predict, test=(X, [2, 2, 2, 2]), ax=ax)
        assert self.hollow(ax) == {_style.COLORS[2]: X.tolist()}

    def test_those_of_one_feature_have_the_height_of_their_label(self, ax):
        test = HEIGHTS[:2], [1, 0]
        plots.plot_decision_boundary(HEIGHTS, [0, 0, 1, 1], lambda p: expit(p[:, 0] - 166),
                                     test=test, ax=ax)  # fmt: skip
        assert self.hollow(ax) == {_style.COLORS[0]: [[160, 0]], _style.COLORS[1]: [[150, 1]]}

    @pytest.mark.parametrize(
        ("test", "error", "message"),
        [
            (X, TypeError, r"test must be a pair \(X_test, y_test\), found ndarray"),
            ((X,), TypeError, "test must be a pair"),
            ((X, Y[:2]), ValueError, "y must have shape"),
            ((np.ones((4, 1)), Y), ValueError, r"test must have the 2 features of X, found \[0\]"),
        ],
        ids=["array", "one of them", "too few labels", "fewer features"],
    )
    def test_anything_else_is_refused(self, test, error, message):
        with pytest.raises(error, match=message):
            plots.plot_decision_boundary(X, Y, half_plane, test=test)


class TestIssuesOfMlxtend:
    """Issues that users opened about plot_decision_regions of mlxtend, by their numbers."""

    def test_335_a_model_fitted_on_a_frame_is_drawn(self, ax):
        """mlxtend passed arrays, without the feature names that the model expects."""
        y = IRIS.target_names[IRIS.target]
        model = NeuronClassifier().fit(PETALS, y)
        plots.plot_decision_boundary(PETALS, y, model, ax=ax)
        assert class_at(ax, 1.5, 0.2) == "setosa"

    def test_335_a_model_fitted_on_a_frame_is_drawn_with_an_array(self, ax):
        y = IRIS.target_names[IRIS.target]
        model = NeuronClassifier().fit(PETALS, y)
        plots.plot_decision_boundary(PETALS.to_numpy(), y, model, ax=ax)
        assert class_at(ax, 1.5, 0.2) == "setosa"
        assert ax.get_xlabel() == "petal length (cm)"

    def test_339_whole_numbers_of_six_features_are_drawn(self, ax):
        """mlxtend wanted filler values and refused whole numbers in X."""
        samples = np.random.RandomState(0).randint(0, 10, (60, 6))
        y = samples[:, 4] > 4
        model = NeuronClassifier().fit(samples, y)
        plots.plot_decision_boundary(samples, y, model, features=(4, 1), ax=ax)
        assert [class_at(ax, 1, 5), class_at(ax, 8, 5)] == ["False", "True"]

    def test_873_the_legend_tells_where_the_other_features_are_held(self, ax):
        """Users did not understand its filler values and ranges."""
        model = NeuronClassifier().fit(IRIS.data, IRIS.target)
        features = ("petal length (cm)", "petal width (cm)")
        plots.plot_decision_boundary(IRIS.data, IRIS.target, model, features=features, ax=ax)
        assert (
            ax.get_legend().get_title().get_text()
            == "sepal length (cm) = 5.8, sepal width (cm) = 3"
        )

    @pytest.mark.parametrize("labels", [[99, 100], [3, 4], [-7, 12]])
    def test_435_labels_need_not_count_from_0(self, ax, labels):
        """mlxtend reversed the colours."""
        y = np.array(labels)[Y]
        plots.plot_decision_boundary(X, y, SVC(kernel="linear").fit(X, y), ax=ax)
        assert [class_at(ax, *point) for point in X] == [str(label) for label in y]

    def test_589_both_sides_of_a_perceptron_are_coloured(self, ax):
        """mlxtend left the side of label -1 white."""
        predict = lambda points: np.where(points[:, 0] > 0.4, 1, -1)  # noqa: E731
        plots.plot_decision_boundary(X, 2 * Y - 1, predict, ax=ax)
        assert [class_at(ax, 0, 0), class_at(ax, 1, 0)] == ["-1", "1"]

    def test_589_a_class_keeps_its_colour_if_another_has_no_samples(self, ax):
        model = NeuronClassifier().fit(PETALS, IRIS.target)
        some = IRIS.target != 1
        plots.plot_decision_boundary(PETALS[some], IRIS.target[some], model, ax=ax)
        assert list(dots_by_label(ax)) == ["class 0", "class 1", "class 2"]
        assert dots_by_label(ax)["class 1"] == []
        assert [class_at(ax, *at) for at in [(1, 0.2), (4, 1.2), (6, 2.2)]] == ["0", "1", "2"]

    def test_804_the_model_predicts_once_for_a_fixed_number_of_points(self, ax):
        """mlxtend predicted for every pixel of the figure, up to a million."""
        calls = []
        ax.figure.set_size_inches(20, 20)
        plots.plot_decision_boundary(X, Y, lambda p: calls.append(len(p)) or half_plane(p), ax=ax)
        assert calls == [40_000]

    @pytest.mark.parametrize("features", [(0, 1), (1, 0)])
    def test_735_1017_the_limits_enclose_all_samples(self, ax, features):
        """mlxtend set the limits with an argument that matplotlib no longer has."""
        samples = np.array([[0.3, 1.0], [0.5, 4.5], [5.7, 2.9], [1.7, 8.9]])
        plots.plot_decision_boundary(samples, Y, half_plane, features=features, ax=ax)
        shown = samples[:, features]
        for limits, column in zip((ax.get_xlim(), ax.get_ylim()), shown.T, strict=True):
            assert limits[0] < column.min() < column.max() < limits[1]
        assert mesh_of(ax).get_coordinates()[0, 0].tolist() == [ax.get_xlim()[0], ax.get_ylim()[0]]


@pytest.mark.parametrize(
    "draw",
    [lambda **axes: plots.plot_dots(X, Y, **axes),
     lambda **axes: plots.plot_decision_boundary(X, Y, half_plane, **axes)],
    ids=["dots", "boundary"],
)  # fmt: skip
class TestDotsAndBoundary:
    def test_a_picture_is_drawn_on_the_given_axes(self, ax, draw):
        assert draw(ax=ax) is ax

    def test_a_picture_is_drawn_on_the_current_axes_by_default(self, ax, draw):
        assert draw() is ax

    def test_a_picture_opens_no_window(self, ax, draw, monkeypatch):
        monkeypatch.setattr("matplotlib.pyplot.show", lambda *_: pytest.fail("show was called"))
        draw(ax=ax)


def broken(points):
    raise KeyError("w3")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            lambda points: [0.5, 0.5],
            r"one prediction for each of 40,000 points, found shape \(2,\)",
        ),
        (lambda points: 0.5, r"found shape \(\)"),
        (lambda points: np.ones((len(points), 2, 2)), r"found shape \(40000, 2, 2\)"),
        (lambda points: np.ones((len(points), 3)), r"each of 2 classes, found shape \(40000, 3\)"),
        (lambda points: np.full(len(points), np.nan), "finite numbers, found NaN"),
        (lambda points: np.full((len(points), 2), np.inf), "found NaN or infinity"),
        (lambda points: points[:, 0] + 7, "probabilities from 0 to 1, found -7.08 to 8.08"),
        (lambda points: np.full((len(points), 2), 3.0), "from 0 to 1, found 3 to 3"),
        (lambda points: np.full((len(points), 2), "a"), "numbers as probabilities"),
        (lambda points: np.full(len(points), "a"), "of one kind"),
        (lambda points: np.arange(len(points)), "at most 10 classes"),
        (
            broken,
            r"model failed on points of shape \(40000, 2\), in a table like X: KeyError: 'w3'",
        ),
        (NeuronClassifier(), "model failed.*: NotFittedError"),
        (NeuronClassifier().fit(np.ones((4, 3)) * Y[:, None], Y), "model failed.*: ValueError"),
        ("lbfgs", "model must be a fitted classifier, a neuron or a function, found str"),
    ],
)
def test_a_model_without_usable_predictions_is_refused(model, message):
    with pytest.raises((ValueError, TypeError), match=message):
        plots.plot_decision_boundary(X, Y, model)


def test_a_model_of_a_descent_is_drawn_with_its_output_as_the_probability(ax):
    model = oneneuron.Model(np.array([1.5, -0.5]), 0.25, 0, 1.0, 0.0)
    plots.plot_decision_boundary(X, Y, model, ax=ax)
    mesh = mesh_of(ax)
    expected = expit(mesh.get_coordinates() @ model.weights + model.bias)
    np.testing.assert_allclose(np.reshape(mesh.get_array(), expected.shape), expected)


def test_the_dict_of_the_lecture_is_drawn_as_the_same_model(pyplot):
    left, right = pyplot.subplots(1, 2)[1]
    plots.plot_decision_boundary(X, Y, {"w1": 2.0, "w2": -1.0, "b": 0.5}, ax=left)
    model = oneneuron.Model(np.array([2.0, -1.0]), 0.5, 0, 1.0, 0.0)
    plots.plot_decision_boundary(X, Y, model, ax=right)
    np.testing.assert_array_equal(vertices(left), vertices(right))


def test_a_descent_is_refused_with_the_remedy():
    descent = oneneuron.train(X, Y, eta=0.1, num_steps=1)
    with pytest.raises(TypeError, match=r"one of the descent's models.*: pass descent\.best"):
        plots.plot_decision_boundary(X, Y, descent)


def test_a_refused_model_leaves_the_old_picture(ax):
    plots.plot_decision_boundary(X, Y, half_plane, ax=ax)
    with pytest.raises(ValueError, match="model failed"):
        plots.plot_decision_boundary(X, Y, broken, ax=ax)
    assert len(meshes(ax)) == 1


def test_a_probability_of_one_unknown_class_is_refused():
    with pytest.raises(
        ValueError, match=r"unless there are two classes, found shape \(40000,\) .* \['yes'\]"
    ):
        plots.plot_decision_boundary(X, ["yes"] * 4, half_plane)


def test_an_array_must_have_the_features_of_the_frame_that_the_model_was_fitted_on():
    model = NeuronClassifier().fit(IRIS.data, IRIS.target)
    with pytest.raises(ValueError, match="model's 4 features, found 2"):
        plots.plot_decision_boundary(X, Y, model)
