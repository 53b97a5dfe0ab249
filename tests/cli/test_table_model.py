"""The model that `oneneuron fit` saves."""

import json

import numpy as np
import pytest

from oneneuron.cli._table_model import TableModel

MODEL = TableModel(
    features=["a", "b"], target="t", classes=["no", "yes"], mean=[1.0, 2.0], scale=[2.0, 4.0],
    weights=[0.5, -1.0], bias=0.25,
)  # fmt: skip


def test_the_features_are_scaled_before_the_probability_is_computed():
    z = 0.5 * (5.0 - 1.0) / 2.0 - 1.0 * (4.0 - 2.0) / 4.0 + 0.25
    found = MODEL.predict_proba(np.array([[5.0, 4.0]]))
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-z)), rtol=1e-15)


def test_a_saved_model_is_loaded_unchanged(tmp_path):
    MODEL.save(tmp_path / "m.json")
    assert TableModel.load(tmp_path / "m.json") == MODEL


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, "is not a model of `oneneuron fit`"),
        ({"weights": None}, "weights must be 2 numbers"),
        ({"weights": [1.0]}, "weights must be 2 numbers"),
        ({"scale": [1.0, 0.0]}, "scale must be above 0"),
        ({"bias": "x"}, "must be finite numbers"),
        ({"bias": float("nan")}, "must be finite numbers"),
        ({"bias": 10**400}, "must be finite numbers"),
        ({"classes": ["a"]}, "two classes"),
        ({"classes": ["a", "a"]}, "classes must be different names"),
        ({"features": None}, "features must be different names"),
        ({"features": []}, "must have a feature"),
        ({"version": 2}, "must have format version 1, found 2"),
    ],
)
def test_a_model_with_contradictory_parts_is_refused(tmp_path, change, message):
    path = tmp_path / "m.json"
    MODEL.save(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ValueError, match=message):
        TableModel.load(path)


@pytest.mark.parametrize("text", ["", "{", "a,b\n1,2\n", "[1]", '{"format": "other"}'])
def test_a_file_that_is_not_a_model_is_refused(tmp_path, text):
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(ValueError, match=r"m\.json is not a model of `oneneuron fit`: name"):
        TableModel.load(tmp_path / "m.json")


@pytest.mark.parametrize("key", ["version", "features", "target", "mean", "weights", "bias"])
def test_the_error_of_an_incomplete_model_names_the_missing_part(tmp_path, key):
    path = tmp_path / "m.json"
    MODEL.save(path)
    found = json.loads(path.read_text())
    del found[key]
    path.write_text(json.dumps(found))
    with pytest.raises(ValueError, match=f"lacks {key}"):
        TableModel.load(path)


def test_a_saved_model_names_its_format_and_version(tmp_path):
    MODEL.save(tmp_path / "m.json")
    found = json.loads((tmp_path / "m.json").read_text())
    assert (found["format"], found["version"]) == ("oneneuron-model", 1)


def test_a_row_too_large_for_a_probability_is_refused():
    model = TableModel(["a", "b"], "t", ["no", "yes"], [0.0, 0.0], [1e-9, 1e-9], [1, -1], 0)
    with pytest.raises(ValueError, match="row 2 has numbers too large"):
        model.predict_proba(np.array([[1.0, 1.0], [1e308, 1e308]]))
