"""Text on stdout and stderr, and streams that never fail."""

import io
import os
import sys
from contextlib import suppress

import pytest

from oneneuron.cli._printing import Stream, note, print_data, say, shown, standard_streams


class Terminal(io.StringIO):
    """A terminal, as far as a stream knows."""

    def isatty(self):
        return True


def stream_in(encoding):
    """Return a stream with this encoding, and the bytes that it receives."""
    received = io.BytesIO()
    return io.TextIOWrapper(received, encoding=encoding, newline="\n", write_through=True), received


@pytest.fixture
def broken_pipe():
    """A stream into a pipe whose reader is gone."""
    read, write = os.pipe()
    os.close(read)
    file = open(write, "w", encoding="utf-8")
    yield file
    with suppress(OSError):
        file.close()


# --- Names ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("größe in µm, 大きさ 🍏", "größe in µm, 大きさ 🍏"),
        ("C:\\new 'a' \"b\"", "C:\\new 'a' \"b\""),
        ("\x1b[31mred\x07\x7f\x9b", r"\x1b[31mred\x07\x7f\x9b"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("a\u202eb\u2066c\u200fd\u2028e", r"a\u202eb\u2066c\u200fd\u2028e"),
        ("a\xa0b\ufeff", r"a\xa0b\ufeff"),
        ("\udcff", r"\udcff"),
        ("\U000e0041", r"\U000e0041"),
        ("", ""),
    ],
)
def test_characters_that_are_not_printable_are_shown_as_escapes(text, expected):
    assert shown(text) == expected


def test_each_text_that_is_said_is_one_line(capsys):
    say("a\nb", "", "\x1b[2J")
    assert capsys.readouterr().out == "a\\nb\n\n\\x1b[2J\n"


def test_a_note_is_one_line_on_stderr(capsys):
    note("a\n\x1b[2Jb")
    assert capsys.readouterr() == ("", "a\\n\\x1b[2Jb\n")


@pytest.mark.parametrize("trouble", ["none", "closed", "broken", "ascii"])
def test_a_note_never_raises_an_error_and_never_goes_to_stdout(
    monkeypatch, capsys, broken_pipe, trouble
):
    closed = io.StringIO()
    closed.close()
    ascii_stream, _ = stream_in("ascii")
    streams = {"none": None, "closed": closed, "broken": broken_pipe, "ascii": ascii_stream}
    monkeypatch.setattr(sys, "stderr", streams[trouble])
    note("µ")
    assert capsys.readouterr().out == ""


# --- Data ---

TABLE = "class,P(\x1b[2J)\nä,0.5\n"


def test_data_goes_to_a_file_or_a_pipe_as_it_is(capsys):
    print_data(TABLE)
    assert capsys.readouterr().out == TABLE


def test_data_sends_no_escape_sequences_to_a_terminal(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    print_data(TABLE)
    assert terminal.getvalue() == "class,P(\\x1b[2J)\nä,0.5\n"


def test_data_that_stdout_cannot_represent_is_refused_before_a_line_is_printed(monkeypatch):
    stdout, received = stream_in("cp1252")
    monkeypatch.setattr(sys, "stdout", stdout)
    with pytest.raises(ValueError, match=r"has the encoding cp1252, which lacks 'Ω': use --output"):
        print_data("class\nä\nΩ\n")
    assert received.getvalue() == b""
    print_data("class\nä\n")
    assert received.getvalue() == b"class\n\xe4\n"


def test_data_may_have_no_stdout(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    print_data(TABLE)


# --- Streams ---


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("ascii", b"5 us, \\u03a9\n"),
        ("cp1252", b"5 us, \\u03a9\n"),
        ("utf-8", "5 µs, Ω\n".encode()),
    ],
)
def test_a_character_that_the_encoding_lacks_is_replaced(encoding, expected):
    stream, received = stream_in(encoding)
    Stream(stream).writelines(["5 µs, Ω", "\n"])
    assert received.getvalue() == expected


def test_a_stream_goes_on_after_trouble_and_remembers_it(broken_pipe):
    stream = Stream(broken_pipe)
    print("text", file=stream, flush=True)
    print("more", file=stream, flush=True)
    assert isinstance(stream.trouble, OSError) and stream.reader_is_gone
    broken_pipe.close()  # what was buffered does not fail again


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has this device")
def test_a_full_disk_is_not_a_reader_that_is_gone():
    with open("/dev/full", "w") as file:
        stream = Stream(file)
        print("text", file=stream, flush=True)
        assert "No space left" in str(stream.trouble)
        assert not stream.reader_is_gone


def test_a_closed_stream_is_not_a_reader_that_is_gone():
    file = io.StringIO()
    file.close()
    stream = Stream(file)
    print("text", file=stream)
    assert "closed file" in str(stream.trouble)
    assert not stream.reader_is_gone


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_a_terminal_that_is_gone_is_a_reader_that_is_gone():
    master, slave = os.openpty()
    with open(slave, "w") as file:
        stream = Stream(file)
        os.close(master)
        print("text", file=stream, flush=True)
        assert stream.reader_is_gone


def test_a_stream_has_the_attributes_of_the_one_beneath():
    stream = Stream(Terminal())
    assert stream.isatty() and not stream.closed


def test_the_standard_streams_are_put_back(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    before = sys.stdout, sys.stderr
    with standard_streams() as output:
        assert sys.stdout is output
        print("text")
        print("text", file=sys.stderr)
    assert (sys.stdout, sys.stderr) == before
    assert output.closed


def test_ctrl_c_ends_the_wait_for_a_reader_at_the_end():
    class Waiting(io.StringIO):
        flushes = 0

        def flush(self):
            self.flushes += 1
            raise KeyboardInterrupt

    waiting = Waiting()
    stream = Stream(waiting)
    with pytest.raises(KeyboardInterrupt):
        stream.finish()
    stream.finish()
    assert waiting.flushes == 1
