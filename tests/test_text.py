"""Numbers in words."""

import pytest

from oneneuron._text import counted, duration, three_digits


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.00"),
        (0.25, "0.25"),
        (9.994, "9.99"),
        (9.996, "10.0"),
        (99.94, "99.9"),
        (99.96, "100"),
        (1395.2, "1,395"),
    ],
)
def test_a_number_has_three_digits_or_all_before_its_point(value, text):
    assert three_digits(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1009.0, "1,009 s"),
        (1.0, "1.00 s"),
        (0.9996, "1.00 s"),
        (0.9994, "999 ms"),
        (2.24e-3, "2.24 ms"),
        (9.996e-4, "1.00 ms"),
        (9.994e-4, "999 µs"),
        (4e-8, "0.04 µs"),
    ],
)
def test_a_duration_is_in_the_largest_unit_of_which_it_has_one(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 samples"), (1, "1 sample"), (2000, "2,000 samples")]
)
def test_things_are_counted_in_the_singular_and_the_plural(number, words):
    assert counted(number, "sample") == words
