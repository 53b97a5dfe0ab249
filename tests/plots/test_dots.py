"""The dots: whose they are, how they look, and what is refused."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneneuron import plots
from oneneuron.plots import _style
from oneneuron.plots._samples import classes_of

X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
Y = np.array([0, 1, 0, 1])
APPLES = pd.DataFrame(
    {"size": [7.0, 8.0, 6.5], "colour": ["red", "green", "red"], "weight": [150, 180, 140]}
)
RIPE = ["yes", "no", "yes"]


def dots(ax):
    """Offsets of the dots by their label in the legend."""
    handles, labels = ax.get_legend_handles_labels()
    return {
        label: handle.get_offsets().tolist() for handle, label in zip(handles, labels, strict=True)
    }


@pytest.mark.parametrize(
    "labels", [[0, 1], [-1, 1], ["no", "yes"], [False, True], [0.5, 2.5], [99, 100]]
)
@pytest.mark.parametrize("kind", [np.asarray, np.ndarray.tolist, pd.Series, pd.Categorical])
def test_the_dots_of_a_class_are_its_samples(ax, labels, kind):
    y = np.array(labels)[Y]
    plots.plot_dots(X, kind(y), ax=ax)
    assert dots(ax) == {f"class {label}": X[y == label].tolist() for label in labels}


def test_ten_classes_differ_in_marker_and_in_colour(ax):
    plots.plot_dots(np.random.RandomState(0).rand(50, 2), np.arange(50) % 10, ax=ax)
    assert len({tuple(c.get_facecolor()[0]) for c in ax.collections}) == 10
    assert len({c.get_paths()[0].vertices.tobytes() for c in ax.collections}) == 10


def test_class_1_by_itself_keeps_the_looks_of_the_second_class(ax):
    plots.plot_dots(X, [1, 1, 1, 1], ax=ax)
    assert dots(ax) == {"class 0": [], "class 1": X.tolist()}
    assert ax.collections[1].get_facecolor()[0, :3] == pytest.approx(
        mpl.colors.to_rgb(_style.COLORS[1])
    )


def test_given_classes_keep_their_looks_though_some_are_missing(ax):
    plots.plot_dots([[0, 1], [1, 0]], ["b", "c"], classes=["c", "b", "a"], ax=ax)
    colors = {c.get_label(): c.get_facecolor()[0].tolist()[:3] for c in ax.collections[1:]}
    assert colors == {
        f"class {label}": list(mpl.colors.to_rgb(_style.COLORS[place]))
        for label, place in [("b", 1), ("c", 2)]
    }


@pytest.mark.parametrize(
    ("classes", "error", "message"),
    [
        (["a", "b"], ValueError, "classes must have all labels in y, 'c' is missing"),
        ("abc", TypeError, "classes must be a list of labels, found 'abc'"),
        (3, TypeError, "classes must be a list of labels, found 3"),
        ([*"abcdefghijk"], ValueError, "10 classes at most, found 11"),
    ],
)
def test_classes_that_do_not_fit_are_refused(ax, classes, error, message):
    with pytest.raises(error, match=message):
        plots.plot_dots([[0, 1], [1, 0]], ["b", "c"], classes=classes, ax=ax)
    assert not ax.has_data()


def test_dollars_in_names_stay_dollars(ax):
    frame = pd.DataFrame([[0, 1], [1, 0]], columns=["c$", "price in $ and $"])
    plots.plot_dots(frame, ["a$b$", "$"], ax=ax)
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert [*legend, ax.get_xlabel(), ax.get_ylabel()] == [
        r"class \$", r"class a\$b\$", r"c\$", r"price in \$ and \$",
    ]  # fmt: skip


def test_more_dots_of_a_class_share_its_line_in_the_legend(ax):
    plots.plot_dots(X, Y, ax=ax)
    plots.plot_dots(X + 5, Y, ax=ax)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["class 0", "class 1"]


@pytest.mark.parametrize("features", [("weight", "size"), (2, 0), pd.Index(["weight", "size"])])
def test_columns_of_a_frame_are_chosen_by_name_or_by_number(ax, features):
    plots.plot_dots(APPLES, RIPE, features=features, ax=ax)
    assert dots(ax) == {"class no": [[180, 8]], "class yes": [[150, 7], [140, 6.5]]}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("weight", "size")


def test_columns_of_an_array_are_named_by_their_true_numbers(ax):
    plots.plot_dots(np.arange(24.0).reshape(2, 12), Y[:2], features=(11, 1), ax=ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$x_{12}$", "$x_{2}$")
    assert dots(ax) == {"class 0": [[11, 1]], "class 1": [[23, 13]]}


def test_names_that_are_numbers_are_names(ax):
    plots.plot_dots(pd.DataFrame({2: [0.0], 0: [1.0], 1: [2.0]}), [0], features=(1, 2), ax=ax)
    assert dots(ax)["class 0"] == [[2.0, 0.0]]


@pytest.mark.parametrize("scale", [1e300, 1e-300, 0.0])
def test_extreme_values_are_drawn(ax, scale):
    plots.plot_dots(scale * X, Y, ax=ax)
    ax.figure.canvas.draw()


@given(st.lists(st.sampled_from(["a", "b", "c"]) | st.text(max_size=3), min_size=1, max_size=9))
def test_the_order_of_samples_never_changes_a_class_s_place(labels):
    assert classes_of(labels) == classes_of(labels[::-1]) == sorted(set(labels))


@pytest.mark.parametrize(
    ("samples", "labels", "features", "message"),
    [
        (X[:, :1], Y, None, "two features or more to draw, found one"),
        ([[1, 2], [3], [4, 5], [6, 7]], Y, None, "X must have rows of equal length"),
        (X, [0, [1], 0, 1], None, "y must have rows of equal length"),
        (X[:, 0], Y, None, r"two dimensions.*found shape \(4,\)"),
        (np.empty((0, 2)), [], None, r"at least one sample.*found shape \(0, 2\)"),
        (APPLES[:0], [], (0, 2), "at least one sample, found none"),
        (X, Y[:3], None, r"shape \(4,\).*found shape \(3,\)"),
        (X, np.eye(4), None, r"shape \(4,\).*found shape \(4, 4\)"),
        (X * np.nan, Y, None, "X must be finite"),
        (APPLES.assign(size=np.inf), RIPE, (0, 2), "'size' has NaN or infinity"),
        (np.ones((11, 2)), range(11), None, "10 classes at most, found 11"),
        (X, [0, 1, None, 1], None, "of one kind"),
        (X, np.array([0, 1, "0", 1], object), None, "of one kind"),
        (X, [0, 1, np.nan, 1], None, "must not be NaN"),
        (np.ones((4, 3)), Y, None, r"two of 3 to draw, for instance features=\(0, 1\)"),
        (np.ones((4, 3)), Y, (0, 3), "no feature 3: its features are 0, 1, 2"),
        (np.ones((4, 3)), Y, (0, -1), "no feature -1"),
        (APPLES, RIPE, ("size", "taste"), "no feature 'taste': .* 'size', 'colour', 'weight'"),
        (APPLES, RIPE, ("size", "colour"), "'colour' is of dtype"),
        (APPLES, RIPE, ("size", 0), "two different columns"),
        (APPLES, RIPE, "size", "two columns of X, found 'size'"),
        (APPLES, RIPE, ("size",), "two columns of X"),
        (APPLES, RIPE, 1, "two columns of X"),
        (pd.DataFrame(X, columns=["a", "a"]), Y, None, "different names"),
    ],
)
def test_samples_that_can_not_be_drawn_are_refused(samples, labels, features, message):
    with pytest.raises((ValueError, TypeError), match=message):
        plots.plot_dots(samples, labels, features=features)
