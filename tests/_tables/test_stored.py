"""Memory maps and .npy files that are read by rows, and what is refused of them."""

import os
import tempfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneneuron import _tables
from oneneuron._tables import stored

SHAPE = 30, 5


def message_of(*arguments, error=ValueError):
    """Return the message of the error that opening a table raises, which is one sentence."""
    with pytest.raises(error) as raised:
        _tables.open_table(*arguments)
    message = str(raised.value)
    assert message.endswith(".") and ". " not in message
    return message


def table_of(X):
    """Return the table of some samples, with labels in memory."""
    num_samples = np.load(X, mmap_mode="r").shape[0] if isinstance(X, os.PathLike) else len(X)
    return _tables.open_table(X, np.zeros(num_samples))[0]


def column_of(y):
    """Return a column of labels for SHAPE[0] samples."""
    return _tables.open_table(np.zeros(SHAPE), y)[1]


def make_values(seed=0, shape=SHAPE, dtype=np.float64):
    return np.random.default_rng(seed).integers(0, 100, shape).astype(dtype)


def make_map(path, values, order="C", offset=0, mode="r"):
    """Write values to a file, and return them as a memory map."""
    written = np.memmap(path, values.dtype, "w+", offset, values.shape, order)
    written[...] = values
    written.flush()
    return np.memmap(path, values.dtype, mode, offset, values.shape, order)


def save(path, values):
    np.save(path, values)
    return path


# --- Values ---


@st.composite
def slices(draw, length):
    """Draw a slice that is not empty, with steps in both directions."""
    first = draw(st.integers(0, length - 1))
    last = draw(st.integers(first, length - 1))
    step = draw(st.integers(1, 4))
    if draw(st.booleans()):
        return slice(first, last + 1, step)
    return slice(last, first - 1 if first else None, -step)


@given(
    rows=slices(SHAPE[0]),
    columns=slices(SHAPE[1]),
    order=st.sampled_from("CF"),
    offset=st.sampled_from([0, 3, 8, 5000]),
    dtype=st.sampled_from(["<f8", ">f8", "<f4", "f2", "i1", ">i8", "?"]),
    is_transposed=st.booleans(),
)
def test_any_view_of_a_memory_map_is_read_as_it_is_mapped(
    rows, columns, order, offset, dtype, is_transposed
):
    with tempfile.TemporaryDirectory() as folder:
        values = make_values(dtype=dtype)
        X = make_map(os.path.join(folder, "X"), values, order, offset)[rows, columns]
        X = X.T if is_transposed else X
        table = table_of(X)
        found = table.read(0, len(X))
        assert table.shape == X.shape and found.dtype == table.dtype
        assert np.array_equal(found, X)
        del X, table  # Windows does not delete files in use


@given(
    cuts=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1),
    order=st.sampled_from("CF"),
)
def test_any_sequence_of_reads_returns_the_slices(cuts, order):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "X.npy")
        values = make_values()
        np.save(path, np.asarray(values, order=order))
        table = _tables.open_table(path, np.zeros(len(values)))[0]
        for first, end in map(sorted, cuts):
            assert np.array_equal(table.read(first, end), values[first:end])
        del table  # Windows does not delete files in use


@pytest.mark.parametrize("slab_bytes", [1, 8, 100, 2**20])
@pytest.mark.parametrize("longest_gap", [0, 50, 2**16])
def test_the_size_of_a_read_does_not_change_the_values(
    tmp_path, monkeypatch, slab_bytes, longest_gap
):
    monkeypatch.setattr(stored, "_SLAB_BYTES", slab_bytes)
    monkeypatch.setattr(stored, "_LONGEST_GAP", longest_gap)
    for order in "CF":
        X = make_map(tmp_path / "X", make_values(), order)
        for view in (X, X[::-2, 1:4], X[3:, :1]):
            assert np.array_equal(table_of(view).read(1, 9), view[1:9])


