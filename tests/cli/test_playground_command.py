"""`oneneuron playground`, without a browser."""

import sys
import webbrowser
from pathlib import Path

import pytest

from oneneuron import cli
from oneneuron.cli import main

PAGE = Path(cli.__file__).with_name("playground.html").read_bytes()


@pytest.fixture
def opened(monkeypatch, tmp_path):
    """The addresses that were to be opened, from a folder of its own on Linux with a display."""
    addresses = []
    monkeypatch.setattr(webbrowser, "open", lambda address: addresses.append(address) or True)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("BROWSER", raising=False)
    monkeypatch.chdir(tmp_path)
    return addresses


def test_the_page_is_written_to_the_current_folder_and_opened(opened, tmp_path, capsys):
    assert main(["playground"]) == 0
    path = tmp_path / "playground.html"
    assert path.read_bytes() == PAGE
    assert opened == [path.as_uri()]
    assert capsys.readouterr().out == (
        f"Saved playground.html.\nIf your browser does not show it, open {path.as_uri()}\n"
    )


def test_output_names_another_file(opened, tmp_path, capsys):
    main(["playground", "--output", "a neuron.html"])
    assert (tmp_path / "a neuron.html").read_bytes() == PAGE
    assert opened[0].endswith("/a%20neuron.html")
    assert capsys.readouterr().out.startswith("Saved a neuron.html.\n")


def test_no_open_only_writes_the_page(opened, tmp_path, capsys):
    assert main(["playground", "--no-open"]) == 0
    assert (tmp_path / "playground.html").exists()
    assert opened == []
    assert capsys.readouterr().out == "Saved playground.html.\n"


def test_without_a_display_nothing_is_opened_but_the_address_is_shown(
    opened, monkeypatch, tmp_path, capsys
):
    monkeypatch.delenv("DISPLAY")
    assert main(["playground"]) == 0
    assert opened == []
    address = (tmp_path / "playground.html").as_uri()
    assert capsys.readouterr().out.splitlines()[1] == f"To play, open {address} in a browser."


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_other_systems_open_the_page_without_the_variables_of_linux(opened, monkeypatch, platform):
    from oneneuron.cli._playground_command import _has_display

    monkeypatch.delenv("DISPLAY")
    monkeypatch.setattr(sys, "platform", platform)
    assert _has_display()


def test_a_browser_that_the_user_has_chosen_is_opened_without_a_display(opened, monkeypatch):
    monkeypatch.delenv("DISPLAY")
    monkeypatch.setenv("BROWSER", "somebrowser")
    main(["playground"])
    assert len(opened) == 1


def test_without_a_browser_the_address_is_shown(opened, monkeypatch, capsys):
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    assert main(["playground"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("To play, open file://")
