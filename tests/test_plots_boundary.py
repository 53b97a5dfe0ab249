"""The pictures, by what their artists hold."""

import matplotlib as mpl
import numpy as np
import pytest

from oneneuron import plots

X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
Y = np.array([0, 1, 0, 1])


def half_plane(points):
    """Probability of class 1 that is 1/2 on the line x_1 = 0.4."""
    return 1 / (1 + np.exp(-10 * (points[:, 0] - 0.4)))


@pytest.fixture
def ax():
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    _, ax = plt.subplots()
    yield ax
    plt.close("all")


def dots(ax):
    """Offsets of the dots by their label in the legend."""
    handles, labels = ax.get_legend_handles_labels()
    return {
        label: handle.get_offsets().tolist() for handle, label in zip(handles, labels, strict=True)
    }


@pytest.mark.parametrize("labels", [[0, 1], [-1, 1], ["no", "yes"], [False, True]])
def test_the_dots_of_a_class_are_its_samples(ax, labels):
    y = np.array(labels)[Y]
    plots.plot_dots(X, y, ax=ax)
    assert dots(ax) == {f"class {label}": X[y == label].tolist() for label in labels}


def test_classes_differ_in_marker_and_in_colour(ax):
    plots.plot_dots(X, Y, ax=ax)
    first, second = ax.collections
    assert first.get_paths()[0].vertices.shape != second.get_paths()[0].vertices.shape
    assert first.get_facecolor().tolist() != second.get_facecolor().tolist()


def test_the_legend_names_the_classes_and_the_line(ax):
    plots.plot_decision_boundary(X, Y, half_plane, ax=ax)
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words == ["class 0", "class 1", "$f = 0.5$"]


def test_the_line_lies_where_the_probability_is_one_half(ax):
    plots.plot_decision_boundary(X, Y, half_plane, ax=ax)
    contour = next(c for c in ax.collections if isinstance(c, mpl.contour.ContourSet))
    vertices = contour.get_paths()[0].vertices
    # Linear interpolation between grid points 0.006 apart.
    np.testing.assert_allclose(vertices[:, 0], 0.4, atol=1e-3)


def test_the_shades_are_the_probabilities(ax):
    plots.plot_decision_boundary(X, Y, half_plane, ax=ax)
    mesh = next(c for c in ax.collections if isinstance(c, mpl.collections.QuadMesh))
    coordinates = mesh.get_coordinates().reshape(-1, 2)
    np.testing.assert_allclose(
        mesh.get_array().ravel(), half_plane(coordinates), rtol=0, atol=1e-15
    )
    assert mesh.get_clim() == (0, 1)


def test_the_dots_lie_over_the_line_and_the_line_over_the_shades(ax):
    plots.plot_decision_boundary(X, Y, half_plane, ax=ax)
    shades, first, second, contour = ax.collections
    assert shades.zorder < contour.zorder < min(first.zorder, second.zorder)


@pytest.mark.parametrize(
    ("samples", "labels", "predict"),
    [
        (X, Y, lambda points: np.full(len(points), 0.5)),
        (X, Y, lambda points: np.zeros(len(points))),
        (X[:1], Y[:1], half_plane),
        (np.ones((3, 2)), [0, 1, 1], half_plane),
        (1e-9 * X, Y, half_plane),
    ],
    ids=["half", "zero", "one sample", "equal samples", "tiny extent"],
)
def test_a_picture_without_a_boundary_is_still_drawn(ax, samples, labels, predict):
    plots.plot_decision_boundary(samples, labels, predict, ax=ax)
    ax.figure.canvas.draw()


@pytest.mark.parametrize(
    "draw",
    [lambda **axes: plots.plot_dots(X, Y, **axes),
     lambda **axes: plots.plot_decision_boundary(X, Y, half_plane, **axes)],
    ids=["dots", "boundary"],
)  # fmt: skip
class TestBothPictures:
    def test_draw_on_the_axes_given(self, ax, draw):
        assert draw(ax=ax) is ax

    def test_draw_on_the_current_axes_by_default(self, ax, draw):
        assert draw() is ax

    def test_never_show_a_window(self, ax, draw, monkeypatch):
        monkeypatch.setattr("matplotlib.pyplot.show", lambda *_: pytest.fail("show was called"))
        draw(ax=ax)


@pytest.mark.parametrize(
    ("samples", "labels", "message"),
    [
        (X[:, :1], Y, r"shape \(n, 2\).*found shape \(4, 1\)"),
        (np.empty((0, 2)), [], r"shape \(n, 2\).*found shape \(0, 2\)"),
        (X, Y[:3], r"shape \(4,\).*found shape \(3,\)"),
        (X * np.nan, Y, "finite"),
        (np.ones((6, 2)), range(6), "5 classes at most, found 6"),
    ],
)
def test_samples_that_can_not_be_drawn_are_refused(samples, labels, message):
    with pytest.raises(ValueError, match=message):
        plots.plot_dots(samples, labels)


def test_a_predict_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"predict must return .* found shape \(2,\)"):
        plots.plot_decision_boundary(X, Y, lambda points: [0.5, 0.5])
