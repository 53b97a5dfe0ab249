"""Control over the threads of the BLAS library that NumPy and SciPy use."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from threadpoolctl import OpenBLASController, get_cached_controller

_lock = Lock()
_holders: set[object] = set()
_limit: Any = None

if hasattr(os, "register_at_fork"):  # else a child could inherit a lock that nobody releases
    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
    )


@contextmanager
def one_thread() -> Iterator[None]:
    """Give BLAS one thread, in the whole process, until the last such block ends.

    With several threads, BLAS sums in an order that depends on their number. The threads also wait
    for each other in a busy loop. When other work competes for the cores, even the product of two
    small matrices then takes milliseconds.
    """
    holder = object()
    try:
        _enter(holder)
        yield
    finally:
        _leave(holder)


def _enter(holder: object) -> None:
    global _limit
    with _lock:
        _holders.add(holder)
        if _limit is None:
            _limit = get_cached_controller().limit(limits=1, user_api="blas")
            # Otherwise only the thread that set the limit could lift it, but it may leave first.
            OpenBLASController.clear_controlling_thread()


def _leave(holder: object) -> None:
    global _limit
    with _lock:
        _holders.discard(holder)  # absent if Ctrl-C came before it was added
        if _limit is not None and not _holders:
            _limit.restore_original_limits()
            _limit = None
            OpenBLASController.clear_controlling_thread()
