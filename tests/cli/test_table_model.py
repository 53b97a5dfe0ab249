"""The model that `oneneuron fit` saves."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneneuron.cli._table_model import CategoryFeature, NumberFeature, TableModel, Weight

# Saved by the command when its models had two classes, and numbers alone.
VERSION_1 = Path(__file__).parent / "model_version_1.json"

BINARY = TableModel(
    "t", ["no", "yes"], "quadratic", "refuse",
    [NumberFeature("a", 1.0, 2.0, None, [0.5]), NumberFeature("b", 2.0, 4.0, None, [-1.0])],
    [0.25],
)  # fmt: skip
MIXED = TableModel(
    "t", ["x", "y", "z"], "log", "mean",
    [NumberFeature("a", 1.0, 2.0, 7.0, [0.5, -0.25, 1.0]),
     CategoryFeature("c", ["blue", "red"], [[1.0, 2.0, 3.0], [-1.0, 0.5, 0.0]])],
    [0.1, 0.2, 0.3],
)  # fmt: skip


def texts(*cells):
    return np.array(cells, object)


# --- Predictions ---


def test_numbers_are_scaled_before_the_probability_is_computed():
    z = 0.5 * (5.0 - 1.0) / 2.0 - 1.0 * (4.0 - 2.0) / 4.0 + 0.25
    codes, found = BINARY.predict({"a": np.array([5.0]), "b": np.array([4.0])})
    np.testing.assert_allclose(found, [[1 / (1 + np.exp(z)), 1 / (1 + np.exp(-z))]], rtol=1e-15)
    assert codes.tolist() == [1]


def test_with_three_classes_the_probabilities_are_the_softmax():
    z = np.array([0.5, -0.25, 1.0]) * (5.0 - 1.0) / 2.0 + [-1.0, 0.5, 0.0] + [0.1, 0.2, 0.3]
    codes, found = MIXED.predict({"a": np.array([5.0]), "c": texts("red")})
    np.testing.assert_allclose(found, [np.exp(z) / np.exp(z).sum()], rtol=1e-14)
    assert codes.tolist() == [2]


def test_a_category_that_is_new_counts_as_none_of_them():
    _, found = MIXED.predict({"a": np.array([1.0]), "c": texts("green")})
    z = np.array(MIXED.bias)
    np.testing.assert_allclose(found, [np.exp(z) / np.exp(z).sum()], rtol=1e-14)


def test_missing_cells_are_filled_if_the_model_says_so():
    _, found = MIXED.predict({"a": np.array([np.nan, 7.0]), "c": texts(None, "green")})
    assert found[0].tolist() == found[1].tolist()


def test_a_row_with_a_missing_cell_has_no_prediction_otherwise():
    model = TableModel(
        "t", ["no", "yes"], "log", "refuse",
        [NumberFeature("a", 0.0, 1.0, None, [1.0]), CategoryFeature("c", ["u"], [[1.0]])], [0.0],
    )  # fmt: skip
    codes, found = model.predict({"a": np.array([1.0, np.nan, 1.0]), "c": texts(None, "u", "u")})
    assert codes.tolist() == [-1, -1, 1]
    assert np.isnan(found).all(axis=1).tolist() == [True, True, False]


def test_a_row_too_large_for_a_probability_has_no_prediction():
    features = [NumberFeature("a", 0.0, 1e-9, None, [1]), NumberFeature("b", 0.0, 1e-9, None, [-1])]
    model = TableModel("t", ["no", "yes"], "log", "refuse", features, [0.0])
    codes, _ = model.predict({"a": np.array([1.0, 1e308]), "b": np.array([2.0, 1e308])})
    assert codes.tolist() == [0, -1]


def test_a_tie_of_two_classes_is_the_first_as_in_the_lecture():
    assert BINARY.predict({"a": np.array([0.0]), "b": np.array([2.0])})[0].tolist() == [0]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (BINARY, [Weight("b", 1, -1.0), Weight("a", 1, 0.5)]),
        (MIXED, [Weight("c = blue", 2, 3.0), Weight("c = blue", 1, 2.0)]),
    ],
)
def test_the_largest_weights_come_first(model, expected):
    assert model.largest_weights(2) == expected


# --- The file ---


def test_the_file_alone_is_enough_for_a_prediction(tmp_path):
    MIXED.save(tmp_path / "m.json")
    row, found = {"a": 5.0, "c": "red"}, json.loads((tmp_path / "m.json").read_text())
    z = found["bias"]
    for feature in found["features"]:
        if "categories" in feature:
            weights = dict(zip(feature["categories"], feature["weights"], strict=True))
            terms = weights.get(row[feature["name"]], [0.0] * len(z))
        else:
            x = (row[feature["name"]] - feature["mean"]) / feature["scale"]
            terms = [weight * x for weight in feature["weights"]]
        z = [a + b for a, b in zip(z, terms, strict=True)]
    powers = [math.exp(value) for value in z]
    _, expected = MIXED.predict({"a": np.array([5.0]), "c": texts("red")})
    assert [power / sum(powers) for power in powers] == pytest.approx(expected[0])


@pytest.mark.parametrize("model", [BINARY, MIXED])
def test_a_saved_model_is_loaded_unchanged(tmp_path, model):
    model.save(tmp_path / "m.json")
    assert TableModel.load(tmp_path / "m.json") == model


def test_a_saved_model_names_its_format_version_and_link(tmp_path):
    MIXED.save(tmp_path / "m.json")
    found = json.loads((tmp_path / "m.json").read_text())
    named = (found["format"], found["version"], found["link"])
    assert named == ("oneneuron-model", 2, "softmax")


def test_a_byte_order_mark_before_the_model_is_skipped(tmp_path):
    BINARY.save(tmp_path / "m.json")
    (tmp_path / "m.json").write_bytes(b"\xef\xbb\xbf" + (tmp_path / "m.json").read_bytes())
    assert TableModel.load(tmp_path / "m.json") == BINARY


def test_a_file_of_version_1_predicts_what_it_did():
    model = TableModel.load(VERSION_1)
    codes, found = model.predict(
        {"size": np.array([61.0, 64, 66]), "weight": np.array([92.5, 101.25, 110])}
    )
    assert [model.classes[code] for code in codes] == ["no", "no", "yes"]
    assert [f"{p:.6g}" for p in found[:, 1]] == ["0.0579911", "0.243828", "0.766404"]


def changed(source, path, **changes):
    """Write a copy of a model's file with other parts; an ellipsis leaves a part out."""
    found = {**json.loads(Path(source).read_text()), **changes}
    path.write_text(json.dumps({key: value for key, value in found.items() if value is not ...}))
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, "is not a model of `oneneuron fit`"),
        ({"weights": None}, "weights must be 2 finite numbers, found None"),
        ({"weights": [1.0]}, "weights must be 2 finite numbers"),
        ({"weights": [1.0, "x"]}, "weights must be 2 finite numbers"),
        ({"scale": [1.0, 0.0]}, "scale must be above 0"),
        ({"bias": "x"}, "bias must be 1 finite number,"),
        ({"bias": float("nan")}, "bias must be 1 finite number,"),
        ({"bias": 10**400}, "bias must be 1 finite number,"),
        ({"classes": ["a"]}, "two classes or more"),
        ({"classes": ["a", "a"]}, "classes must be different names"),
        ({"classes": ["a", "b", "c"]}, "link must be 'softmax', found 'sigmoid'"),
        ({"target": 1}, "target must be a name, found 1"),
        ({"features": None}, "features must be a list of names"),
        ({"features": ["a", "a"]}, "the names of features must be different"),
        ({"features": [[], "a"]}, "the name of a feature must be a text"),
        ({"version": 3}, "must have format version 1 or 2, found 3"),
        ({"version": True}, "must have format version 1 or 2, found True"),
        ({"version": []}, r"must have format version 1 or 2, found \[\]"),
    ],
)
def test_a_model_of_version_1_with_contradictory_parts_is_refused(tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        TableModel.load(changed(VERSION_1, tmp_path / "m.json", **change))


def feature(**changes):
    given = {"name": "a", "mean": 0.0, "scale": 1.0, "fill": 0.0, "weights": [1.0, 2.0, 3.0]}
    return {"features": [{key: v for key, v in {**given, **changes}.items() if v is not ...}]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"link": "sigmoid"}, "link must be 'softmax', found 'sigmoid'"),
        ({"loss": ["log"]}, "loss must be 'quadratic' or 'log', found"),
        ({"missing": "drop"}, "missing must be 'refuse' or 'mean', found 'drop'"),
        ({"classes": "xyz"}, "classes must be different names, found 'xyz'"),
        ({"classes": ["x", "y", 3]}, "classes must be different names"),
        ({"bias": [1.0, 2.0]}, "bias must be 3 finite numbers"),
        ({"bias": [1.0, 2.0, None]}, "bias must be 3 finite numbers"),
        ({"bias": [1.0, 2.0, True]}, "bias must be 3 finite numbers"),
        ({"bias": {"x": 1.0}}, "bias must be 3 finite numbers"),
        ({"features": []}, "features must be a list of one feature or more"),
        ({"features": {}}, "features must be a list of one feature or more"),
        ({"features": ["a"]}, "a feature must be an object with a name and weights, found 'a'"),
        ({"features": 2 * feature()["features"]}, "the names of features must be different names"),
        (feature(name=...), "a feature lacks name"),
        (feature(name=[1]), "the name of a feature must be a text"),
        (feature(weights=...), "feature 'a' lacks weights"),
        (feature(mean=...), "feature 'a' lacks mean"),
        (feature(mean="0"), "feature 'a': mean must be 1 finite number,"),
        (feature(scale=-1.0), "feature 'a': scale must be above 0, found -1.0"),
        (feature(fill=None), "fill must be a number if missing is 'mean', or else null"),
        (feature(fill=[]), "feature 'a': fill must be 1 finite number,"),
        (feature(weights=[1.0, 2.0]), "feature 'a': weights must be 3 finite numbers"),
        (feature(categories="u"), "feature 'a': categories must be different names"),
        (feature(categories=["u", "u"]), "feature 'a': categories must be different names"),
        (feature(categories=["u"]), "feature 'a': weights must be a list for each category"),
        (feature(categories=["u"], weights=[[1.0]]), "weights must be 3 finite numbers"),
        (feature(categories=["u"], weights=[7.0]), "weights must be 3 finite numbers, found 7.0"),
    ],
)
def test_a_model_with_contradictory_parts_is_refused(tmp_path, change, message):
    MIXED.save(tmp_path / "m.json")
    with pytest.raises(ValueError, match=message) as error:
        TableModel.load(changed(tmp_path / "m.json", tmp_path / "m.json", **change))
    assert "\n" not in str(error.value)


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    "text",
    ["", "{", "a,b\n1,2\n", "[1]", '{"format": "other"}', '{"format": []}', "\xff", DEEP,
     '{"format": "oneneuron-model", "x": ' + DEEP + "}",
     '{"format": "oneneuron-model", "x": ' + 5000 * "1" + "}"],
    ids=range(10),
)  # fmt: skip
def test_a_file_that_is_not_a_model_is_refused(tmp_path, text):
    (tmp_path / "m.json").write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match=r"m\.json is not a model of `oneneuron fit`: name"):
        TableModel.load(tmp_path / "m.json")


