"""Runs one function on several threads at once; none is left when it returns."""

import os
import threading


def cores():
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run(function, num_threads, dismiss):
    """Call ``function(rank, size)`` for every rank, 0 on this thread, and return its result.

    `size` is `num_threads`, or fewer where the system starts no more. `dismiss()` must end calls
    that wait for the others; it is called if this thread is interrupted.
    """
    if num_threads == 1:
        return function(0, 1)
    size = 0  # until all that can be are started; then those below it begin
    gate = threading.Event()

    def help_out(rank):
        gate.wait()
        if rank < size:
            function(rank, size)

    helpers = []
    try:
        for rank in range(1, num_threads):
            helper = threading.Thread(target=help_out, args=(rank,), daemon=True)
            try:
                helper.start()
            except RuntimeError:  # the system's limit of threads
                break
            helpers.append(helper)
        size = 1 + len(helpers)
        gate.set()
        return function(0, size)
    except BaseException:
        dismiss()
        raise
    finally:
        gate.set()
        for helper in helpers:
            helper.join()
