"""The columns of a table: their cells, and which of them become features."""

import datetime

import numpy as np
import pandas as pd
import pytest

from oneneuron.cli._table_columns import Feature, choose_features, labels, numbers, texts
from oneneuron.cli._table_reading import Table


def table_of(**columns):
    return Table("d.parquet", pd.DataFrame(columns), None)


def with_target(column, *, name="x", n=30):
    """Return a table in text with a column, and with a feature and a target in no order."""
    rows = (f"{cell},{i * 7 % 5},{'ab'[i % 2]}\n" for i, cell in zip(range(n), column, strict=True))
    return f"{name},other,t\n" + "".join(rows)


# --- Cells ---


def test_numbers_and_their_texts(read):
    table = read("a,b\n1,x\n,y\n2.5,z\n1e20,\n")
    np.testing.assert_array_equal(numbers(table, "a"), [1, np.nan, 2.5, 1e20])
    assert texts(table, "a").tolist() == ["1", None, "2.5", "1e+20"]
    assert texts(table, "b").tolist() == ["x", "y", "z", None]


def test_a_number_has_the_same_text_in_a_column_of_any_type():
    for column in ([1, 2], [1.0, 2.0], ["1", "2"], [1, "2 "], pd.array([1, 2], "Int64")):
        assert texts(table_of(a=column), "a").tolist() == ["1", "2"]
    assert texts(table_of(a=pd.Categorical([1.0, None])), "a").tolist() == ["1", None]


@pytest.mark.parametrize("column", [[True, False], ["TRUE", "false"], [True, "False"]])
def test_truth_values_have_one_spelling(column):
    assert texts(table_of(a=column), "a").tolist() == ["True", "False"]


def test_texts_that_differ_by_spaces_are_one():
    assert texts(table_of(a=["x", " x", None, "y "]), "a").tolist() == ["x", "x", None, "y"]


def test_missing_cells_of_all_types():
    for column in ([1, None], ["x", None], [True, None], pd.array([1, None], "Int64")):
        assert texts(table_of(a=column), "a")[1] is None
    assert np.isnan(numbers(table_of(a=pd.array([1, None], "Int64")), "a")[1])
    assert np.isnan(numbers(table_of(a=["1", None]), "a")[1])


def test_numbers_are_read_from_texts_as_from_the_file(read):
    table = read('a;b\n1.000,5;1\n2,5;2\n"";3\n', texts={"a"})
    np.testing.assert_array_equal(numbers(table, "a"), [1000.5, 2.5, np.nan])


@pytest.mark.parametrize("cell", ["two", "2021_05", "inf", "1e999", "0x10", "1 2", "True"])
def test_a_cell_that_is_no_finite_number_is_refused_with_its_place(read, cell):
    table = read(f"a,b\n1,1\n{cell},1\n")
    with pytest.raises(ValueError, match=r"d\.csv, line 3, column 'a', must hold a finite number"):
        numbers(table, "a")


def test_cells_that_are_no_numbers_may_be_skipped(read):
    skip = []
    values = numbers(read("a,b\n1,1\ntwo,1\n3,1\n"), "a", skip=skip)
    np.testing.assert_array_equal(values, [1, np.nan, 3])
    assert skip == [(1, "column 'a', must hold a finite number, found 'two'")]
    values = numbers(read("a,b\n1,1\ninf,1\n3,1\n"), "a", skip=skip)
    np.testing.assert_array_equal(values, [1, np.nan, 3])
    assert skip[1:] == [(1, "column 'a', must hold a finite number, found 'inf'")]


def test_dates_are_days_since_1970(read):
    days = [1.0, 20089.25]
    moments = pd.to_datetime(["1970-01-02 00:00", "2025-01-01 06:00"])
    assert numbers(table_of(a=moments), "a").tolist() == days
    assert numbers(table_of(a=moments.tz_localize("UTC")), "a").tolist() == days
    assert numbers(read("a,b\n1970-01-02,1\n2025-01-01 06:00,1\n"), "a").tolist() == days
    assert numbers(table_of(a=[datetime.date(1970, 1, 2)]), "a").tolist() == [1.0]
    assert np.isnan(numbers(read("a,b\n1970-01-02,1\n,1\n"), "a")[1])


def test_nested_values_are_refused():
    with pytest.raises(ValueError, match="found lists or other nested values: leave it out"):
        texts(table_of(a=[[1], [2]]), "a")


