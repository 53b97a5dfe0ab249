"""Helper threads run as long as the `with` block, as many as the system can start."""

import threading

import pytest
from helpers import new_threads

from oneneuron._engine import helper_threads


class Work:
    """Work that lasts until `stop`, and records the ranks of the helpers that did it."""

    def __init__(self):
        self.ranks, self.ended, self.stops, self.over = [], [], 0, threading.Event()

    def __call__(self, rank):
        self.ranks.append(rank)
        self.over.wait(60)
        self.ended.append(rank)

    def stop(self):
        self.stops += 1
        self.over.set()


@pytest.fixture
def work():
    work = Work()
    yield work
    work.over.set()


def refuse_threads_beyond(monkeypatch, most, error=None):
    """Let the system refuse to start more than `most` threads; return the list of the started."""
    start, started = threading.Thread.start, []

    def start_or_refuse(thread):
        if len(started) == most:
            raise error or RuntimeError("can't start new thread")
        start(thread)
        started.append(thread)

    monkeypatch.setattr(threading.Thread, "start", start_or_refuse)
    return started


def test_the_ranks_of_helpers_begin_at_1(work):
    with helper_threads.helpers(3, work, work.stop):
        pass
    assert sorted(work.ranks) == [1, 2, 3]


def test_all_helpers_have_ended_after_the_block(work):
    before = threading.enumerate()
    with helper_threads.helpers(3, work, work.stop):
        assert len(new_threads(before)) == 3
        assert work.ended == []
    assert sorted(work.ended) == [1, 2, 3]
    assert new_threads(before) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, SystemExit])
def test_all_helpers_have_ended_after_an_error_in_the_block(work, error):
    before = threading.enumerate()
    with pytest.raises(error), helper_threads.helpers(2, work, work.stop):
        raise error
    assert (sorted(work.ended), work.stops) == ([1, 2], 1)
    assert new_threads(before) == []


def test_zero_helpers_start_no_thread_and_need_no_stop(work, monkeypatch):
    started = refuse_threads_beyond(monkeypatch, 0)
    with helper_threads.helpers(0, work, work.stop):
        pass
    assert (started, work.stops) == ([], 0)


@pytest.mark.parametrize("most", [0, 1, 2])
def test_the_block_runs_with_fewer_helpers_if_the_system_starts_no_more(work, monkeypatch, most):
    refuse_threads_beyond(monkeypatch, most)
    entered = False
    with helper_threads.helpers(3, work, work.stop):
        entered = True
    assert entered
    assert sorted(work.ended) == list(range(1, most + 1))


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError()])
def test_all_helpers_have_ended_after_an_error_at_the_start_of_one(work, monkeypatch, error):
    refuse_threads_beyond(monkeypatch, 1, error)
    before = threading.enumerate()
    with pytest.raises(type(error)), helper_threads.helpers(3, work, work.stop):
        pytest.fail("the block ran")
    assert work.ended == [1]
    assert new_threads(before) == []


def test_a_helper_does_not_keep_the_interpreter_from_exiting(work, monkeypatch):
    started = refuse_threads_beyond(monkeypatch, 2)
    with helper_threads.helpers(2, work, work.stop):
        assert [thread.daemon for thread in started] == [True, True]
