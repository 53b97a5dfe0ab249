"""Parquet files and folders of them that are read by rows, and what is refused of them."""

import datetime
import decimal
import os
import sys
import tempfile
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneneuron import _tables
from oneneuron._tables import parquet

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def message_of(*arguments, error=ValueError):
    """Return the message of the error that opening a table raises, which is one sentence."""
    with pytest.raises(error) as raised:
        _tables.open_table(*arguments)
    message = str(raised.value)
    assert message.endswith(".") and ". " not in message
    return message


def make_columns(seed=0, num_rows=30):
    """Return columns of several types, by their names."""
    rng = np.random.default_rng(seed)
    return {
        "a": rng.standard_normal(num_rows),
        "label": rng.choice(["no", "yes"], num_rows).tolist(),
        "b": rng.integers(-100, 100, num_rows).astype(np.int16),
        "weight": rng.random(num_rows),
        "c": rng.random(num_rows) > 0.5,
    }


def write(path, columns, group_rows=7):
    pq.write_table(pa.table(columns), path, row_group_size=group_rows)
    return path


def write_folder(folder, columns, cuts, group_rows=7):
    """Write rows to files part.0.parquet, part.1.parquet, ..., and return their folder."""
    bounds = [0, *cuts, len(columns["a"])]
    for i, (first, end) in enumerate(pairwise(bounds)):
        part = pa.table(columns).slice(first, end - first)
        pq.write_table(part, os.path.join(folder, f"part.{i}.parquet"), row_group_size=group_rows)
    return folder


def features_of(columns):
    return np.column_stack([columns[name] for name in "abc"])


# --- Values ---


def test_columns_become_features_labels_and_weights(tmp_path):
    columns = make_columns()
    path = write(tmp_path / "X.parquet", columns)
    table, labels, weights = _tables.open_table(path, "label", "weight")
    assert table.shape == (30, 3) and table.names == ["a", "b", "c"]
    assert table.dtype == table.read(0, 1).dtype == np.float64
    assert np.array_equal(table.read(0, 30), features_of(columns))
    assert len(labels) == len(weights) == 30
    assert labels.read(3, 25).tolist() == columns["label"][3:25]
    assert np.array_equal(weights.read(3, 25), columns["weight"][3:25])


@given(
    cuts=st.lists(st.integers(0, 30), max_size=12).map(sorted),
    reads=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1),
    group_rows=st.integers(1, 31),
)
def test_any_sequence_of_reads_of_any_files_returns_the_slices(cuts, reads, group_rows):
    columns = make_columns()
    with tempfile.TemporaryDirectory() as folder:
        write_folder(folder, columns, cuts, group_rows)
        table, labels, _ = _tables.open_table(folder, "label", "weight")
        for first, end in map(sorted, reads):
            assert np.array_equal(table.read(first, end), features_of(columns)[first:end])
            assert labels.read(first, end).tolist() == columns["label"][first:end]
        del table, labels  # Windows does not delete files in use


def test_consecutive_reads_decode_each_row_group_once_and_only_the_needed_columns(
    tmp_path, monkeypatch
):
    decoded = []
    decode = parquet._OpenParquetFile.decode

    def record(self, group, names):
        decoded.append((group, names))
        return decode(self, group, names)

    monkeypatch.setattr(parquet._OpenParquetFile, "decode", record)
    path = write(tmp_path / "X.parquet", make_columns())
    table, labels, _ = _tables.open_table(path, "label", "weight")
    assert decoded == []
    for first in range(0, 30, 2):
        table.read(first, first + 2)
    assert decoded == [(group, ["a", "b", "c"]) for group in range(5)]
    decoded.clear()
    labels.read(8, 15)
    assert decoded == [(1, ["label"]), (2, ["label"])]


def test_the_files_of_a_folder_are_in_the_order_of_the_numbers_in_their_names(tmp_path):
    columns = make_columns()
    write_folder(tmp_path, columns, range(2, 30, 2))
    (tmp_path / "_SUCCESS").write_bytes(b"")
    (tmp_path / ".part.0.parquet.crc").write_bytes(b"")
    (tmp_path / "_metadata.parquet").write_bytes(b"")
    (tmp_path / "notes.txt").write_bytes(b"")
    table, labels, _ = _tables.open_table(tmp_path, "label", "weight")
    assert np.array_equal(table.read(0, 30), features_of(columns))
    assert labels.read(0, 30).tolist() == columns["label"]