# --- Features ---


def chosen(table, arguments):
    features, notes = choose_features(table, "t", arguments)
    return {feature.name: feature.categories for feature in features}, " | ".join(notes)


def test_numbers_texts_and_truth_values_are_features(read, table_arguments):
    table = read("a,b,c,t\n1,x,TRUE,p\n2,y,FALSE,q\n3,x,TRUE,p\n")
    features, notes = choose_features(table, "t", table_arguments())
    assert features == [Feature("a"), Feature("b", ("x", "y")), Feature("c", ("False", "True"))]
    assert notes == []


@pytest.mark.parametrize("name", ["", "index", "Unnamed: 0", "rownames", "row_id", "level_0"])
@pytest.mark.parametrize("rows", [range(1, 31), range(30), range(30, 0, -1), range(2, 92, 3)])
def test_a_column_that_only_counts_rows_is_left_out(read, table_arguments, name, rows):
    table = read(with_target(rows, name=name))
    features, note = chosen(table, table_arguments())
    name = name or "column 1"
    assert list(features) == ["other"]
    assert note == f"left out '{name}' (counts the rows): --keep '{name}' uses it"
    assert list(chosen(table, table_arguments("--keep", name))[0]) == [name, "other"]


def test_a_column_without_a_name_that_does_not_count_rows_is_a_feature(read, table_arguments):
    table = read(with_target([i % 7 for i in range(30)], name=""))
    assert chosen(table, table_arguments()) == ({"column 1": None, "other": None}, "")


@pytest.mark.parametrize(
    "name", ["id", "ID", "PassengerId", "patient_id", "Case No", "order.number"]
)
def test_numbers_that_tell_the_rows_apart_are_left_out(read, table_arguments, name):
    table = read(with_target([i**2 + 1000 for i in range(30)], name=name))
    features, note = chosen(table, table_arguments())
    assert list(features) == ["other"]
    assert note == f"left out '{name}' (a different number in every row): --keep '{name}' uses it"


@pytest.mark.parametrize("name", ["x", "paid", "width", "grid", "cancer_no"])
def test_numbers_that_happen_to_differ_are_a_feature(read, table_arguments, name):
    values = [1.5 * i**2 for i in range(30)] if name == "x" else [i**2 for i in range(30)]
    assert chosen(read(with_target(values, name=name)), table_arguments())[0][name] is None


def test_texts_that_tell_the_rows_apart_are_left_out(read, table_arguments):
    table = read(with_target([f"P{i}" for i in range(30)]))
    assert chosen(table, table_arguments()) == (
        {"other": None},
        "left out 'x' (a different text in every row): --keep 'x' uses it",
    )
    features, note = chosen(table, table_arguments("--keep", "x"))
    assert len(features["x"]) == 30 and note == ""
    assert "x" in chosen(table, table_arguments("--features", "x"))[0]


def test_texts_of_which_few_occur_twice_are_left_out(read, table_arguments):
    table = read(with_target([f"P{i // 2 if i < 6 else i}" for i in range(30)]))
    assert "left out 'x' (27 different texts)" in chosen(table, table_arguments())[1]


def test_more_than_a_thousand_texts_are_left_out(read, table_arguments):
    table = read(with_target([f"P{i % 1200}" for i in range(3000)], n=3000))
    assert "left out 'x' (1,200 different texts)" in chosen(table, table_arguments())[1]


def test_texts_of_numbers_are_numbers_unless_they_are_called_categories(table_arguments):
    labels_of_rows, cells = ["p", "q"] * 10, ["1", "2.5", "3", "4"] * 5
    table = table_of(x=cells, y=pd.Categorical(cells), t=labels_of_rows)
    features, notes = choose_features(table, "t", table_arguments())
    assert features == [Feature("x"), Feature("y", ("1", "2.5", "3", "4"))]
    assert notes == []


def test_a_column_of_objects_without_values_is_left_out(table_arguments):
    table = table_of(x=[None] * 4, y=[1, 2, 2, 1], t=["p", "q"] * 2)
    features, notes = choose_features(table, "t", table_arguments())
    assert features == [Feature("y")]
    assert notes == ["left out 'x' (no values)"]