@pytest.mark.parametrize(
    "view",
    [
        lambda X: np.asarray(X)[5:],
        lambda X: np.broadcast_to(X[2], (7, SHAPE[1])),
        lambda X: np.lib.stride_tricks.sliding_window_view(X[:, 0], 4),
        lambda X: np.lib.stride_tricks.as_strided(X[3:], (4, 3), (2 * X.strides[0], 8)),
        lambda X: X.view("<i4"),
        lambda X: X.reshape(10, 15),
        lambda X: X[4:5, 2:3],
    ],
    ids=["array", "repeated", "overlapping", "strided", "other dtype", "other shape", "one value"],
)
def test_views_of_every_kind_are_read_from_the_file(tmp_path, view):
    X = view(make_map(tmp_path / "X", make_values()))
    assert _tables.is_on_disk(X)
    assert np.array_equal(table_of(X).read(0, len(X)), X)


def test_changes_of_a_writable_memory_map_are_read(tmp_path):
    X = make_map(tmp_path / "X", make_values(), mode="r+")
    X[7, 3] = 1234.5
    assert table_of(X).read(7, 8)[0, 3] == 1234.5


def test_a_copy_of_a_memory_map_is_in_memory(tmp_path):
    X = make_map(tmp_path / "X", make_values())
    for copy in (X[[1, 2]], X + 1, np.array(X), X.copy()):
        assert not _tables.is_on_disk(copy)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_files_of_every_version_and_order_are_read(tmp_path, version, order):
    path, values = tmp_path / "X.npy", np.asarray(make_values(), order=order)
    with open(path, "wb") as file:
        np.lib.format.write_array(file, values, version)
    assert np.array_equal(table_of(path).read(2, 20), values[2:20])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("<f4", "f4"), (">f4", "f4"), ("<f8", "f8"), (">f8", "f8"), ("f2", "f8"), ("g", "f8"),
        ("i1", "f8"), (">i4", "f8"), ("u8", "f8"), ("?", "f8"),
    ],
)  # fmt: skip
def test_numbers_of_every_dtype_become_floats(tmp_path, given, expected):
    values = make_values(dtype=given)
    table = table_of(save(tmp_path / "X.npy", values))
    assert table.dtype == table.read(0, 3).dtype == np.dtype(expected)
    assert np.array_equal(table.read(0, 30), values)


@pytest.mark.parametrize("dtype", [">i8", "?", "<f4", "<U5", "S3"])
def test_labels_keep_their_dtype(tmp_path, dtype):
    labels = make_values(shape=30).astype(dtype)
    path = save(tmp_path / "y.npy", labels)
    for y in (path, str(path), np.load(path, mmap_mode="r"), labels):
        column = column_of(y)
        assert len(column) == 30 and column.read(3, 20).dtype == labels.dtype
        assert np.array_equal(column.read(3, 20), labels[3:20])


def test_labels_may_be_a_column_of_the_mapped_samples(tmp_path):
    values = make_values()
    data = make_map(tmp_path / "data", values)
    table, labels, weights = _tables.open_table(data[:, 2:], data[:, 0], data[:, 1])
    assert np.array_equal(table.read(5, 9), values[5:9, 2:])
    assert np.array_equal(labels.read(5, 9), values[5:9, 0])
    assert np.array_equal(weights.read(5, 9), values[5:9, 1])


def test_a_table_closes_its_file(tmp_path):
    path = save(tmp_path / "X.npy", make_values())
    table = table_of(path)
    raw = table.stored.file.raw
    assert not raw.closed
    del table
    assert raw.closed


# --- Files that are not as they should be ---


@pytest.mark.parametrize(("first", "value"), [(0, np.nan), (10, np.inf), (25, -np.inf)])
def test_a_value_that_is_not_finite_is_refused_with_its_row_in_the_file(tmp_path, first, value):
    values = make_values()
    values[27, 3] = value
    table = table_of(save(tmp_path / "X.npy", values))
    assert np.array_equal(table.read(0, 27), values[:27])
    with pytest.raises(ValueError) as raised:
        table.read(first, 30)
    assert str(raised.value) == (
        f"X must be finite, found {value} in sample 27, feature 3: drop the sample, or fill in the "
        f"value."
    )


