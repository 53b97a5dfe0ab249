"""Helper threads that run for as long as a block of code, and never outlive it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def helpers(count: int, work: Callable[[int], None], stop: Callable[[], None]) -> Iterator[None]:
    """Run ``work(rank)`` on helper threads while the block runs.

    There are fewer helpers than requested if the system refuses to start more threads.

    Parameters
    ----------
    count : int
        The number of helpers; their ranks are 1 to `count`.
    work : callable
        What a helper runs.
    stop : callable
        ``stop()`` must make all calls of `work` return.
    """
    if count == 0:
        yield
        return
    from threading import Lock, Thread  # on first use, since most training runs need no helper

    over = False
    at_work = [Lock() for _ in range(count)]

    def run(rank: int) -> None:
        with at_work[rank - 1]:
            if not over:
                work(rank)

    threads = [Thread(target=run, args=(rank + 1,), daemon=True) for rank in range(count)]
    started = []
    interrupt = None
    try:
        for thread in threads:
            try:
                thread.start()
            except RuntimeError:  # the system's limit of threads is reached
                break
            started.append(thread)
        yield
    finally:
        over = True
        # Ctrl-C may interrupt the lines below. It may also interrupt start(), and that thread
        # cannot be joined. A thread that does not hold its lock by now will never begin its work.
        waiting = True
        while waiting:
            try:
                stop()
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
