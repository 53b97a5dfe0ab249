"""Rows of text on their way to pandas: what it reads is what the csv module reads, or an error."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from oneneuron.cli._text_dialect import Dialect
from oneneuron.cli._text_records import _counts
from oneneuron.cli._text_rows import TextRows


def rows_by_csv(text, dialect):
    """Return the rows below the header line, or None if one is faulty."""
    rows = dialect.rows(io.StringIO(text, newline="\n"), strict=True)
    try:
        header, *rows = filter(None, rows)
    except csv.Error:
        return None
    # These are empty lines, or cells with spaces in quotes.
    assume(not any(len(row) == 1 and not row[0].strip() for row in rows))
    return rows if all(len(row) == len(header) for row in rows) else None


def rows_by_pandas(pieces, dialect):
    """Return the rows below the header line as pandas reads them, or None if one is faulty."""
    try:
        frame = pd.read_csv(
            TextRows(iter(pieces), dialect, "d.csv"),
            sep=r"\s+" if dialect.delimiter == " " else dialect.delimiter,
            header=None, names=["a", "b"],
            index_col=False, dtype=str, keep_default_na=False, skipinitialspace=dialect.has_gaps,
            skip_blank_lines=False,
        )  # fmt: skip
    except ValueError:
        return None
    return frame.to_numpy().tolist()


def pieces_of(text, cuts):
    """Return the text in UTF-8, cut at these offsets."""
    text = text.encode()
    ends = sorted({cut for cut in cuts if cut < len(text)})
    return [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]


@given(
    st.text('ab1é" ,;\t\n', max_size=40),
    st.sampled_from([",", ";", "\t"]),
    st.booleans(),
    st.lists(st.integers(1, 50), max_size=4),
)
@example('"x",1\n"y"\n', ",", False, [])
@example('"x,1\n"y",2\n', ",", False, [])
@example('x,5" pipe\ny,6" pipe\n', ",", False, [])
@example('x,"two\nlines"\ny,"""q"""\n', ",", False, [12])
@example('x, "y, z"\n', ",", True, [])
def test_pandas_reads_the_cells_that_the_csv_module_reads(rows, delimiter, has_gaps, cuts):
    dialect = Dialect(delimiter, has_gaps=has_gaps)
    text = f"a{delimiter}b\nc{delimiter}d\n{rows}"
    expected = rows_by_csv(text, dialect)
    found = rows_by_pandas(pieces_of(text, cuts), dialect)
    # A row of numbers of its own width is that of R's names of rows.
    assert found == expected


@given(st.text('ab1é" ,\t\n', max_size=40), st.lists(st.integers(1, 50), max_size=4))
@example(' x  "y z"\t\n', [])
@example('x "y', [])
def test_any_number_of_spaces_separates_the_cells_that_pandas_reads(rows, cuts):
    text = f"a b\nc d\n{rows}"
    expected = rows_by_csv(text, Dialect(" "))
    found = rows_by_pandas(pieces_of(text, cuts), Dialect(" "))
    if expected is None or found is None:
        assert found is expected
    else:
        strip = [[cell.split() for cell in row] for row in expected]
        assert [[cell.split() for cell in row] for row in found] == strip


def test_a_long_quoted_cell_need_not_be_short_of_the_limit_of_the_csv_module():
    text = 'a,b\n"' + "x\n" * 100_000 + '",1\n2,3\n'
    rows = rows_by_pandas(pieces_of(text, range(0, len(text), 5_000)[1:]), Dialect(","))
    assert [len(row[0]) for row in rows] == [200_000, 1]


def test_a_header_line_too_long_for_the_csv_module_is_refused(read):
    with pytest.raises(ValueError, match=r"line 1, must be a header line .* field larger than"):
        read("a," + "b" * 200_000 + "\n1,2\n")


def test_more_than_255_marks_in_a_row_are_counted():
    flags = np.ones(600, bool)
    assert _counts(flags, np.array([0, 300])).tolist() == [300, 300]