@pytest.mark.parametrize(("cells", "is_feature"), [([1, 2, 3, 4], False), ([2, 1, 4, 3], True)])
def test_a_column_x_is_left_out_only_if_it_counts_the_rows(table_arguments, cells, is_feature):
    table = table_of(X=cells, y=[1, 2, 2, 1], t=["p", "q", "q", "p"])
    features, _ = choose_features(table, "t", table_arguments())
    assert (Feature("X") in features) == is_feature


@pytest.mark.parametrize(
    "cell",
    [
        "2024-01-{:02}", "2024-01-{:02} 10:00:00", "2024-01-{:02}T10:00Z", "2024/1/{}", "{}.1.2024",
        "{}/1/24", "{}-Jan-2024", "\"January {}, 2024\"", "10:{:02}", "10:00:{:02} pm",
    ],
)  # fmt: skip
def test_dates_are_left_out_or_kept(read, table_arguments, cell):
    table = read(with_target([cell.format(i % 9 + 1) for i in range(30)]))
    features, note = chosen(table, table_arguments())
    assert (list(features), note) == (["other"], "left out 'x' (dates): --keep 'x' uses it")


def test_a_kept_date_is_a_number_if_there_is_one_way_to_read_it(read, table_arguments):
    table = read("x,y,t\n2024-01-02,1/2/2024,a\n2024-01-03,2/1/2024,b\n")
    features, _ = chosen(table, table_arguments("--keep", "x", "y"))
    assert features == {"x": None, "y": ("1/2/2024", "2/1/2024")}
    moments = table_of(x=pd.to_datetime(["2024-01-02", "2024-01-03"]), t=["a", "b"])
    assert chosen(moments, table_arguments("--keep", "x"))[0] == {"x": None}


def test_a_column_without_values_is_left_out(read, table_arguments):
    table = read("x,other,,t\n1,,,a\n2,,,b\n")
    assert chosen(table, table_arguments()) == (
        {"x": None},
        "left out 'other', 'column 3' (no values)",
    )


def test_one_note_names_all_columns_that_are_left_out(read, table_arguments):
    table = read("id,born,died,x,t\n1,2000-01-01,2001-01-01,1,a\n2,2000-01-02,2001-01-02,2,b\n")
    assert chosen(table, table_arguments())[1] == (
        "left out 'id' (a different number in every row); 'born', 'died' (dates): "
        "--keep 'id' uses it"
    )


def test_options_choose_features_by_name(read, table_arguments):
    table = read("a,b,c,t\n1,2,3,p\n2,3,3,q\n")
    assert list(chosen(table, table_arguments("--drop", "a", "--drop", "c"))[0]) == ["b"]
    assert list(chosen(table, table_arguments("--features", "c", "b"))[0]) == ["c", "b"]
    assert list(chosen(table, table_arguments("--features", "c", "b", "--drop", "b"))[0]) == ["c"]


@pytest.mark.parametrize("option", ["--drop", "--features", "--keep"])
def test_a_misspelt_name_is_answered_with_similar_ones(read, table_arguments, option):
    table = read("size,seize,other,t\n1,2,3,p\n2,3,3,q\n")
    with pytest.raises(
        ValueError, match=rf"{option} must name .* did you mean 'size' or 'seize'\?"
    ):
        chosen(table, table_arguments(option, "Size "))


def test_a_name_like_no_other_is_answered_with_at_most_a_dozen(read, table_arguments):
    names = [f"f{i}" for i in range(20)]
    table = read(",".join([*names, "t"]) + "\n" + "1," * 20 + "p\n")
    with pytest.raises(ValueError, match=r"choose one of 'f0', .*'f11' and 9 others\.$"):
        chosen(table, table_arguments("--drop", "zzz"))
    with pytest.raises(ValueError, match="--target must name a column of"):
        choose_features(table, "zzz", table_arguments())


def test_the_target_is_no_feature(read, table_arguments):
    with pytest.raises(ValueError, match="--features must not name the target 't'"):
        chosen(read("a,t\n1,p\n2,q\n"), table_arguments("--features", "t"))


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("t\np\nq\n", [], "must have a feature besides the target 't', found none: choose"),
        ("a,t\n1,p\n2,q\n", ["--drop", "a"], "must have a feature besides the target 't'"),
        ("index,t\n1,p\n2,q\n", [], r"found none \(left out 'index' \(counts the rows\): --keep"),
    ],
)
def test_a_table_without_features_is_refused(read, table_arguments, text, options, message):
    with pytest.raises(ValueError, match=message):
        chosen(read(text), table_arguments(*options))


