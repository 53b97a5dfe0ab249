"""Files written whole or not at all."""

from __future__ import annotations

import os
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
    for other in others:
        if _are_the_same(path, other):
            raise ValueError(
                f"{option} must not be {other}, which is read or written too: name another file."
            )
    name = _temporary_beside(path)
    try:
        os.close(_create(name))
    except OSError as error:
        raise OSError(
            f"{path} cannot be written ({error.strerror}): name a file in an existing folder where "
            f"you may write."
        ) from error
    os.unlink(name)


def _are_the_same(path: str, other: str) -> bool:
    """Return whether two paths lead to the same file, which need not exist yet."""
    if os.path.exists(path) and os.path.exists(other):
        return os.path.samefile(path, other)
    return os.path.realpath(path) == os.path.realpath(other)


def write_whole(path: str, *parts: bytes | memoryview) -> None:
    """Write bytes to a file, whole or not at all.

    They are written to a temporary file in the same folder, which is then renamed.

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
    name = _temporary_beside(path)
    try:
        with os.fdopen(_create(name), "wb") as file:
            file.writelines(parts)
            file.flush()
            # Otherwise a power cut could leave a file that has its name, but not its content.
            os.fsync(file.fileno())
        os.replace(name, os.path.realpath(path))
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _temporary_beside(path: str) -> str:
    """Return the name of a new file in the folder of `path`, following links."""
    return os.path.join(os.path.dirname(os.path.realpath(path)), f".{token_hex(8)}.tmp")


def _create(name: str) -> int:
    """Return an open handle of a new file.

    mkstemp would make a file that only its owner may read. This one has the usual permissions.
    Giving those to mkstemp's file would need the umask, which can only be read by setting it for
    all threads.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.open(name, flags, 0o666)