def test_a_number_too_large_for_float64_is_refused_without_a_warning(tmp_path):
    if np.finfo(np.longdouble).max == np.finfo(np.float64).max:
        pytest.skip("long double is float64 here")
    values = np.full(SHAPE, np.finfo(np.longdouble).max)
    table = table_of(save(tmp_path / "X.npy", values))
    with pytest.raises(ValueError, match="found inf in sample 0, feature 0"):
        table.read(0, 30)


def test_a_missing_file_is_refused(tmp_path):
    for X in (tmp_path / "X.npy", str(tmp_path / "X.npy")):
        message = message_of(X, np.zeros(30), error=FileNotFoundError)
        assert message == (
            f"X must be the path of a file that exists, found {str(X)!r}: correct the path."
        )


@pytest.mark.parametrize("name", ["X.csv", "X.npz", "X"])
def test_an_unknown_suffix_is_refused(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"1,2")
    assert message_of(path, np.zeros(30)) == (
        f"X must be an array, or the path of a .npy file or a Parquet file, found {str(path)!r}: "
        f"save it with numpy.save."
    )
    assert message_of(np.zeros(SHAPE), str(path)) == (
        f"y must be an array, or the path of a .npy file, found {str(path)!r}: save it with "
        f"numpy.save."
    )


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x93NUMPY", b"\x93NUMPY\x01\x00\xff\xff{", b"\x93NUMPY\x07\x00", b"PAR1" * 20,
        b"\x93NUMPY\x01\x00\x3c\x00{'descr': '<f8', 'fortran_order': False, 'shape': (-3, 2)}    ",
    ],
)  # fmt: skip
def test_a_file_without_a_valid_header_is_refused(tmp_path, content):
    path = tmp_path / "X.npy"
    path.write_bytes(content)
    assert message_of(path, np.zeros(30)) == (
        f"X must be a file that numpy.save has written, found {str(path)!r} with another header: "
        f"write it again."
    )


def test_a_file_that_was_cut_off_is_refused(tmp_path):
    path = save(tmp_path / "X.npy", make_values())
    size = path.stat().st_size
    os.truncate(path, size - 1)
    assert message_of(path, np.zeros(30)) == (
        f"{path} must have {size} bytes or more, found {size - 1}: it was cut off, so write it "
        f"again."
    )


@pytest.mark.skipif(os.name == "nt", reason="Windows does not shorten open files")
@pytest.mark.parametrize("is_mapped", [False, True])
def test_a_file_that_becomes_shorter_raises_an_error(tmp_path, is_mapped):
    path = save(tmp_path / "X.npy", make_values(shape=(5000, 5)))
    table = table_of(np.load(path, mmap_mode="r") if is_mapped else path)
    os.truncate(path, 10_000)
    assert len(table.read(0, 100)) == 100
    with pytest.raises(ValueError, match=r"bytes or more, found 10000: it was cut off"):
        table.read(0, 5000)


@pytest.mark.skipif(os.name == "nt", reason="Windows does not shorten open files")
def test_a_memory_map_whose_file_is_shorter_by_now_is_refused(tmp_path):
    X = make_map(tmp_path / "X", make_values(shape=(5000, 5)))
    os.truncate(tmp_path / "X", 10_000)
    assert message_of(X, np.zeros(5000)) == (
        f"{tmp_path / 'X'} must have 200000 bytes or more, found 10000: it was cut off, so write "
        f"it again."
    )


@pytest.mark.skipif(os.name == "nt", reason="Windows does not replace mapped files")
@pytest.mark.parametrize("shape", [SHAPE, (31, 5)])
def test_a_memory_map_whose_file_was_replaced_is_refused(tmp_path, shape):
    X = make_map(tmp_path / "X", make_values())
    make_map(tmp_path / "other", make_values(seed=1, shape=shape))
    os.replace(tmp_path / "other", tmp_path / "X")
    assert message_of(X, np.zeros(30)) == (
        f"X is mapped from {tmp_path / 'X'}, which is another file now: map it again."
    )


