"""Warnings as users of the command line see them."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from ._printing import note


@contextmanager
def warnings_as_lines() -> Iterator[None]:
    """Print each RuntimeWarning of the block as one line on stderr, after the block has ended.

    Other warnings are ignored: they are meant for developers. Save the results inside the block, so
    that they do not have to wait for a terminal that is stopped.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", RuntimeWarning)
        yield
    for warning in caught:
        note(f"oneneuron: warning: {' '.join(str(warning.message).split())}")
