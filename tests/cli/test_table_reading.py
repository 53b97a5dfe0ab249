"""Tables of the user, in many formats."""

import gzip
import io
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest

from oneneuron.cli import _text_decoding
from oneneuron.cli._table_reading import read_table


def cells(table):
    """Return the cells of each column, by its name."""
    return table.frame.to_dict("list")


# --- How text is written ---


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", " ", "   "])
def test_the_delimiter_is_detected(read, delimiter):
    table = read("a,b,c\n1,x,2.5\n2,y,3.5\n".replace(",", delimiter))
    assert cells(table) == {"a": [1, 2], "b": ["x", "y"], "c": [2.5, 3.5]}


def test_commas_in_texts_and_in_numbers_do_not_pass_for_delimiters(read):
    table = read('a;b\n1,5;"x, y"\n2,25;z, w\n')
    assert cells(table) == {"a": [1.5, 2.25], "b": ["x, y", "z, w"]}


@pytest.mark.parametrize(
    ("option", "delimiter"),
    [("semicolon", ";"), (";", ";"), ("comma", ","), ("tab", "\t"), ("\\t", "\t"), (":", ":")],
)
def test_the_delimiter_may_be_given(read, option, delimiter):
    # Without the option, it would be the bar.
    table = read(f"a{delimiter}b|c|d\n1{delimiter}2|3|4\n", "--delimiter", option)
    assert list(table.frame.columns) == ["a", "b|c|d"]


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("a;b\n0,5;1\n1,25;2\n", [], [0.5, 1.25]),
        ("a;b\n0,5;1\n1,25;2\n", ["--decimal", ","], [0.5, 1.25]),
        ("a;b\n1.234,5;1\n1,25;2\n", [], [1234.5, 1.25]),
        ("a;b\n1.234,5;1\n1,25;2\n", ["--thousands", "."], [1234.5, 1.25]),
        ('a,b\n"1,234.5",1\n2,2\n', [], [1234.5, 2.0]),
        ('a,b\n"1,234,567",1\n"1,234",2\n', [], [1234567, 1234]),
        ("a;b\n1,234;1\n5,678;2\n", ["--thousands", ","], [1234, 5678]),
        ("a;b\n1,234;1\n5,678;2\n", ["--decimal", ","], [1.234, 5.678]),
        ("a,b\n1 234,1\n5 678,2\n", ["--thousands", " "], [1234, 5678]),
        ("a,b\n1'234,1\n5'678,2\n", ["--thousands", "'"], [1234, 5678]),
    ],
)
def test_decimal_commas_and_thousands_separators(read, text, options, expected):
    assert cells(read(text, *options))["a"] == expected


def test_a_number_that_may_be_written_in_two_ways_is_not_guessed(read):
    assert cells(read("a;b\n1,234;1\n5,678;2\n"))["a"] == ["1,234", "5,678"]


@pytest.mark.parametrize(
    ("encoding", "options"),
    [
        ("utf-8", []),
        ("utf-8-sig", []),
        ("cp1252", []),
        ("utf-16", []),
        ("utf-16-le", []),
        ("utf-16-be", []),
        ("utf-32", []),
        ("utf-8-sig", ["--encoding", "utf-8"]),
        ("cp437", ["--encoding", "cp437"]),
    ],
)
def test_encodings(read, encoding, options):
    table = read("größe,b\n1,é\n2,à\n".encode(encoding), *options)
    assert cells(table) == {"größe": [1, 2], "b": ["é", "à"]}


def test_a_character_outside_ascii_may_come_late(read):
    text = "a,b\n" + "1,x\n" * 400_000 + "2,é\n"
    for encoding in ("utf-8", "cp1252"):
        assert read(text.encode(encoding)).frame["b"].iloc[-1] == "é"


def test_a_character_may_lie_across_two_pieces(read, monkeypatch):
    monkeypatch.setattr(_text_decoding, "PIECE", 7)
    assert cells(read("a,b\n1,é\n2,ééé\r\n3,€\r\n")) == {"a": [1, 2, 3], "b": ["é", "ééé", "€"]}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends(read, end, last):
    table = read(f"a,b{end}1,x{end}2,y{end if last else ''}")
    assert cells(table) == {"a": [1, 2], "b": ["x", "y"]}
    assert table.place(1).endswith("d.csv, line 3")


