"""Helpers run for as long as the block does, as many as the system starts."""

import threading

import pytest

from oneneuron._engine import team


class Work:
    """Work that lasts until it is dismissed, and tells who did it."""

    def __init__(self):
        self.ranks, self.ended, self.dismissals, self.over = [], [], 0, threading.Event()

    def __call__(self, rank):
        self.ranks.append(rank)
        self.over.wait(60)
        self.ended.append(rank)

    def dismiss(self):
        self.dismissals += 1
        self.over.set()


@pytest.fixture
def work():
    work = Work()
    yield work
    work.over.set()


def started_at_most(monkeypatch, most, error=None):
    """Have the system start so many threads and no more."""
    start, started = threading.Thread.start, []

    def start_or_refuse(thread):
        if len(started) == most:
            raise error or RuntimeError("can't start new thread")
        start(thread)
        started.append(thread)

    monkeypatch.setattr(threading.Thread, "start", start_or_refuse)
    return started


def test_helpers_have_ranks_from_one_on(work):
    with team.helpers(3, work, work.dismiss):
        pass
    assert sorted(work.ranks) == [1, 2, 3]


def test_helpers_have_ended_when_the_block_is_left(work):
    before = threading.enumerate()
    with team.helpers(3, work, work.dismiss):
        assert len(threading.enumerate()) == len(before) + 3
        assert work.ended == []
    assert sorted(work.ended) == [1, 2, 3]
    assert threading.enumerate() == before


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, SystemExit])
def test_helpers_have_ended_when_the_block_raises(work, error):
    before = threading.enumerate()
    with pytest.raises(error), team.helpers(2, work, work.dismiss):
        raise error
    assert (sorted(work.ended), work.dismissals) == ([1, 2], 1)
    assert threading.enumerate() == before


def test_no_helpers_are_no_threads_and_nobody_is_dismissed(work, monkeypatch):
    started = started_at_most(monkeypatch, 0)
    with team.helpers(0, work, work.dismiss):
        pass
    assert (started, work.dismissals) == ([], 0)


@pytest.mark.parametrize("most", [0, 1, 2])
def test_the_block_runs_with_fewer_helpers_where_the_system_starts_no_more(work, monkeypatch, most):
    started_at_most(monkeypatch, most)
    entered = False
    with team.helpers(3, work, work.dismiss):
        entered = True
    assert entered
    assert sorted(work.ended) == list(range(1, most + 1))


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError()])
def test_helpers_have_ended_when_starting_another_raises(work, monkeypatch, error):
    started_at_most(monkeypatch, 1, error)
    before = threading.enumerate()
    with pytest.raises(type(error)), team.helpers(3, work, work.dismiss):
        pytest.fail("the block ran")
    assert work.ended == [1]
    assert threading.enumerate() == before


def test_a_helper_never_keeps_the_interpreter_from_ending(work, monkeypatch):
    started = started_at_most(monkeypatch, 2)
    with team.helpers(2, work, work.dismiss):
        assert [thread.daemon for thread in started] == [True, True]
