"""The points at which a model predicts, for more than two features and for frames."""

import tracemalloc

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from oneneuron import NeuronClassifier, plots
from oneneuron.plots._samples import FeatureTable

RANDOM = np.random.RandomState(0)
ARRAY = RANDOM.rand(31, 4)
Y = np.arange(31) % 2
FRAME = pd.DataFrame({
    "size": RANDOM.rand(30),
    "seeds": np.arange(30),
    "weight": RANDOM.rand(30).astype(np.float32),
    "kind": pd.Categorical(["boskoop", "elstar", "elstar"] * 10, ["elstar", "boskoop", "gala"]),
    "origin": ["home", "away", "home"] * 10,
    "organic": [True, False, True] * 10,
})  # fmt: skip

pytestmark = pytest.mark.usefixtures("pyplot")


def points_for(X, y=None, **options):
    """Return the tables of points that a function receives, and the Axes."""
    tables = []

    def predict(points):
        tables.append(points)
        return np.zeros(len(points))

    y = np.arange(len(X)) % 2 if y is None else y
    return tables, plots.plot_decision_boundary(X, y, predict, **options)


def held(points):
    """Return the value of each column that has only one."""
    columns = points.T if isinstance(points, np.ndarray) else [points[c] for c in points]
    return [column[0] for column in columns if len(set(column)) == 1]


def test_the_first_feature_runs_along_the_first_axis_and_the_second_along_the_second():
    [points], ax = points_for(ARRAY * [1, 10, 100, 1000], features=(3, 1))
    for column, limits in [(3, ax.get_xlim()), (1, ax.get_ylim())]:
        assert (points[:, column].min(), points[:, column].max()) == limits


def test_the_other_features_are_held_at_their_medians():
    [points], ax = points_for(ARRAY, features=(0, 2))
    _, second, _, fourth = np.median(ARRAY, axis=0)
    assert held(points) == [second, fourth]
    assert (
        ax.get_legend().get_title().get_text()
        == f"$x_{{2}}$ = {second:.3g}, $x_{{4}}$ = {fourth:.3g}"
    )


@pytest.mark.parametrize(
    "at",
    [{1: 5, 3: 7}, pd.Series({3: 7, 1: 5}), [0, 5, 0, 7], np.array([0, 5.0, 0, 7]), (0, 5, 0, 7)],
    ids=["dict", "Series", "list", "array", "tuple"],
)
def test_the_other_features_are_held_at_given_values(at):
    [points], ax = points_for(ARRAY, features=(0, 2), at=at)
    assert held(points) == [5.0, 7.0]
    assert ax.get_legend().get_title().get_text().startswith("$x_{2}$ = 5")


def test_features_without_a_given_value_are_held_at_their_medians():
    [points], _ = points_for(ARRAY, features=(0, 2), at={1: 5})
    assert held(points) == [5.0, np.median(ARRAY[:, 3])]


def test_the_other_features_are_held_at_those_of_a_given_row():
    [points], ax = points_for(FRAME, features=("size", "weight"), at=FRAME.iloc[4])
    assert held(points) == [4, "elstar", "away", False]
    assert (
        ax.get_legend().get_title().get_text()
        == "seeds = 4, kind = elstar, origin = away, organic = False"
    )


def test_the_points_of_a_frame_are_a_frame_with_the_same_dtypes():
    [points], _ = points_for(FRAME, features=("size", "weight"))
    pd.testing.assert_series_equal(points.dtypes, FRAME.dtypes)
    assert held(points) == [14, "elstar", "home", True]


def test_a_drawn_feature_of_whole_numbers_takes_fractions_too():
    [points], _ = points_for(FRAME, features=("seeds", "organic"))
    assert points.dtypes[["seeds", "organic"]].tolist() == [np.float64, np.float64]
    assert len(points["seeds"].unique()) == 200


def test_a_feature_of_whole_numbers_can_be_held_at_a_fraction():
    [points], _ = points_for(FRAME, features=("size", "weight"), at={"seeds": 2.5})
    assert points["seeds"].unique().tolist() == [2.5]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_points_of_an_array_have_its_float_dtype(dtype):
    [points], _ = points_for(ARRAY.astype(dtype), features=(0, 2))
    assert points.dtype == dtype


@pytest.mark.parametrize("X", [ARRAY.tolist(), np.arange(30).reshape(10, 3)], ids=["list", "int"])
def test_the_points_of_lists_and_whole_numbers_are_in_float64(X):
    [points], _ = points_for(X, features=(0, 2))
    assert points.dtype == np.float64


def test_a_pipeline_for_categories_and_numbers_is_drawn():
    y = FRAME["seeds"] > 14
    encoded = make_column_transformer(
        (OneHotEncoder(), ["kind", "origin"]), (SimpleImputer(), ["size", "seeds"])
    )
    model = make_pipeline(encoded, NeuronClassifier()).fit(FRAME, y)
    ax = plots.plot_decision_boundary(FRAME, y, model, features=("seeds", "size"))
    mesh = next(c for c in ax.collections if isinstance(c, mpl.collections.QuadMesh))
    assert (mesh.get_array()[:, 0] < 0.5).all()
    assert (mesh.get_array()[:, -1] > 0.5).all()


