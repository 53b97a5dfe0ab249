"""Numbers, durations and counts as text."""

import pytest

from oneneuron._formatting import counted, duration, rounded, three_digits


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
def test_three_digits_are_shown_or_all_before_the_point(value, text):
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
def test_a_duration_is_in_the_largest_unit_that_leaves_1_or_more(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 samples"), (1, "1 sample"), (2000, "2,000 samples")]
)
def test_a_count_has_its_noun_in_the_singular_or_plural(number, text):
    assert counted(number, "sample") == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.0, 3, "0"),
        (0.0123456, 3, "0.0123"),
        (-1.5, 3, "-1.5"),
        (12.345, 3, "12.3"),
        (999.4, 3, "999"),
        (999.6, 3, "1000"),
        (123456.7, 3, "123457"),
        (1234567.0, 3, "1.23e+06"),
        (12.345, 2, "12"),
        (99.6, 2, "100"),
    ],
)
def test_a_rounded_number_has_its_digits_and_all_before_the_point(value, digits, text):
    assert rounded(value, digits) == text