def test_missing_values_have_the_usual_spellings(read):
    spellings = ["", "NA", "N/A", "n/a", "NaN", "?", "-", "null", "NULL", ".", "<NA>", " ", "NA "]
    text = "a,b\n" + "".join(f"{spelling},{spelling}\n" for spelling in spellings) + "1,x\n"
    frame = read(text).frame
    assert frame.isna().sum().to_list() == [len(spellings)] * 2


def test_other_spellings_of_missing_values_may_be_given(read):
    frame = read("a,b\n1,none\n-999,x\n-inf,y\n", "--na", "none", "--na=-999", "--na=-inf").frame
    assert frame.isna().to_numpy().tolist() == [[False, True], [True, False], [True, False]]


def test_text_like_a_number_is_text(read):
    assert cells(read("a,b\n2021_05,1\n2021_06,2\n"))["a"] == ["2021_05", "2021_06"]


def test_columns_may_be_read_as_text(read):
    assert cells(read("a,b\n01,1\n02,2\n", texts={"a", "z"}))["a"] == ["01", "02"]


def test_numbers_and_texts_in_one_column_are_all_text_in_a_large_table(read):
    # pandas reads pieces of about this size, and would find numbers in the first.
    n = 300_000
    table = read("a,b\n" + "01,1\n" * n + "x,1\n")
    assert set(table.frame["a"]) == {"01", "x"}


def test_the_names_of_rows_from_r_are_a_column_without_a_name(read):
    for text in (
        '"a" "b"\n"r1" 1 2\n"r2" 3 4\n',
        "a\tb\nr1\t1\t2\nr2\t3\t4\n",
        '"a","b"\n"r1",1,2\n"r2",3,4\n',
        '"","a","b"\n"r1",1,2\n"r2",3,4\n',
    ):
        table = read(text)
        assert cells(table) == {"column 1": ["r1", "r2"], "a": [1, 3], "b": [2, 4]}
        assert table.unnamed == {"column 1"}


def test_a_made_up_name_is_not_one_of_the_others(read):
    assert list(read("column 1,\n1,2\n3,4\n").frame.columns) == ["column 1", "column 2"]
    assert list(read(",column 1\n1,2\n3,4\n").frame.columns) == ["column 1_", "column 1"]


def test_lines_count_line_breaks_in_quotes_and_empty_lines(read):
    table = read('a,b\n1,"two\nlines"\n\n   \n2,y\n')
    assert table.lines.tolist() == [2, 6]


def test_quotes_inside_of_cells_are_text(read):
    table = read('a,b\n1,5" pipe\n2,"he said ""no"""\n')
    assert cells(table)["b"] == ['5" pipe', 'he said "no"']


# --- Files ---


def test_gzip_and_zip_are_read_whatever_their_name(read):
    assert cells(read(gzip.compress(b"a,b\n1,2\n"))) == {"a": [1], "b": [2]}
    assert cells(read(zipped({"x.csv": "a,b\n1,2\n", "__MACOSX/x.csv": ""}))) == {
        "a": [1],
        "b": [2],
    }


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (zipped({"a.csv": "", "b.csv": ""}), "must contain one file, found 2"),
        (zipped({"[Content_Types].xml": "", "b": ""}), "found an Excel workbook: save it as CSV"),
        (gzip.compress(b"a,b\n1,2\n")[:-9], "found a damaged one"),
        (gzip.compress(b"a,b\n1,2\n")[:-2] + b"xx", "found a damaged one"),
        (zipped({"a.csv": "a,b\n1,2\n"})[:-9], "found a damaged one"),
        (b"PAR1 and no more", "must be a whole Parquet or Feather file"),
        (b"ARROW1 and no more", "must be a whole Parquet or Feather file"),
        (b"a,b\n1,2\n\0,3\n", "line 3, must be text, found a NUL character"),
        (b"a,b\n1,\x81\n", "line 2, must be text in cp1252, found other bytes"),
        ("a,b\n1,é\n".encode() * 300_000 + b"1,\xff\n", "line 600001, must be text in utf-8"),
    ],
    ids=[
        "two_files", "workbook", "cut_gzip", "wrong_gzip", "cut_zip", "parquet", "feather", "nul",
        "cp1252", "utf8",
    ],
)  # fmt: skip
def test_a_file_that_is_not_a_table_is_refused(read, content, message):
    with pytest.raises(ValueError, match=message):
        read(content)


