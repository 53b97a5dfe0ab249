"""How long something takes: measured, and shown while it runs."""

import sys
from time import perf_counter


def timed(function, *arguments):
    """What a function returns, and the seconds it took."""
    start = perf_counter()
    result = function(*arguments)
    return result, perf_counter() - start


def advance_with_bar(training, num_steps):
    """Make the steps, with a bar on a terminal once a second has gone by."""
    start = perf_counter()
    shown = False
    chunk = 100
    try:
        while training.step < num_steps and not training.diverged:
            _, seconds = timed(training.advance, min(chunk, num_steps - training.step))
            chunk = max(1, int(chunk * min(2.0, 0.1 / max(seconds, 1e-9))))
            if perf_counter() - start > 1 and sys.stderr.isatty():
                shown = True
                _show_bar(training.step / num_steps)
    finally:
        if shown:
            print(f"\r{'':60}\r", end="", file=sys.stderr, flush=True)


def _show_bar(share):
    bar = "#" * int(40 * share)
    print(f"\r[{bar:40}] {100 * share:3.0f} %", end="", file=sys.stderr, flush=True)
