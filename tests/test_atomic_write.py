"""Files written whole or not at all."""

import os

import pytest

from oneneuron._atomic_write import check_writable, write_whole


def test_the_umask_of_the_process_is_not_touched(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "umask", lambda _: pytest.fail("it belongs to all threads"))
    write_whole(tmp_path / "m.json", b"new")


def test_a_written_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "other").touch()
    write_whole(tmp_path / "m.json", b"new")
    assert (tmp_path / "m.json").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_failed_write_leaves_only_the_old_file(tmp_path, monkeypatch):
    (tmp_path / "m.json").write_text("old")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        write_whole(tmp_path / "m.json", b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["m.json"]
    assert (tmp_path / "m.json").read_text() == "old"


def test_parts_are_written_one_after_the_other(tmp_path):
    write_whole(tmp_path / "m", b"head", memoryview(b"tail"))
    assert (tmp_path / "m").read_bytes() == b"headtail"


def test_an_interrupted_write_leaves_only_the_old_file(tmp_path, monkeypatch):
    write_whole(tmp_path / "m", b"old")

    def press_ctrl_c(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", press_ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "m", b"new")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("m", b"old")]


def test_an_interruption_after_the_renaming_hides_nothing(tmp_path, monkeypatch):
    def replace_and_press_ctrl_c(*names):
        replace(*names)
        raise KeyboardInterrupt

    replace = os.replace
    monkeypatch.setattr(os, "replace", replace_and_press_ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "m", b"new")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("m", b"new")]


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(OSError, match=r"m cannot be written \(.*\): name a file in an existing"):
        check_writable(tmp_path / "none" / "m")


def test_a_link_is_followed_and_stays_a_link(tmp_path):
    (tmp_path / "link.json").symlink_to(tmp_path / "m.json")
    write_whole(tmp_path / "link.json", b"new")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "m.json").read_bytes() == b"new"


def test_a_device_is_refused():
    with pytest.raises(OSError, match="a folder or a device"):
        check_writable(os.devnull)


def test_a_read_only_file_is_refused(tmp_path, monkeypatch):
    (tmp_path / "m.json").write_text("old")
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with pytest.raises(OSError, match=r"m\.json is read-only: name another file"):
        check_writable(tmp_path / "m.json")


def test_a_file_that_another_option_uses_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"^--json must not be .*c\.png, which is read or written"):
        check_writable(tmp_path / "c.png", "--json", [tmp_path / "." / "c.png"])


def test_a_link_to_a_file_that_another_option_uses_is_refused(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "c.png")
    with pytest.raises(ValueError, match="must not be"):
        check_writable(tmp_path / "link", "--json", [tmp_path / "c.png"])
