"""Files written whole or not at all."""

import errno
import os
import stat
import sys

import pytest

from oneneuron import _atomic_write
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


# --- Mode and owner ---

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes and owners")


@posix_only
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o755])
def test_a_replaced_file_passes_on_its_mode(tmp_path, mode):
    path = tmp_path / "m.json"
    path.touch()
    path.chmod(mode)
    write_whole(path, b"new")
    assert (stat.S_IMODE(path.stat().st_mode), path.read_bytes()) == (mode, b"new")


@posix_only
def test_a_private_file_is_never_open_to_others_while_it_is_replaced(tmp_path, monkeypatch):
    path = tmp_path / "m.json"
    path.touch()
    path.chmod(0o600)
    modes = []
    create = _atomic_write._create

    def create_and_look(*arguments):
        handle = create(*arguments)
        modes.append(stat.S_IMODE(os.fstat(handle).st_mode))
        return handle

    monkeypatch.setattr(_atomic_write, "_create", create_and_look)
    write_whole(path, b"new")
    assert modes == [0o600]


@posix_only
def test_a_link_passes_on_the_mode_of_its_file(tmp_path):
    (tmp_path / "m.json").touch()
    (tmp_path / "m.json").chmod(0o604)
    (tmp_path / "link").symlink_to("m.json")
    write_whole(tmp_path / "link", b"new")
    assert stat.S_IMODE((tmp_path / "m.json").stat().st_mode) == 0o604


@posix_only
@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root may do this")
def test_root_keeps_the_owner_and_the_group(tmp_path):
    path = tmp_path / "m.json"
    path.touch()
    os.chown(path, 1234, 2345)
    path.chmod(0o640)
    write_whole(path, b"new")
    status = path.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 2345, 0o640)


class _Status:
    """The status of a file of somebody else."""

    st_mode, st_uid, st_gid = stat.S_IFREG | 0o664, 1234, 2345


@posix_only
@pytest.mark.parametrize(
    ("may_keep_group", "mode"), [(True, 0o664), (False, 0o644)]
)  # fmt: skip
def test_a_group_that_cannot_be_kept_passes_on_no_rights(
    tmp_path, monkeypatch, may_keep_group, mode
):
    def chown(handle, owner, group):
        if owner != -1 or not may_keep_group:
            raise PermissionError

    monkeypatch.setattr(os, "fchown", chown)
    with (tmp_path / "m.json").open("w") as file:
        _atomic_write._pass_on(_Status, file.fileno())
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == mode


@posix_only
def test_a_file_system_without_modes_loses_nothing(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError

    (tmp_path / "m.json").write_text("old")
    monkeypatch.setattr(os, "fchmod", refuse)
    write_whole(tmp_path / "m.json", b"new")
    assert (tmp_path / "m.json").read_bytes() == b"new"


@posix_only
@pytest.mark.parametrize(("user", "is_refused"), [(0, False), (1, True), (2, False), (3, False)])
def test_a_file_that_only_its_owner_may_replace_is_refused(tmp_path, monkeypatch, user, is_refused):
    class Folder:
        st_mode, st_uid = stat.S_IFDIR | stat.S_ISVTX | 0o777, 2

    class File:
        st_uid = 3

    monkeypatch.setattr(os, "stat", lambda path: File if path == "/tmp/m" else Folder)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert _atomic_write._may_be_replaced("/tmp/m") is not is_refused


@posix_only
def test_the_error_of_such_a_file_says_so(tmp_path, monkeypatch):
    (tmp_path / "m").touch()
    monkeypatch.setattr(_atomic_write, "_may_be_replaced", lambda _: False)
    with pytest.raises(OSError, match="m belongs to somebody else, in a folder where only its"):
        check_writable(tmp_path / "m")


def test_the_error_of_a_full_disk_names_the_file_and_not_the_temporary_one(tmp_path, monkeypatch):
    def fill(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fill)
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_whole(tmp_path / "m.json", b"new")
    assert caught.value.filename == str(tmp_path / "m.json")
    assert caught.value.filename2 is None


def test_a_check_that_is_interrupted_leaves_no_file_behind(tmp_path, monkeypatch):
    def close_and_press_ctrl_c(handle):
        close(handle)
        raise KeyboardInterrupt

    close = os.close
    monkeypatch.setattr(os, "close", close_and_press_ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        check_writable(tmp_path / "m.json")
    assert list(tmp_path.iterdir()) == []
