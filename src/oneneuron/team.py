"""Threads that help for as long as a block of code runs; none is left after it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def helpers(count: int, work: Callable[[int], None], dismiss: Callable[[], None]) -> Iterator[None]:
    """Run ``work(rank)`` on `count` more threads, ranks from 1 on; ``dismiss()`` must end them all.

    There are fewer where the system starts no more.
    """
    if count == 0:
        yield
        return
    from threading import Lock, Thread  # on first use: most trainings need none

    over = False
    at_work = [Lock() for _ in range(count)]

    def help_on(rank: int) -> None:
        with at_work[rank - 1]:
            if not over:
                work(rank)

    threads = [Thread(target=help_on, args=(rank + 1,), daemon=True) for rank in range(count)]
    started = []
    interrupt = None
    try:
        for thread in threads:
            try:
                thread.start()
            except RuntimeError:  # the system's limit of threads
                break
            started.append(thread)
        yield
    finally:
        over = True
        # Ctrl-C may break into start(), and then that thread can't be joined, or into what follows.
        # Whoever is not at work by now will never be.
        waiting = True
        while waiting:
            try:
                dismiss()
                for lock in at_work:
                    with lock:
                        pass
                waiting = False
            except KeyboardInterrupt as error:
                interrupt = error
        for thread in started:
            thread.join()
        if interrupt is not None:
            raise interrupt