def test_a_stray_text_among_numbers_is_refused_with_its_place(read, table_arguments):
    table = read(with_target([*range(15), "unknown", *range(14)]))
    with pytest.raises(
        ValueError,
        match=r"d\.csv, line 17, column 'x', must hold a number, found 'unknown': .*--na",
    ):
        chosen(table, table_arguments())
    assert list(chosen(table, table_arguments("--drop", "x"))[0]) == ["other"]


def test_numbers_with_commas_that_may_be_read_in_two_ways_are_refused(read, table_arguments):
    table = read(
        with_target([f"{i}#234" for i in range(1, 31)]).replace(",", ";").replace("#", ",")
    )
    with pytest.raises(ValueError, match=r"found '1,234': say how numbers .* --decimal or --thous"):
        chosen(table, table_arguments())


@pytest.mark.parametrize("cell", ["{} %", "${}", "€ {}.5", "-{}$"])
def test_numbers_with_signs_are_refused(read, table_arguments, cell):
    table = read(with_target([cell.format(i + 10) for i in range(30)]))
    with pytest.raises(ValueError, match=r"must hold a number, found '.*': write it without signs"):
        chosen(table, table_arguments())


def test_a_few_numbers_and_texts_are_categories(read, table_arguments):
    table = read(with_target([i % 3 for i in range(29)] + ["3+"]))
    assert chosen(table, table_arguments())[0]["x"] == ("0", "1", "2", "3+")


def test_codes_of_which_few_are_numbers_are_categories(read, table_arguments):
    table = read(with_target([f"V{i % 14}" if i % 3 else i % 4 for i in range(60)], n=60))
    assert len(chosen(table, table_arguments())[0]["x"]) > 12


def test_a_column_that_follows_the_order_of_a_sorted_table_gets_a_warning(read, table_arguments):
    rows = "".join(f"{i * i},{i * 7 % 5},{'ab'[i > 14]}\n" for i in range(30))
    _, note = chosen(read("time,x,t\n" + rows), table_arguments())
    assert note == (
        "the table is sorted by 't', and so 'time', which only rises or falls from row to row, may "
        "predict it: --drop 'time' leaves it out"
    )


def test_an_ordered_column_in_a_table_that_is_not_sorted_gets_no_warning(read, table_arguments):
    assert chosen(read(with_target([i**2 for i in range(30)])), table_arguments())[1] == ""


def test_a_copy_of_the_labels_is_no_order(read, table_arguments):
    rows = "".join(f"{int(i > 14)},{'ab'[i > 14]}\n" for i in range(30))
    assert chosen(read("x,t\n" + rows), table_arguments())[1] == ""


# --- Labels ---


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (["y", "x", "y"], ["x", "y"]),
        (["10", "9", "2.5"], ["2.5", "9", "10"]),
        (["TRUE", "FALSE", "TRUE"], ["False", "True"]),
        (["1", "2", ""], ["1", "2"]),
    ],
)
def test_classes_are_in_order(read, column, expected):
    found, classes = labels(read("a,t\n" + "".join(f"1,{cell}\n" for cell in column)), "t")
    assert classes == expected
    assert [label is None for label in found] == [cell == "" for cell in column]
    assert {*found} - {None} == {*expected}


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (["x", "x"], "column 't', must have two classes or more, found 'x': choose another"),
        (["", ""], "column 't', must have two classes or more, found 'no label'"),
        ([i + 0.5 for i in range(21)], "at most 20, found 21 different numbers"),
        (range(101), "at most 100, found 101 different numbers: choose another --target"),
        ([f"x{i}" for i in range(101)], "at most 100, found 101 different texts"),
    ],
)
def test_a_target_without_classes_is_refused(read, column, message):
    with pytest.raises(ValueError, match=message):
        labels(read("a,t\n" + "".join(f"1,{cell}\n" for cell in column)), "t")


def test_a_misspelt_target_is_answered_with_similar_names(read):
    with pytest.raises(
        ValueError, match=r"--target must name .* found 'Spezies': did you mean 'species'"
    ):
        labels(read("a,species\n1,x\n2,y\n"), "Spezies")
