"""Fixtures for several commands."""

import io
import sys
from argparse import ArgumentParser
from unittest.mock import Mock

import numpy as np
import pytest

from oneneuron.cli import _progress, main
from oneneuron.cli._missing_values import add_missing_option
from oneneuron.cli._table_columns import add_column_options
from oneneuron.cli._table_reading import add_reading_options, read_table


@pytest.fixture
def data(tmp_path):
    """A table of 60 rows: two features of very different scale, of which one tells the classes."""
    rng = np.random.default_rng(0)
    n = 60
    ripe = rng.integers(0, 2, n).astype(bool)
    size = 1000 + 50 * rng.standard_normal(n) + 400 * ripe
    ratio = 1e-3 * rng.standard_normal(n)
    lines = [
        f"{s:.6g},{'yes' if r else 'no'},{q:.6g}" for s, r, q in zip(size, ripe, ratio, strict=True)
    ]
    path = tmp_path / "data.csv"
    path.write_text("size,ripe,ratio\n" + "\n".join(lines) + "\n")
    return path


@pytest.fixture
def model(tmp_path, data, capsys):
    """A model that was trained on `data`."""
    path = tmp_path / "model.json"
    assert main(["fit", str(data), "--target", "ripe", "--output", str(path)]) == 0
    capsys.readouterr()
    return path


@pytest.fixture
def fast_clock(monkeypatch):
    """A clock for the progress bar that moves on by a second whenever it is read; no timer runs."""
    seconds = iter(range(10**6))
    monkeypatch.setattr("tqdm.std.time", lambda: next(seconds))
    monkeypatch.setattr(_progress, "Timer", Mock())


class _FullStream(io.StringIO):
    def __init__(self, word):
        super().__init__()
        self._word = word

    def write(self, text):
        if self._word in text:
            raise OSError("no space left")
        return super().write(text)


@pytest.fixture
def fill_stdout_at(monkeypatch):
    """A function that makes stdout fail from the first text with this word."""
    return lambda word: monkeypatch.setattr(sys, "stdout", _FullStream(word))


@pytest.fixture
def table_arguments():
    """A function that parses the options for tables."""
    parser = ArgumentParser()
    for add in (add_reading_options, add_column_options, add_missing_option):
        add(parser)
    return lambda *options: parser.parse_args(options)


@pytest.fixture
def read(tmp_path, table_arguments):
    """A function that writes a table to d.csv and reads it with options of the command line."""

    def write_and_read(content, *options, **keywords):
        path = tmp_path / "d.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(str(path), table_arguments(*options), **keywords)

    return write_and_read
