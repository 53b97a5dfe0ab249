"""The dots: the samples they stand for, their looks, and what is refused."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from helpers import dots_by_label

from oneneuron import plots
from oneneuron.plots import _style

X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
Y = np.array([0, 1, 0, 1])


@pytest.mark.parametrize(
    "labels", [[0, 1], [-1, 1], ["no", "yes"], [False, True], [0.5, 2.5], [99, 100]]
)
@pytest.mark.parametrize("kind", [np.asarray, np.ndarray.tolist, pd.Series, pd.Categorical])
def test_the_dots_of_a_class_are_its_samples(ax, labels, kind):
    y = np.array(labels)[Y]
    plots.plot_dots(X, kind(y), ax=ax)
    assert dots_by_label(ax) == {f"class {label}": X[y == label].tolist() for label in labels}


def test_class_1_alone_looks_like_the_second_of_two_classes(ax):
    plots.plot_dots(X, [1, 1, 1, 1], ax=ax)
    assert dots_by_label(ax) == {"class 0": [], "class 1": X.tolist()}
    assert ax.collections[1].get_facecolor()[0, :3] == pytest.approx(
        mpl.colors.to_rgb(_style.COLORS[1])
    )


def test_given_classes_look_the_same_if_some_have_no_samples(ax):
    plots.plot_dots([[0, 1], [1, 0]], ["b", "c"], classes=["c", "b", "a"], ax=ax)
    colors = {c.get_label(): c.get_facecolor()[0].tolist()[:3] for c in ax.collections[1:]}
    assert colors == {
        f"class {label}": list(mpl.colors.to_rgb(_style.COLORS[index]))
        for label, index in [("b", 1), ("c", 2)]
    }


@pytest.mark.parametrize(
    ("classes", "error", "message"),
    [
        (["a", "b"], ValueError, "classes must contain every label in y, but 'c' is missing"),
        ("abc", TypeError, "classes must be a list of labels, found 'abc'"),
        (3, TypeError, "classes must be a list of labels, found 3"),
        ([*"abcdefghijk"], ValueError, "at most 10 classes, found 11"),
    ],
)
def test_classes_that_do_not_fit_the_labels_are_refused(ax, classes, error, message):
    with pytest.raises(error, match=message):
        plots.plot_dots([[0, 1], [1, 0]], ["b", "c"], classes=classes, ax=ax)
    assert not ax.has_data()


def test_dollar_signs_in_names_are_escaped(ax):
    frame = pd.DataFrame([[0, 1], [1, 0]], columns=["c$", "price in $ and $"])
    plots.plot_dots(frame, ["a$b$", "$"], ax=ax)
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert [*legend, ax.get_xlabel(), ax.get_ylabel()] == [
        r"class \$", r"class a\$b\$", r"c\$", r"price in \$ and \$",
    ]  # fmt: skip


def test_a_class_drawn_twice_has_one_legend_entry(ax):
    plots.plot_dots(X, Y, ax=ax)
    plots.plot_dots(X + 5, Y, ax=ax)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["class 0", "class 1"]


@pytest.mark.parametrize("scale", [1e300, 1e-300, 0.0])
def test_extreme_values_are_drawn(ax, scale):
    plots.plot_dots(scale * X, Y, ax=ax)
    ax.figure.canvas.draw()


@pytest.mark.parametrize("size", [(6.4, 4.8), (3, 2.5)])
@pytest.mark.parametrize("num_classes", [2, 10])
def test_the_legend_hides_no_samples(pyplot, size, num_classes):
    figure, ax = pyplot.subplots(figsize=size)
    plots.plot_dots(np.arange(20).reshape(10, 2), np.arange(10) % num_classes, ax=ax)
    figure.canvas.draw()
    assert ax.get_legend().get_window_extent().y0 >= ax.get_window_extent().y1


def test_the_ticks_name_the_classes_of_a_single_feature(ax):
    plots.plot_dots([[1.0], [2.0]], ["a", "b"], ax=ax)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a", "b"]
    assert ax.get_legend() is None
