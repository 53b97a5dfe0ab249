"""Warnings as a user of the command line reads them."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def warnings_as_lines() -> Iterator[None]:
    """RuntimeWarnings as plain lines on stderr, once the work is done; no others."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", RuntimeWarning)
        yield
    for warning in caught:
        print(f"oneneuron: warning: {' '.join(str(warning.message).split())}", file=sys.stderr)
