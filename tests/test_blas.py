"""The limit on the linear algebra library's threads: set, shared and lifted."""

from threading import Barrier, Thread

import pytest
import scipy.linalg  # noqa: F401  (brings the library)
from threadpoolctl import threadpool_info

from oneneuron.blas import single_thread


def threads():
    """Of each linear algebra library that is loaded."""
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


@pytest.fixture
def before():
    """What there is without a limit; a test could not see one if that were one thread."""
    if set(threads()) == {1}:
        pytest.skip("the linear algebra library here has one thread")
    return threads()


def test_there_is_one_thread_inside_and_what_there_was_after(before):
    with single_thread():
        assert set(threads()) == {1}
    assert threads() == before


def test_an_error_inside_lifts_the_limit(before):
    with pytest.raises(ZeroDivisionError), single_thread():
        raise ZeroDivisionError
    assert threads() == before


def test_of_several_at_once_the_last_lifts_the_limit(before):
    both_in, one_out = Barrier(2), Barrier(2)

    def first():
        with single_thread():
            both_in.wait()
        one_out.wait()

    thread = Thread(target=first)
    thread.start()
    with single_thread():
        both_in.wait()
        one_out.wait()
        inside = threads()
    thread.join()
    assert set(inside) == {1}
    assert threads() == before
