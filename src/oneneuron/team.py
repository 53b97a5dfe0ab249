"""Threads that help for as long as a block of code runs; none is left after it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def helpers(count: int, work: Callable[[int], None], dismiss: Callable[[], None]) -> Iterator[None]:
    """Run ``work(rank)`` on `count` more threads, ranks from 1 on; ``dismiss()`` must end them all.

    There are fewer where the system starts no more.
    """
    if count == 0:
        yield
        return
    from threading import Thread  # on first use: most trainings need none

    threads = [Thread(target=work, args=(rank + 1,), daemon=True) for rank in range(count)]
    try:
        for thread in threads:
            try:
                thread.start()
            except RuntimeError:  # the system's limit of threads
                break
        yield
    finally:
        dismiss()
        for thread in threads:
            if thread.ident is not None:
                thread.join()
