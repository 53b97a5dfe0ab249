"""Turns for Python during long calls of compiled code."""


def turn() -> None:
    """Do nothing, in Python.

    Compiled code calls this about every 40 ms. When Python begins to run a function, it runs the
    handlers of signals that have come, raises exceptions that other threads have set, and lets
    other threads run.
    """