def test_files_may_have_columns_of_other_types_and_in_another_order(tmp_path):
    write(tmp_path / "1.parquet", {"a": [1, 2], "b": [3.0, 4.0]})
    write(tmp_path / "2.parquet", {"b": [5, 6], "a": [7.5, 8.5]})
    table = _tables.open_table(tmp_path, np.zeros(4))[0]
    assert table.read(0, 4).tolist() == [[1, 3], [2, 4], [7.5, 5], [8.5, 6]]


def test_a_file_without_rows_may_have_columns_of_any_type(tmp_path):
    write(tmp_path / "1.parquet", {"a": pa.nulls(0), "y": pa.nulls(0)})
    write(tmp_path / "2.parquet", {"a": [1.0, 2.0], "y": [0, 1]})
    table, labels, _ = _tables.open_table(tmp_path, "y")
    assert table.read(0, 2).tolist() == [[1.0], [2.0]]
    assert labels.read(0, 2).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ([pa.float32(), pa.float32()], np.float32),
        ([pa.float32(), pa.float64()], np.float64),
        ([pa.float32(), pa.int8()], np.float64),
        ([pa.uint64(), pa.int64()], np.float64),
        ([pa.bool_(), pa.bool_()], np.float64),
        ([pa.decimal128(5, 2), pa.float32()], np.float64),
    ],
    ids=str,
)
def test_samples_are_float32_only_if_all_features_are(tmp_path, types, expected):
    cells = [decimal.Decimal(1), decimal.Decimal(0)]
    columns = {
        name: pa.array(cells if pa.types.is_decimal(kind) else [1, 0]).cast(kind)
        for name, kind in zip("ab", types, strict=True)
    }
    path = write(tmp_path / "X.parquet", columns)
    table = _tables.open_table(path, np.zeros(2))[0]
    assert table.dtype == table.read(0, 2).dtype == expected
    assert table.read(0, 2).tolist() == [[1, 1], [0, 0]]


@pytest.mark.parametrize(
    "labels",
    [
        np.array([3, 1, 2], np.int8), np.array([0.5, np.nan, 1]), np.array([True, False, True]),
        np.array(["a", "b", "a"], object), pd.Categorical(["a", "b", "a"]),
    ],
    ids=lambda labels: str(labels.dtype),
)  # fmt: skip
def test_labels_are_as_numpy_holds_them(tmp_path, labels):
    path = write(tmp_path / "X.parquet", {"y": labels, "a": [1, 2, 3]}, 2)
    found = _tables.open_table(path, "y")[1].read(0, 3)
    assert found.dtype == np.asarray(labels).dtype
    assert pd.Series(found).equals(pd.Series(np.asarray(labels)))


def test_the_index_of_a_frame_is_no_feature_but_may_be_the_labels(tmp_path):
    frame = pd.DataFrame({"a": [1.0, 2.0]}, pd.Index([0, 1], name="y"))
    frame.to_parquet(tmp_path / "X.parquet")
    for y in ([0, 1], "y"):
        table, labels, _ = _tables.open_table(tmp_path / "X.parquet", y)
        assert table.names == ["a"] and labels.read(0, 2).tolist() == [0, 1]


def test_labels_of_parquet_samples_may_be_in_another_file(tmp_path):
    np.save(tmp_path / "y.npy", np.arange(30))
    path = write(tmp_path / "X.parquet", {"a": np.arange(30)})
    for y in (tmp_path / "y.npy", str(tmp_path / "y.npy")):
        assert _tables.open_table(path, y)[1].read(4, 6).tolist() == [4, 5]


def test_a_column_may_be_named_like_a_part_of_another(tmp_path):
    path = write(tmp_path / "X.parquet", {"a.b": [1, 2], "a": [3, 4], "y.npy": [0, 1]})
    table, labels, _ = _tables.open_table(path, "y.npy")
    assert table.read(0, 2).tolist() == [[1, 3], [2, 4]] and labels.read(1, 2).tolist() == [1]
    assert _tables.open_table(path, "a.b")[0].names == ["a", "y.npy"]


# --- Files that are not as they should be ---


def test_without_pyarrow_the_error_names_the_extra(tmp_path, monkeypatch):
    path = write(tmp_path / "X.parquet", make_columns())
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    assert message_of(path, "label", error=ImportError) == (
        "X is a Parquet file, which needs pyarrow: pip install 'oneneuron[parquet]'."
    )