def test_an_encrypted_zip_is_refused(read):
    content = bytearray(zipped({"a.csv": "a,b\n1,2\n"}))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(ValueError, match="must not need a password"):
        read(bytes(content))


def test_standard_input_is_a_table(monkeypatch, table_arguments):
    stream = io.TextIOWrapper(io.BytesIO(b"a,b\n1,x\n"))
    monkeypatch.setattr(sys, "stdin", stream)
    table = read_table("-", table_arguments())
    assert cells(table) == {"a": [1], "b": ["x"]}
    assert table.place(0) == "standard input, line 2"


def test_a_closed_standard_input_is_refused(monkeypatch, table_arguments):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(ValueError, match="standard input is closed: name a file"):
        read_table("-", table_arguments())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_a_pipe_with_a_name_is_a_table(tmp_path, table_arguments):
    import os
    import threading

    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=("a,b\n1,x\n",))
    writer.start()
    table = read_table(str(tmp_path / "pipe"), table_arguments())
    writer.join()
    assert cells(table) == {"a": [1], "b": ["x"]}


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_parquet_and_feather_files(tmp_path, table_arguments, kind):
    frame = pd.DataFrame({"a": [1.0, np.nan], "b": ["x", "y"]})
    path = tmp_path / "table"
    getattr(frame, f"to_{kind}")(path)
    table = read_table(str(path), table_arguments("--na", "y"))
    assert table.frame.isna().to_numpy().tolist() == [[False, False], [True, True]]
    assert table.place(1) == f"{path}, row 2"


def test_an_index_in_a_parquet_file_is_a_column(tmp_path, table_arguments):
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="who"))
    frame.to_parquet(tmp_path / "table")
    table = read_table(str(tmp_path / "table"), table_arguments())
    assert cells(table) == {"who": ["x", "y"], "a": [1, 2]}


def test_a_parquet_file_must_have_rows(tmp_path, table_arguments):
    pd.DataFrame({"a": []}).to_parquet(tmp_path / "table")
    with pytest.raises(ValueError, match="must have rows and columns, found none"):
        read_table(str(tmp_path / "table"), table_arguments())


def test_two_columns_of_a_feather_file_may_not_have_one_name(tmp_path, table_arguments):
    import pyarrow as pa
    from pyarrow import feather

    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"])
    feather.write_feather(table, tmp_path / "table")
    with pytest.raises(ValueError, match=r"found 'a' more than once|non-unique"):
        read_table(str(tmp_path / "table"), table_arguments())


def test_places_stay_when_rows_are_left_out(tmp_path, read, table_arguments):
    kept = np.array([False, True, True])
    assert read("a,b\n1,2\n3,4\n\n5,6\n").rows(kept).place(1).endswith("line 5")
    pd.DataFrame({"a": [1, 2, 3]}).to_parquet(tmp_path / "table")
    assert (
        read_table(str(tmp_path / "table"), table_arguments()).rows(kept).place(1).endswith("row 3")
    )


