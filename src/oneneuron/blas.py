"""One thread for the linear algebra library where its matrices are tiny.

Its threads wait for each other in a loop. Where other work has a core, one product of two small
matrices then takes milliseconds.
"""

from contextlib import contextmanager
from functools import cache
from threading import Lock

from threadpoolctl import ThreadpoolController

# The limit is one for the process: the first fit of several at once sets it, the last lifts it.
_lock = Lock()
_num_users = 0
_limiter = None


@cache
def _controller():
    """What knows the libraries that are loaded; looking for them takes milliseconds."""
    return ThreadpoolController()


@contextmanager
def single_thread():
    """Limit the linear algebra library to one thread in this block."""
    global _num_users, _limiter
    with _lock:
        if _num_users == 0:
            _limiter = _controller().limit(limits=1, user_api="blas")
        _num_users += 1
    try:
        yield
    finally:
        with _lock:
            _num_users -= 1
            if _num_users == 0:
                _limiter.restore_original_limits()
