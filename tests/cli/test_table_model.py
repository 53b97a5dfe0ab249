"""Tables and models in files."""

import json
import os

import numpy as np
import pytest

MODEL = _table_model.TableModel(
    features=["a", "b"], target="t", classes=["no", "yes"], mean=[1.0, 2.0], scale=[2.0, 4.0],
    weights=[0.5, -1.0], bias=0.25,
)  # fmt: skip


def test_the_probability_is_that_of_the_scaled_features():
    z = 0.5 * (5.0 - 1.0) / 2.0 - 1.0 * (4.0 - 2.0) / 4.0 + 0.25
    found = MODEL.predict_proba(np.array([[5.0, 4.0]]))
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-z)), rtol=1e-15)


def test_a_saved_model_is_loaded_as_it_was(tmp_path):
    MODEL.save(tmp_path / "m.json")
    assert _table_model.TableModel.load(tmp_path / "m.json") == MODEL


def test_saving_leaves_alone_what_permissions_other_threads_files_get(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "umask", lambda _: pytest.fail("it is the whole process's"))
    MODEL.save(tmp_path / "m.json")


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
        ({"format": "other"}, "is no model of `oneneuron fit`"),
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
        ({"version": 2}, "must be of version 1, found 2"),
    ],
)
def test_a_model_that_does_not_fit_itself_is_refused(tmp_path, change, message):
    path = tmp_path / "m.json"
    MODEL.save(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ValueError, match=message):
        _table_model.TableModel.load(path)


@pytest.mark.parametrize("text", ["", "{", "a,b\n1,2\n", "[1]", '{"format": "other"}'])
def test_a_file_that_is_no_model_is_refused(tmp_path, text):
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(ValueError, match=r"m\.json is no model of `oneneuron fit`: name"):
        _table_model.TableModel.load(tmp_path / "m.json")


@pytest.mark.parametrize("key", ["version", "features", "target", "mean", "weights", "bias"])
def test_a_model_that_lacks_a_part_is_refused_by_the_name_of_the_part(tmp_path, key):
    path = tmp_path / "m.json"
    MODEL.save(path)
    found = json.loads(path.read_text())
    del found[key]
    path.write_text(json.dumps(found))
    with pytest.raises(ValueError, match=f"lacks {key}"):
        _table_model.TableModel.load(path)


def test_a_saved_model_names_its_format_and_version(tmp_path):
    MODEL.save(tmp_path / "m.json")
    found = json.loads((tmp_path / "m.json").read_text())
    assert (found["format"], found["version"]) == ("oneneuron-model", 1)


def test_a_model_is_saved_through_a_link(tmp_path):
    (tmp_path / "link.json").symlink_to(tmp_path / "m.json")
    MODEL.save(tmp_path / "link.json")
    assert (tmp_path / "link.json").is_symlink()
    assert _table_model.TableModel.load(tmp_path / "m.json") == MODEL


def test_a_device_is_no_file_to_write_to():
    with pytest.raises(OSError, match="a folder or a device"):
        _table_model.check_writable(os.devnull)


def test_a_read_only_file_is_not_replaced(tmp_path, monkeypatch):
    (tmp_path / "m.json").write_text("old")
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with pytest.raises(OSError, match=r"m\.json is read-only: name another file"):
        _table_model.check_writable(tmp_path / "m.json")


def test_a_file_that_is_used_already_is_refused_by_the_option_that_names_it(tmp_path):
    with pytest.raises(ValueError, match=r"^--json must not be .*c\.png, which is read or written"):
        _table_model.check_writable(tmp_path / "c.png", "--json", [tmp_path / "." / "c.png"])


def test_a_link_to_a_file_that_is_used_already_is_refused(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "c.png")
    with pytest.raises(ValueError, match="must not be"):
        _table_model.check_writable(tmp_path / "link", "--json", [tmp_path / "c.png"])


def test_a_row_without_a_probability_is_refused():
    model = _table_model.TableModel(["a", "b"], "t", ["no", "yes"], [0.0, 0.0], [1e-9, 1e-9], [1, -1], 0)
    with pytest.raises(ValueError, match="row 2 is too large"):
        model.predict_proba(np.array([[1.0, 1.0], [1e308, 1e308]]))


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    (tmp_path / "d.csv").write_text("a,b\n1,2\n", encoding="utf-8-sig")
    assert list(_table_model.Table.read(tmp_path / "d.csv").columns) == ["a", "b"]


def test_a_message_counts_the_lines_of_the_file_through_quotes_and_empty_lines(tmp_path):
    (tmp_path / "d.csv").write_text('a,b\n1,"two\nlines"\n\nx,y\n')
    with pytest.raises(ValueError, match=r"d\.csv, line 5, column 'a': .* found 'x'"):
        _table_model.Table.read(tmp_path / "d.csv").features(["a"])


@pytest.mark.parametrize("content", [b"a,b\n1,\xff\n", b"\xff\xfea\x00"])
def test_another_encoding_is_refused(tmp_path, content):
    (tmp_path / "d.csv").write_bytes(content)
    with pytest.raises(ValueError, match="must be a CSV in UTF-8"):
        _table_model.Table.read(tmp_path / "d.csv")