# --- Faults ---


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "d.csv must start with a header line of column names, found none"),
        ("\n\n", "d.csv must start with a header line of column names, found none"),
        ("a,b\n", "d.csv must have rows below its header line, found none"),
        ("a,b\n1\n", "line 2, must have 2 cells, as many as the header line, found 1 cell"),
        ("a,b\n1,2\n\n1,2,3\n", "line 4, must have 2 cells, .* found 3 cells: correct or drop"),
        ("a,b\n1/1/24,2,3\n1/2/24,4,5\n", "line 2, must have 2 cells, .* found 3 cells"),
        ("a\tb\n1\t2\t\n3\t4\t\n", "line 2, must have 2 cells, .* found 3 cells"),
        ("a,b\n1,2,\n3,4,\n", "line 2, must have 2 cells, .* found 3 cells"),
        ('"a" "b"\n"r" 1 2\n"s" 3 4\n"t" 5\n', "must have 3 cells, as many as the first row"),
        ("a b\n1 2\n  3\n", "line 3, must have 2 cells, .* found 1 cell"),
        ('a,b\n1,"x\n2,y\n', "line 2, must close the quote that column 'b' begins with"),
        ('a,b\n1,2\n"x,1\n"y",2\n', "line 3, must close the quote that column 'a' begins with"),
        ('a,b\n1,"x"y\n', "line 2, must close the quote that column 'b' begins with"),
        ('a b\n1 "x y\n', "line 2, must close the quote that column 'b' begins with"),
        ('a\tb\tc\n1\t\t"x\n', "line 2, must close the quote that column 'c' begins with"),
        ('a,b\n1,2,"x\n', "line 2, must close the quote that cell 3 begins with"),
        ('a,"b\n1,2\n', "line 1, must close the quote that cell 2 begins with"),
        ('"a,b\n1,2\n"x",3\n', "line 1, must close the quote that cell 1 begins with"),
        ('a,b\n1,2\n3,"x\n4,y"\n5\n', "line 5, must have 2 cells"),
        ('a,b\n1,2\n"3,x\n4,y"\n', "line 3, .* found 1 cell up to line 4, where a quote is closed"),
        (
            "a,b,a\n1,2,3\n",
            "line 1, must have different column names, found 'a' in columns 1 and 3",
        ),
    ],
)
def test_a_faulty_table_is_refused_with_the_line(read, text, message):
    with pytest.raises(ValueError, match=message):
        read(text)


def test_an_open_quote_is_found_in_a_large_table(read):
    rows = "1,x\n" * 600_000
    with pytest.raises(ValueError, match="line 2, must close the quote that column 'b' begins"):
        read('a,b\n1,"x\n' + rows)


def test_faulty_rows_may_be_skipped(read):
    skip = []
    table = read('a,b\n1,2\n3\n4,"x\n5,6\n7,8,9\n10,"y\n', skip=skip)
    assert cells(table) == {"a": [1, 5], "b": [2, 6]}
    assert table.lines.tolist() == [2, 5]
    assert [line for line, _ in skip] == [3, 4, 6, 7]
    assert skip[0][1] == "must have 2 cells, as many as the header line, found 1 cell"
    assert skip[1][1].startswith("must close the quote that column 'b' begins with")


@pytest.mark.parametrize("text", ["a,b\n1\n", 'a,b\n1,"2\n'])
def test_if_all_rows_are_skipped_none_is_left(read, text):
    table = read(text, skip=[])
    assert len(table.frame) == len(table.lines) == 0
    assert list(table.frame.columns) == ["a", "b"]


@pytest.mark.parametrize(
    "options", [("--delimiter=;", "--decimal=,", "--thousands=,"), ("--delimiter=,", "--decimal=,")]
)
def test_the_same_character_for_two_purposes_is_refused(read, options):
    with pytest.raises(ValueError, match="must be different characters"):
        read("a,b\n1,2\n", *options)


@pytest.mark.parametrize(
    "options",
    [("--delimiter", "xy"), ("--delimiter", '"'), ("--thousands", "1"), ("--encoding", "utf-9")],
)
def test_an_option_of_reading_says_what_it_must_be(table_arguments, capsys, options):
    with pytest.raises(SystemExit):
        table_arguments(*options)
    assert f"argument {options[0]}: must be " in capsys.readouterr().err


@pytest.mark.parametrize(("missing", "extra"), [("pandas", "table"), ("pyarrow", "table")])
def test_a_missing_library_is_named_with_the_extra(
    tmp_path, monkeypatch, table_arguments, missing, extra
):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "d")
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.setitem(sys.modules, f"{missing}.parquet", None)
    with pytest.raises(ImportError, match=rf"needs {missing}: pip install 'oneneuron\[{extra}\]'"):
        read_table(str(tmp_path / "d"), table_arguments())