@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "1" * 400, "1" * 4000])
def test_a_number_that_no_float_can_hold_is_refused_in_one_short_line(tmp_path, number):
    MIXED.save(tmp_path / "m.json")
    text = (tmp_path / "m.json").read_text().replace("0.3\n", f"{number}\n")
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(ValueError, match="bias must be 3 finite numbers") as error:
        TableModel.load(tmp_path / "m.json")
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("source", "key"),
    [
        *((VERSION_1, key) for key in
          ("version", "features", "target", "classes", "mean", "scale", "weights", "bias")),
        *(("new", key) for key in
          ("version", "features", "target", "classes", "loss", "link", "missing", "bias")),
    ],
)  # fmt: skip
def test_the_error_of_an_incomplete_model_names_the_missing_part(tmp_path, source, key):
    if source == "new":
        source = tmp_path / "new.json"
        MIXED.save(source)
    with pytest.raises(ValueError, match=f"lacks {key}: train the model again"):
        TableModel.load(changed(source, tmp_path / "m.json", **{key: ...}))


def test_a_change_of_one_character_leaves_a_model_or_is_an_error_in_one_line(tmp_path):
    MIXED.save(tmp_path / "m.json")
    text = (tmp_path / "m.json").read_text()
    for at in range(0, len(text), 7):
        for other in '"{}[],0x\x00':
            (tmp_path / "m.json").write_text(text[:at] + other + text[at + 1 :])
            try:
                TableModel.load(tmp_path / "m.json")
            except ValueError as error:
                assert "\n" not in str(error)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=3), values),
    max_leaves=4,
)


def places_in(found):
    """Yield each container in what was found in a file, with each of its keys."""
    for key in found if isinstance(found, dict) else range(len(found)):
        yield found, key
        if isinstance(found[key], dict | list):
            yield from places_in(found[key])


@given(draws=st.data())
@pytest.mark.parametrize("version", [1, 2])
def test_any_other_value_in_a_file_leaves_a_model_or_is_an_error_in_one_line(
    version, draws, tmp_path_factory
):
    path = tmp_path_factory.mktemp("model") / "m.json"
    MIXED.save(path)
    found = json.loads((VERSION_1 if version == 1 else path).read_text())
    container, key = draws.draw(st.sampled_from(list(places_in(found))))
    container[key] = draws.draw(JSON_VALUES)
    path.write_text(json.dumps(found))
    try:
        model = TableModel.load(path)
    except ValueError as error:
        assert "\n" not in str(error) and len(str(error)) < 500
    else:
        columns = {
            f.name: np.array([1.0]) if isinstance(f, NumberFeature) else texts("red")
            for f in model.features
        }
        assert model.predict(columns)[1].shape == (1, len(model.classes))
