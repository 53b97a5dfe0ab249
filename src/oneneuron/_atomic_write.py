"""Files written whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable
from contextlib import suppress
from secrets import token_hex


def check_writable(path: str, option: str = "--output", others: Iterable[str] = ()) -> None:
    """Raise an error if a file cannot be written, before any work is done.

    Parameters
    ----------
    path : str
        The file to write. It is not created or changed.
    option : str, default "--output"
        The name of the option that gave `path`, for the message.
    others : iterable of str
        Other files that are read or written. `path` must not be one of them.

    Raises
    ------
    ValueError
        If `path` is one of the others.
    OSError
        If `path` is a folder, a device or read-only, or if no file can be made in its folder.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise OSError(f"{path} is a folder or a device: name a file to write to.")
    # The file is replaced by renaming another, which would succeed even if the file is read-only.
    if os.path.exists(path) and not os.access(path, os.W_OK):
        raise OSError(f"{path} is read-only: name another file.")
    if os.path.exists(path) and not _may_be_replaced(os.path.realpath(path)):
        raise OSError(
            f"{path} belongs to somebody else, in a folder where only its owner may replace it: "
            f"name another file."
        )
    for other in others:
        if _are_the_same(path, other):
            raise ValueError(
                f"{option} must not be {other}, which is read or written too: name another file."
            )
    name = _temporary_beside(path)
    try:
        handle = _create(name)
    except OSError as error:
        raise OSError(
            f"{path} cannot be written ({error.strerror}): name a file in an existing folder where "
            f"you may write."
        ) from error
    try:
        os.close(handle)
    finally:
        os.unlink(name)


def _may_be_replaced(path: str) -> bool:
    """Return whether a file can be replaced, which folders such as /tmp leave to its owner."""
    folder = os.stat(os.path.dirname(path))
    if sys.platform == "win32" or not folder.st_mode & stat.S_ISVTX:
        return True
    return os.geteuid() in (0, folder.st_uid, os.stat(path).st_uid)


def _are_the_same(path: str, other: str) -> bool:
    """Return whether two paths lead to the same file, which need not exist yet."""
    if os.path.exists(path) and os.path.exists(other):
        return os.path.samefile(path, other)
    return os.path.realpath(path) == os.path.realpath(other)


def write_whole(path: str, *parts: bytes | memoryview) -> None:
    """Write bytes to a file, whole or not at all.

    They are written to a temporary file in the same folder, which is then renamed. A file that it
    replaces passes on its mode, and its owner and group as far as the system permits.

    Parameters
    ----------
    path : str
    *parts : bytes or memoryview
        The content, in several parts if it is too large to be copied.

    Raises
    ------
    OSError
        If the file cannot be written. An existing file then stays unchanged.
    """
    target = os.path.realpath(path)
    old = os.stat(target) if os.path.exists(target) else None
    name = _temporary_beside(path)
    try:
        # The old file may be private, and then nobody else may open the new one.
        with os.fdopen(_create(name, 0o666 if old is None else 0o600), "wb") as file:
            file.writelines(parts)
            file.flush()
            if old is not None and sys.platform != "win32":
                _pass_on(old, file.fileno())
            # Otherwise a power cut could leave a file that has its name, but not its content.
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException as error:
        with suppress(FileNotFoundError):
            os.unlink(name)
        if isinstance(error, OSError) and error.strerror:
            error.filename, error.filename2 = os.fspath(path), None  # not the temporary name
        raise


def _temporary_beside(path: str) -> str:
    """Return the name of a new file in the folder of `path`, following links."""
    return os.path.join(os.path.dirname(os.path.realpath(path)), f".{token_hex(8)}.tmp")


def _create(name: str, mode: int = 0o666) -> int:
    """Return an open handle of a new file, with the permissions that the umask leaves of a mode.

    mkstemp would make a file that only its owner may read. Giving that the usual permissions would
    need the umask, which can only be read by setting it for all threads.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.open(name, flags, mode)


def _pass_on(old: os.stat_result, handle: int) -> None:
    """Give a file the mode of another, and its owner and group as far as the system permits."""
    mode = stat.S_IMODE(old.st_mode) & 0o777
    new = os.fstat(handle)
    if old.st_gid != new.st_gid:
        try:
            os.fchown(handle, -1, old.st_gid)
        except OSError:
            # The rights of the old group are not for another one, except for those that all have.
            mode = mode & 0o707 | (mode & 0o007) << 3
    if old.st_uid != new.st_uid:
        with suppress(OSError):
            os.fchown(handle, old.st_uid, -1)
    with suppress(OSError):  # a file system without modes
        os.fchmod(handle, mode)
