"""Labels as codes: the classes are those of numpy.unique, whatever the labels' dtype."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oneneuron._fit.classes import codes_among, encode

INTEGERS = [np.dtype(kind) for kind in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">i2")]
FLOATS = [np.dtype(kind) for kind in ("f2", "f4", "f8", "g", ">f4")]
NAN = float("nan")


def assert_as_unique(labels):
    distinct, codes = encode(labels, "y")
    expected, expected_codes = np.unique(labels, return_inverse=True)
    assert distinct.dtype == expected.dtype == labels.dtype
    np.testing.assert_array_equal(distinct, expected)
    if labels.dtype.kind == "f":
        np.testing.assert_array_equal(np.signbit(distinct), np.signbit(expected))
    np.testing.assert_array_equal(codes, expected_codes)
    assert codes.dtype == (np.uint8 if len(expected) <= 256 else np.intp)
    assert codes.flags.writeable and not np.shares_memory(codes, labels)


def integers_of(dtype):
    limits = np.iinfo(dtype)
    return st.integers(int(limits.min), int(limits.max))


@settings(deadline=None)
@given(
    data=st.data(), dtype=st.sampled_from(INTEGERS), span=st.sampled_from([1, 9, 255, 256, 2000])
)
def test_integers_in_a_small_range_have_the_classes_of_unique(data, dtype, span):
    lowest = data.draw(integers_of(dtype))
    highest = min(lowest + span, np.iinfo(dtype).max)
    labels = data.draw(st.lists(st.integers(lowest, highest), min_size=1, max_size=40))
    assert_as_unique(np.array(labels, dtype))


@settings(deadline=None)
@given(data=st.data(), dtype=st.sampled_from(INTEGERS))
def test_integers_in_any_range_have_the_classes_of_unique(data, dtype):
    assert_as_unique(np.array(data.draw(st.lists(integers_of(dtype), max_size=40)), dtype))


@settings(deadline=None)
@given(
    labels=st.lists(
        st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0, 254.0, 256.0, 0.5, 1e4, NAN, np.inf, -np.inf]),
        max_size=30,
    ),
    dtype=st.sampled_from(FLOATS),
)
def test_floats_have_the_classes_of_unique(labels, dtype):
    assert_as_unique(np.array(labels, dtype))


@pytest.mark.parametrize("dtype", FLOATS)
def test_whole_floats_keep_the_sign_of_zero(dtype):
    for labels in ([-0.0, 1.0], [-1.0, -0.0], [-1.0, 0.0, 1.0], [-0.0]):
        assert_as_unique(np.array(labels * 3, dtype))


@pytest.mark.parametrize("labels", [[True, False], [False, False], [True, True]])
def test_booleans_have_the_classes_of_unique(labels):
    assert_as_unique(np.array(labels * 3))


@pytest.mark.parametrize("labels", [["no", "yes"], ["b", "a", "ä", "a\0", "a"], ["one"]])
@pytest.mark.parametrize("dtype", [str, object])
def test_strings_have_the_classes_of_unique(labels, dtype):
    assert_as_unique(np.array(labels * 3, dtype))


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["2021", "2020", "2021"], "M8[D]"), np.array([b"b", b"a"]), np.array([2 + 1j, 1j]),
        np.array([3, 1, 3], object), np.array([np.str_("b"), "a"], object), np.array([], int),
    ],
    ids=["dates", "bytes", "complex", "objects", "strings of NumPy", "none"],
)  # fmt: skip
def test_labels_of_other_kinds_have_the_classes_of_unique(labels):
    assert_as_unique(labels)


@pytest.mark.parametrize("num_classes", [256, 257])
@pytest.mark.parametrize("dtype", [int, np.uint16, float, str, object])
def test_257_classes_are_too_many_for_codes_of_one_byte(num_classes, dtype):
    labels = np.arange(num_classes).astype(str if dtype is object else dtype).astype(dtype)
    assert_as_unique(np.append(labels[::-1], labels))


@pytest.mark.parametrize("step", [1, 2, -1, -3])
def test_labels_with_any_strides_have_the_classes_of_unique(step):
    for labels in (np.arange(40) % 7, np.arange(40) % 7 * 100.0, np.arange(40) % 3 == 0):
        assert_as_unique(labels[::step])


def test_booleans_of_other_bytes_have_codes_within_the_classes():
    distinct, codes = encode(np.array([0, 2, 255, 1], np.uint8).view(bool), "y")
    assert (distinct.tolist(), codes.tolist()) == ([False, True], [0, 1, 1, 1])


def test_labels_that_cannot_be_sorted_raise_with_their_name():
    with pytest.raises(TypeError, match=r"^labels must hold labels of one kind, such as numbers"):
        encode(np.array([0, "a"], object), "labels")


@pytest.mark.parametrize("dtype", [int, float, str, object])
def test_codes_among_more_classes_are_the_places_of_the_labels(dtype):
    classes = np.arange(300).astype(str if dtype is object else dtype).astype(dtype)
    classes.sort()
    places = np.arange(0, 300, 7)
    labels, codes = encode(classes[places], "y")
    found = codes_among(classes, labels, codes)
    assert found.tolist() == places.tolist() and found.dtype == np.intp


def test_codes_among_the_same_classes_stay_as_they_are():
    labels, codes = encode(np.array([3, 1, 2, 1]), "y")
    assert codes_among(labels, labels, codes).tolist() == [2, 0, 1, 0]