def test_a_held_feature_with_missing_values_needs_a_given_value():
    frame = FRAME.assign(size=np.nan, origin=None)
    options = {"features": ("seeds", "weight")}
    with pytest.raises(
        ValueError, match=r"X has missing values in feature 'size'.*at=\{'size': ...\}"
    ):
        points_for(frame, **options)
    [points], _ = points_for(frame, **options, at={"size": 1.0, "origin": "home"})
    assert held(points)[0] == 1.0


def test_a_thousand_features_need_no_more_memory_than_a_few():
    X = RANDOM.rand(20, 1000)
    tracemalloc.start()
    try:
        tables, ax = points_for(X, features=(7, 999))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(map(len, tables)) == 40_000
    assert len(tables) > 1
    # This test keeps all tables. Otherwise there are two at a time.
    assert peak - sum(table.nbytes for table in tables) < 64e6
    assert ax.get_legend().get_title().get_text() == "998 other features at their medians"


def test_many_chunks_make_the_same_picture_as_one(monkeypatch):
    meshes = []
    for size in (10**9, 999):
        monkeypatch.setattr("oneneuron.plots._grid._CHUNK_VALUES", size)
        ax = plots.plot_decision_boundary(
            ARRAY, Y, lambda points: expit(points[:, 0] - points[:, 2]), features=(0, 2)
        )
        meshes.append(ax.collections[2].get_array())
    np.testing.assert_array_equal(*meshes)


NUMBERS = FRAME[["size", "seeds", "weight"]]


@pytest.fixture(params=["pandas", "nullable", "polars"])
def frame(request):
    if request.param == "polars":
        polars = pytest.importorskip("polars")
        return polars.DataFrame({name: NUMBERS[name].to_numpy() for name in NUMBERS})
    return NUMBERS.convert_dtypes() if request.param == "nullable" else NUMBERS


def test_many_chunks_of_a_frame_hold_the_same_points_as_one(frame, monkeypatch):
    joined = []
    for size in (10**9, 999):
        monkeypatch.setattr("oneneuron.plots._grid._CHUNK_VALUES", size)
        tables, _ = points_for(frame, features=("size", "weight"))
        assert {type(table) for table in tables} == {type(frame)}
        joined.append(np.concatenate([table.to_numpy().astype(float) for table in tables]))
    np.testing.assert_array_equal(*joined)


def test_all_chunks_of_a_frame_have_its_dtypes(frame, monkeypatch):
    monkeypatch.setattr("oneneuron.plots._grid._CHUNK_VALUES", 999)
    tables, _ = points_for(frame, features=("size", "weight"))
    assert {tuple(table.dtypes) for table in tables} == {tuple(frame.dtypes)}


def test_a_frame_is_made_once_for_all_chunks(frame, monkeypatch):
    made, with_values = [], FeatureTable.with_values
    monkeypatch.setattr("oneneuron.plots._grid._CHUNK_VALUES", 999)
    monkeypatch.setattr(
        FeatureTable, "with_values", lambda *arguments: made.append(1) or with_values(*arguments)
    )
    tables, _ = points_for(frame, features=("size", "weight"))
    assert len(tables) > 100 and len(made) == 1


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=9), st.permutations(range(3)))
def test_any_two_of_three_features_are_drawn_over_the_range_of_their_values(values, order):
    from matplotlib.figure import Figure

    first, second, third = order
    X = np.empty((len(values), 3))
    X[:, first], X[:, second], X[:, third] = values, np.negative(values), 3.0
    [points], ax = points_for(X, features=(first, second), ax=Figure().add_subplot())
    assert set(points[:, third]) == {3.0}
    low, high = ax.get_xlim()
    assert low < min(values) <= max(values) < high
    assert (points[:, first].min(), points[:, first].max()) == (low, high)


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ([1, 2], "a value for each of 6 features, found 2"),
        ({"taste": 3}, "no feature 'taste'"),
        ({"seeds": "many"}, "same kind as in X for feature 'seeds', found 'many'"),
        ({"origin": 3}, "same kind as in X for feature 'origin', found 3"),
        ({"seeds": [1, 2]}, "a single value of the same kind as in X for feature 'seeds'"),
        (FRAME.iloc[:2], "a single value of the same kind as in X for feature 'size'"),
    ],
)
def test_held_values_that_do_not_fit_x_are_refused(at, message):
    with pytest.raises(ValueError, match=message):
        points_for(FRAME, features=("size", "weight"), at=at)


@pytest.mark.parametrize("at", [5, "seeds"])
def test_a_held_value_without_a_feature_is_refused(at):
    with pytest.raises(
        TypeError,
        match=f"at must be a dict of values by feature, or one value for each.*found {at!r}",
    ):
        points_for(FRAME, features=("size", "weight"), at=at)
