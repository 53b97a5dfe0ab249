"""Missing values in tables: refused, left out or kept; and numbers that may stand for them."""

import numpy as np
import pytest

from oneneuron.cli._missing_values import _numbers_apart, settle_missing
from oneneuron.cli._table_columns import choose_features

INCOMPLETE = "a,b,c,t\n1,x,,p\n2,,,q\n,y,,p\n4,x,,\n5,x,,q\n"


@pytest.fixture
def settle(read, table_arguments):
    """A function that settles the missing values of a table in text."""

    def settled(text, *options):
        arguments = table_arguments(*options)
        table = read(text, *options)
        features, _ = choose_features(table, "t", arguments)
        return settle_missing(table, features, "t", arguments)

    return settled


def test_missing_values_are_refused_with_counts_and_the_options_that_help(settle):
    with pytest.raises(ValueError) as caught:
        settle(INCOMPLETE)
    assert str(caught.value).partition("d.csv ")[2] == (
        "must have no missing values, found 't' 1, 'a' 1, 'b' 1 of 5 rows: --missing drop leaves "
        "out 3 rows, --missing mean fills features in, and --drop leaves out a column."
    )


def test_rows_with_missing_values_are_left_out(settle):
    table, notes = settle(INCOMPLETE, "--missing", "drop")
    assert table.lines.tolist() == [2, 6]
    assert table.frame["a"].tolist() == [1, 5]
    assert notes == ["left out 3 of 5 rows with missing values"]


def test_missing_features_stay_to_be_filled_but_not_rows_without_a_label(settle):
    table, notes = settle(INCOMPLETE, "--missing", "mean")
    assert table.lines.tolist() == [2, 3, 4, 6]
    assert notes == ["left out 1 of 5 rows with no label in 't'"]


@pytest.mark.parametrize("how", ["refuse", "drop", "mean"])
def test_a_complete_table_stays_as_it_is(settle, how):
    table, notes = settle("a,b,t\n1,x,p\n2,y,q\n", "--missing", how)
    assert len(table.frame) == 2 and notes == []


@pytest.mark.parametrize("how", ["refuse", "drop", "mean"])
def test_missing_values_in_columns_that_are_left_out_do_not_matter(settle, how):
    table, notes = settle("a,b,t\n1,,p\n2,3,q\n", "--missing", how, "--drop", "b")
    assert len(table.frame) == 2 and notes == []


def test_rows_without_any_cell_are_left_out(settle):
    table, notes = settle("a,b,t\n1,x,p\n,,\n2,y,q\n,,\n")
    assert table.lines.tolist() == [2, 4]
    assert notes == ["left out 2 empty rows"]


def test_at_most_a_dozen_columns_are_counted(settle):
    names = [f"f{i}" for i in range(20)]
    text = ",".join([*names, "t"]) + "\n" + "1," * 20 + "p\n" + "," * 20 + "q\n"
    with pytest.raises(ValueError, match=r"'f11' 1 and 8 other columns of 2 rows: --missing drop"):
        settle(text)


def test_a_table_without_a_complete_row_is_refused_with_the_emptiest_column(settle):
    with pytest.raises(ValueError, match=r"must have a row without .* 'b' 2, .* as --drop 'b'"):
        settle("a,b,t\n,x,p\n2,,q\n3,,\n", "--missing", "drop")


# --- Numbers that stand for missing values ---


@pytest.mark.parametrize("number", ["-999", "9999", "-1", "1e+09", "-1e+308"])
def test_a_number_far_from_all_others_that_occurs_often_is_mentioned(settle, number):
    rows = "".join(
        f"{number if i % 7 == 0 else i / 100},{i % 5},{'pq'[i % 2]}\n" for i in range(60)
    )
    _, notes = settle("x,y,t\n" + rows)
    assert notes == [
        f"{number} is far from all other numbers in 'x': if it means that a value is missing, add "
        f"--na={number}"
    ]
    _, notes = settle("x,y,t\n" + rows, f"--na={number}", "--missing", "drop")
    assert notes == ["left out 9 of 60 rows with missing values"]


@pytest.mark.parametrize(
    "values",
    [
        [-999, -999, *range(40)],  # not often
        [0] * 20 + [1] * 20,
        [0, 1, 9] * 10,  # too few others to be far from
        [5] * 30,
        [0] * 20 + list(range(10, 30)),  # not far
    ],
)
def test_a_number_that_may_be_one_of_the_others_is_not_mentioned(settle, values):
    rows = "".join(f"{value},{'pq'[i % 2]}\n" for i, value in enumerate(values))
    assert settle("x,t\n" + rows)[1] == []


def test_a_column_without_any_number_has_none_that_is_apart():
    assert _numbers_apart(np.full(9, np.nan)) == []
