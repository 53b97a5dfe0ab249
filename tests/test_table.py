"""Tables and models in files."""

import json
import os

import numpy as np
import pytest

from oneneuron import table

MODEL = table.TableModel(
    features=["a", "b"], target="t", classes=["no", "yes"], mean=[1.0, 2.0], scale=[2.0, 4.0],
    weights=[0.5, -1.0], bias=0.25,
)  # fmt: skip


def test_the_probability_is_that_of_the_scaled_features():
    z = 0.5 * (5.0 - 1.0) / 2.0 - 1.0 * (4.0 - 2.0) / 4.0 + 0.25
    found = MODEL.probabilities(np.array([[5.0, 4.0]]))
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-z)), rtol=1e-15)


def test_a_saved_model_is_loaded_as_it_was(tmp_path):
    MODEL.save(tmp_path / "m.json")
    assert table.TableModel.load(tmp_path / "m.json") == MODEL


def test_a_saved_file_has_the_permissions_of_any_other(tmp_path):
    (tmp_path / "other").touch()
    MODEL.save(tmp_path / "m.json")
    assert (tmp_path / "m.json").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    (tmp_path / "m.json").write_text("old")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        MODEL.save(tmp_path / "m.json")
    assert [p.name for p in tmp_path.iterdir()] == ["m.json"]
    assert (tmp_path / "m.json").read_text() == "old"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, "its format is unknown"),
        ({"weights": None}, "weights must be 2 numbers"),
        ({"weights": [1.0]}, "weights must be 2 numbers"),
        ({"scale": [1.0, 0.0]}, "scale must have no zero"),
        ({"bias": "x"}, "must be finite numbers"),
        ({"classes": ["a"]}, "classes two names"),
    ],
)
def test_a_model_that_does_not_fit_itself_is_refused(tmp_path, change, message):
    path = tmp_path / "m.json"
    MODEL.save(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ValueError, match=message):
        table.TableModel.load(path)


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"format": "oneneuron-model-1"}'])
def test_a_file_that_is_no_model_is_refused(tmp_path, text):
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(ValueError, match=r"m\.json must"):
        table.TableModel.load(tmp_path / "m.json")


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    (tmp_path / "d.csv").write_text("a,b\n1,2\n", encoding="utf-8-sig")
    assert list(table.read_columns(tmp_path / "d.csv")) == ["a", "b"]
