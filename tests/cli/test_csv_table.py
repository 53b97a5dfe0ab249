"""CSV files for the command line."""

import pytest

from oneneuron.cli._csv_table import CsvTable


def test_a_byte_order_mark_is_not_part_of_the_first_name(tmp_path):
    (tmp_path / "d.csv").write_text("a,b\n1,2\n", encoding="utf-8-sig")
    assert list(CsvTable.read(tmp_path / "d.csv").columns) == ["a", "b"]


def test_line_numbers_in_messages_count_line_breaks_in_quotes_and_empty_lines(tmp_path):
    (tmp_path / "d.csv").write_text('a,b\n1,"two\nlines"\n\nx,y\n')
    with pytest.raises(ValueError, match=r"d\.csv, line 5, column 'a', .* found 'x'"):
        CsvTable.read(tmp_path / "d.csv").features(["a"])


@pytest.mark.parametrize("content", [b"a,b\n1,\xff\n", b"\xff\xfea\x00"])
def test_an_encoding_other_than_utf_8_is_refused(tmp_path, content):
    (tmp_path / "d.csv").write_bytes(content)
    with pytest.raises(ValueError, match="must be a CSV file in UTF-8"):
        CsvTable.read(tmp_path / "d.csv")