def test_an_unknown_column_is_answered_with_the_nearest_name(tmp_path):
    path = write(tmp_path / "X.parquet", make_columns())
    assert message_of(path, "lable") == (
        "y must be a column of X or the path of a .npy file, found 'lable': choose 'label', or "
        "another of 'a', 'label', 'b', 'weight', 'c'."
    )


def test_at_most_a_dozen_columns_are_listed(tmp_path):
    path = write(tmp_path / "X.parquet", {f"f{i}": [i] for i in range(20)})
    listed = ", ".join(f"'f{i}'" for i in range(12))
    message = message_of(path, [0], "unlike")
    assert message.startswith("sample_weight must be a column of X")
    assert message.endswith(f": choose one of {listed}, ....")


@pytest.mark.parametrize(
    "cells",
    [
        ["a", "b"], [datetime.date(2020, 1, 1)] * 2, [[1.0], [2.0]], [{"a": 1}] * 2, [b"a", b"b"],
        [None, None], pd.Categorical(["a", "b"]),
    ],
    ids=lambda cells: str(pa.array(cells).type),
)  # fmt: skip
def test_features_that_are_no_numbers_are_refused_by_name(tmp_path, cells):
    path = write(tmp_path / "X.parquet", {"a": [1.0, 2.0], "city": cells})
    kind = pq.read_schema(path).field("city").type
    assert message_of(path, [0, 1]) == (
        f"X must have columns of numbers, found 'city' of type {kind} in {path}: convert it to "
        f"numbers, or write the table without it."
    )


def test_labels_of_other_types_are_refused_by_name(tmp_path):
    path = write(tmp_path / "X.parquet", {"a": [1.0], "y": [[1.0]]})
    kind = pq.read_schema(path).field("y").type
    assert message_of(path, "y") == (
        f"y must be a column of numbers, booleans or strings, found 'y' of type {kind} in {path}: "
        f"convert it first."
    )


def test_labels_of_different_types_in_two_files_are_refused(tmp_path):
    write(tmp_path / "1.parquet", {"a": [1.0], "y": [1]})
    write(tmp_path / "2.parquet", {"a": [1.0], "y": ["1"]})
    assert message_of(tmp_path, "y") == (
        f"y must be a column of one type, found 'y' of type int64 in {tmp_path / '1.parquet'} and "
        f"of type string in {tmp_path / '2.parquet'}: write it with one type."
    )


@pytest.mark.parametrize("has_more", [False, True])
def test_files_with_different_columns_are_refused(tmp_path, has_more):
    columns = {"a": [1.0], "b": [2.0]}
    one, two = tmp_path / "1.parquet", tmp_path / "2.parquet"
    write(one, {"a": [1.0]} if has_more else columns)
    write(two, columns if has_more else {"a": [1.0]})
    have, lack = (two, one) if has_more else (one, two)
    assert message_of(tmp_path, [0, 1]) == (
        f"X must be a folder of files with the same columns, found 'b' in {have}, but not in "
        f"{lack}: write them with the same columns."
    )


def test_two_columns_of_one_name_are_refused(tmp_path):
    path = tmp_path / "X.parquet"
    pq.write_table(pa.table([[1.0], [2.0]], ["a", "a"]), path)
    assert message_of(path, [0]) == (
        f"X must have columns of different names, found 'a' more than once in {path}: rename them."
    )


@pytest.mark.parametrize(
    "columns", [{"a": pa.array([], pa.float64()), "y": pa.array([], pa.int8())}, {"y": [0, 1]}]
)
def test_tables_without_samples_or_features_are_refused_as_in_memory(tmp_path, columns):
    path = write(tmp_path / "X.parquet", columns)
    shape = len(columns["y"]), len(columns) - bool(len(columns["y"]))
    assert message_of(path, "y") == message_of(np.zeros(shape), np.zeros(shape[0]))


def test_labels_of_another_length_are_refused(tmp_path):
    path = write(tmp_path / "X.parquet", {"a": [1.0, 2.0]})
    assert "y must have shape (2,), one value for each sample" in message_of(path, [0, 1, 1])


def test_a_folder_without_parquet_files_is_refused(tmp_path):
    (tmp_path / "X.csv").write_bytes(b"")
    assert message_of(tmp_path, [0]) == (
        f"X must be a folder of files that end with .parquet, found none in {tmp_path}: correct "
        f"the path."
    )


