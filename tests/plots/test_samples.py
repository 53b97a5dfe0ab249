"""The samples to draw: the choice of two features, the classes, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from helpers import dots_by_label
from hypothesis import given
from hypothesis import strategies as st

from oneneuron import plots
from oneneuron.plots._samples import classes_of

X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
Y = np.array([0, 1, 0, 1])
APPLES = pd.DataFrame(
    {"size": [7.0, 8.0, 6.5], "colour": ["red", "green", "red"], "weight": [150, 180, 140]}
)
RIPE = ["yes", "no", "yes"]


@pytest.mark.parametrize("features", [("weight", "size"), (2, 0), pd.Index(["weight", "size"])])
def test_columns_of_a_frame_are_chosen_by_name_or_by_number(ax, features):
    plots.plot_dots(APPLES, RIPE, features=features, ax=ax)
    assert dots_by_label(ax) == {"class no": [[180, 8]], "class yes": [[150, 7], [140, 6.5]]}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("weight", "size")


@pytest.mark.parametrize("feature", ["weight", 2, ("weight",), [2]])
def test_a_single_column_is_drawn_with_a_height_for_each_class(ax, feature):
    plots.plot_dots(APPLES, RIPE, features=feature, ax=ax)
    assert dots_by_label(ax) == {"class no": [[180, 0]], "class yes": [[150, 1], [140, 1]]}
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["no", "yes"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("weight", "class")


def test_samples_of_one_feature_are_drawn_without_naming_it(ax):
    plots.plot_dots(X[:, :1], Y, ax=ax)
    assert dots_by_label(ax) == {"class 0": [[0, 0], [0, 0]], "class 1": [[1, 1], [1, 1]]}


def test_columns_of_an_array_are_labelled_with_their_numbers_from_1_on(ax):
    plots.plot_dots(np.arange(24.0).reshape(2, 12), Y[:2], features=(11, 1), ax=ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$x_{12}$", "$x_{2}$")
    assert dots_by_label(ax) == {"class 0": [[11, 1]], "class 1": [[23, 13]]}


def test_column_names_that_are_numbers_are_taken_as_names(ax):
    plots.plot_dots(pd.DataFrame({2: [0.0], 0: [1.0], 1: [2.0]}), [0], features=(1, 2), ax=ax)
    assert dots_by_label(ax)["class 0"] == [[2.0, 0.0]]


@given(st.lists(st.sampled_from(["a", "b", "c"]) | st.text(max_size=3), min_size=1, max_size=9))
def test_the_order_of_the_classes_does_not_depend_on_that_of_the_samples(labels):
    assert classes_of(labels) == classes_of(labels[::-1]) == sorted(set(labels))


@pytest.mark.parametrize(
    ("samples", "labels", "features", "message"),
    [
        ([[1, 2], [3], [4, 5], [6, 7]], Y, None, "X must have rows of equal length"),
        (X, [0, [1], 0, 1], None, "y must have rows of equal length"),
        (X[:, 0], Y, None, r"two dimensions.*found shape \(4,\)"),
        (np.empty((0, 2)), [], None, r"at least one sample.*found shape \(0, 2\)"),
        (APPLES[:0], [], (0, 2), "at least one sample, found none"),
        (X, Y[:3], None, r"shape \(4,\).*found shape \(3,\)"),
        (X, np.eye(4), None, r"shape \(4,\).*found shape \(4, 4\)"),
        (X * np.nan, Y, None, "X must be finite"),
        (
            APPLES.assign(size=np.inf),
            RIPE,
            (0, 2),
            "features to draw, but 'size' has NaN or infinity",
        ),
        (np.ones((11, 2)), range(11), None, "at most 10 classes, found 11"),
        (X, [0, 1, None, 1], None, "of one kind"),
        (X, np.array([0, 1, "0", 1], object), None, "of one kind"),
        (X, [0, 1, np.nan, 1], None, "must not contain NaN: drop or fill those samples"),
        (
            np.ones((4, 3)),
            Y,
            None,
            r"one or two of the 3 features to draw, for instance features=\(0, 1\)",
        ),
        (np.ones((4, 3)), Y, (0, 3), "no feature 3: its features are 0, 1, 2"),
        (np.ones((4, 3)), Y, (0, -1), "no feature -1"),
        (APPLES, RIPE, ("size", "taste"), "no feature 'taste': .* 'size', 'colour', 'weight'"),
        (
            APPLES,
            RIPE,
            ("size", "colour"),
            "numbers in the features to draw, but 'colour' is of dtype",
        ),
        (APPLES, RIPE, ("size", 0), "two different columns"),
        (APPLES, RIPE, (), r"one or two columns of X, found \(\)"),
        (APPLES, RIPE, ("size", "weight", "colour"), "one or two columns of X"),
        (APPLES, RIPE, 3, "no feature 3"),
        (
            pd.DataFrame(X, columns=["a", "a"]),
            Y,
            None,
            "different names for its columns, found 'a' more than once",
        ),
    ],
)
def test_samples_that_cannot_be_drawn_are_refused(samples, labels, features, message):
    with pytest.raises((ValueError, TypeError), match=message):
        plots.plot_dots(samples, labels, features=features)