@pytest.mark.skipif(os.name == "nt", reason="Windows does not delete mapped files")
def test_a_memory_map_whose_file_was_deleted_is_refused(tmp_path):
    X = make_map(tmp_path / "X", make_values())
    os.unlink(tmp_path / "X")
    assert message_of(X, np.zeros(30), error=FileNotFoundError) == (
        f"X is mapped from {tmp_path / 'X'}, which does not exist any more: copy X with "
        f"numpy.array, or save it and map it again."
    )


def test_a_memory_map_whose_changes_are_not_in_its_file_is_refused(tmp_path):
    X = make_map(tmp_path / "X", make_values(), mode="c")
    assert message_of(X, np.zeros(30)) == (
        "X must be mapped with mode 'r' or 'r+', found 'c', whose changes are not in the file: map "
        "it again, or copy it with numpy.array."
    )


def test_a_memory_map_of_a_file_without_a_name_is_refused():
    with tempfile.TemporaryFile() as file:
        X = np.memmap(file, np.float64, "w+", shape=SHAPE)
        if X.filename is not None:
            pytest.skip("a temporary file has a name here")
        assert message_of(X, np.zeros(30)) == (
            "X must be mapped from a file with a name, found none: save it with numpy.save."
        )


def test_masked_values_of_a_memory_map_are_refused(tmp_path):
    X = np.ma.masked_equal(make_map(tmp_path / "X", make_values()), make_values()[0, 0])
    assert "X has masked values" in message_of(X, np.zeros(30))


def test_an_error_of_the_disk_names_the_file(tmp_path, monkeypatch):
    path = save(tmp_path / "X.npy", make_values())
    table = table_of(path)

    class BrokenDisk:
        def seek(self, position):
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(table.stored.file, "raw", BrokenDisk())
    with pytest.raises(OSError) as raised:
        table.read(0, 1)
    assert str(raised.value) == f"{path} cannot be read (Input/output error): check the disk."


def test_python_objects_are_refused_and_not_loaded(tmp_path):
    class Bomb:
        def __reduce__(self):
            return os._exit, (1,)

    path = tmp_path / "objects.npy"
    np.save(path, np.array([[Bomb()]]), allow_pickle=True)
    for arguments, name in (((path, [0]), "X"), (([[0.0]], path), "y")):
        assert message_of(*arguments) == (
            f"{name} must hold numbers or strings, found dtype object in {path}: convert it with "
            f"astype, and save it again."
        )


@pytest.mark.parametrize(
    "values", [np.zeros((30, 5), "c16"), np.full((30, 5), "1"), np.zeros((30, 5), "M8[s]")]
)
def test_what_is_no_number_is_refused_as_in_memory(tmp_path, values):
    message = message_of(save(tmp_path / "X.npy", values), np.zeros(30))
    assert message == message_of(values, np.zeros(30))
    assert message.startswith(f"X must hold numbers, found dtype {values.dtype}")
    assert ": convert it" in message


@pytest.mark.parametrize("shape", [(), (30,), (30, 5, 2), (0, 5), (30, 0), (0,)])
def test_a_wrong_shape_is_refused_as_in_memory(tmp_path, shape):
    path = save(tmp_path / "X.npy", np.zeros(shape))
    message = message_of(path, np.zeros(30))
    assert message == message_of(np.zeros(shape), np.zeros(30))
    assert f"found shape {shape}" in message


@pytest.mark.parametrize(
    ("shape", "remedy"),
    [
        ((29,), "pass the values of the same samples."), ((0,), "pass the values of the same"),
        ((), "pass the values"), ((30, 1), "flatten it with ravel()."), ((1, 30), "flatten it"),
    ],
)  # fmt: skip
def test_labels_and_weights_of_another_length_are_refused(tmp_path, shape, remedy):
    path = save(tmp_path / "y.npy", np.zeros(shape))
    for value in (path, np.zeros(shape)):
        for name, arguments in (("y", [value]), ("sample_weight", [np.zeros(30), value])):
            assert message_of(np.zeros(SHAPE), *arguments).startswith(
                f"{name} must have shape (30,), one value for each sample, found shape {shape}: "
                f"{remedy}"
            )