def test_a_folder_of_folders_is_refused(tmp_path):
    (tmp_path / "year=2020").mkdir()
    write(tmp_path / "X.parquet", {"a": [1.0]})
    assert message_of(tmp_path, [0]) == (
        f"X must be a folder without other folders, found 'year=2020' in {tmp_path}: move all "
        f"Parquet files into one folder."
    )


@pytest.mark.parametrize(("first", "end"), [(0, 30), (16, 18), (17, 18)])
def test_an_empty_cell_is_refused_with_its_row_and_column(tmp_path, first, end):
    cells = [float(i) for i in range(30)]
    cells[17] = None
    write_folder(tmp_path, {"a": list(range(30)), "b": cells}, [10, 15])
    for arguments, name in ((([0] * 30,), "X"), (("b",), "y"), (([0] * 30, "b"), "sample_weight")):
        table, labels, weights = _tables.open_table(tmp_path, *arguments)
        reader = {"X": table, "y": labels, "sample_weight": weights}[name]
        assert len(reader.read(0, 17)) == 17 and len(reader.read(18, 30)) == 12
        with pytest.raises(ValueError) as raised:
            reader.read(first, end)
        assert str(raised.value) == (
            f"{name} contains null at row 17, column 'b': drop or fill those samples."
        )


def test_a_value_that_is_not_finite_is_refused_with_its_row_and_feature(tmp_path):
    values = np.zeros(30)
    values[17] = np.nan
    write_folder(tmp_path, {"a": np.zeros(30), "b": values}, [10, 15])
    table = _tables.open_table(tmp_path, np.zeros(30))[0]
    with pytest.raises(ValueError, match="found nan in sample 17, feature 'b': drop"):
        table.read(16, 30)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no Parquet file" * 10])
def test_a_file_that_is_not_parquet_is_refused(tmp_path, content):
    path = tmp_path / "X.parquet"
    path.write_bytes(content)
    message = message_of(path, [0])
    assert message.startswith(
        f"{path} must be a whole Parquet file, found one that pyarrow cannot read ("
    )
    assert message.endswith("): write it again.")


def test_a_file_that_was_cut_off_is_refused(tmp_path):
    path = write(tmp_path / "X.parquet", make_columns())
    os.truncate(path, path.stat().st_size - 10)
    assert "must be a whole Parquet file" in message_of(path, "label")


def test_a_file_with_damaged_values_is_refused_when_they_are_read(tmp_path):
    path = write(tmp_path / "X.parquet", {"a": np.arange(10_000.0)}, 10_000)
    content = bytearray(path.read_bytes())
    content[4:2000] = bytes(1996)
    path.write_bytes(content)
    table = _tables.open_table(path, np.zeros(10_000))[0]
    with pytest.raises(ValueError, match=r"must be a whole Parquet file, found .*: write it again"):
        table.read(0, 10)


@pytest.mark.skipif(os.name == "nt", reason="Windows does not replace open files")
@pytest.mark.parametrize("was_read", [False, True])
@pytest.mark.parametrize("change", ["shorter", "replaced"])
def test_a_file_that_changes_between_reads_is_refused(tmp_path, was_read, change):
    path = write(tmp_path / "X.parquet", make_columns())
    table = _tables.open_table(path, "label", "weight")[0]
    if was_read:
        table.read(0, 3)
    if change == "shorter":
        os.truncate(path, 100)
    else:
        os.replace(write(tmp_path / "other.parquet", make_columns(num_rows=40)), path)
    with pytest.raises(ValueError) as raised:
        table.read(20, 22)
    assert str(raised.value) == (
        f"{path} must stay as it is while it is read, found another size or time of change: finish "
        f"writing it first."
    )


@pytest.mark.skipif(os.name == "nt", reason="Windows does not delete open files")
def test_a_file_that_is_deleted_between_reads_is_named(tmp_path):
    path = write(tmp_path / "X.parquet", make_columns())
    table = _tables.open_table(path, "label", "weight")[0]
    os.unlink(path)
    with pytest.raises(FileNotFoundError, match=r"X\.parquet"):
        table.read(0, 3)


@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied", "X.parquet"), pa.ArrowMemoryError("full")]
)
def test_errors_that_are_not_about_the_content_of_a_file_are_kept(error):
    with pytest.raises(type(error)) as raised, parquet._arrow_errors("X.parquet"):
        raise error
    assert raised.value is error
