"""The ladder: which rungs it has, that they are checked, and what is made of their times."""

from types import SimpleNamespace

import numpy as np
import pytest

from oneneuron import compare, safe_eta
from oneneuron._engine import training
from oneneuron._engine.dispatch import available
from oneneuron.compare import _contenders
from oneneuron.lecture import example1

BEFORE_THE_KERNEL = [
    "pure Python",
    "the lecture's style",
    "the lecture, np.sum",
    "NumPy at its best",
    "naive Cython",
]
NAMES = {"plain": "oneneuron, baseline", "v3": "oneneuron, AVX2", "v4": "oneneuron, AVX-512"}


@pytest.fixture
def problem():
    return compare.lecture_problem(10)


@pytest.fixture(autouse=True)
def no_library(monkeypatch):
    """As if none was installed."""
    monkeypatch.setattr(compare, "find_spec", lambda library: None)


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr(compare.cores, "count", lambda: 2)


def rung(name, step_seconds, num_steps, first_step_seconds=None):
    return SimpleNamespace(
        name=name,
        step_seconds=step_seconds,
        num_steps=num_steps,
        first_step_seconds=first_step_seconds,
    )


def names(rows):
    return [row.name for row in rows]


class TestTheProblem:
    def test_it_is_the_lecture_s_training_data(self):
        found = compare.lecture_problem(50, seed=3)
        X, _, y, _ = example1.get_data(50, np.random.RandomState(3))
        np.testing.assert_array_equal(found.X, X)
        np.testing.assert_array_equal(found.y, y)

    def test_a_seed_repeats_the_data_and_the_start(self):
        first, again, other = (compare.lecture_problem(50, seed) for seed in (1, 1, 2))
        np.testing.assert_array_equal(first.start, again.start)
        assert not np.array_equal(first.start, other.start)

    def test_its_step_size_is_the_lecture_s_unless_the_cost_could_rise(self):
        small, large = (compare.lecture_problem(n) for n in (500, 50_000))
        assert small.eta == 5e-3
        assert large.eta == safe_eta(large.X) < 5e-3

    def test_fewer_than_five_samples_are_refused(self):
        with pytest.raises(ValueError, match="n must be 5 or more, found 4"):
            compare.lecture_problem(4)


class TestTheRungs:
    def test_they_are_in_the_order_of_the_ladder(self, problem, two_cores):
        kernels = [NAMES[level] for level in available]
        assert names(compare.ladder(problem, num_steps=2)) == [
            *BEFORE_THE_KERNEL, *kernels, "oneneuron, all cores", "oneneuron, float32",
        ]  # fmt: skip

    def test_there_is_none_for_all_cores_where_there_is_one(self, problem, monkeypatch):
        monkeypatch.setattr(compare.cores, "count", lambda: 1)
        found = names(compare.ladder(problem, num_steps=2))
        assert found == [*BEFORE_THE_KERNEL, *map(NAMES.get, available), "oneneuron, float32"]

    def test_the_kernels_are_those_of_every_level_on_one_core_then_the_best_on_all(
        self, problem, two_cores, monkeypatch
    ):
        made = []

        class Recording(training.Training):
            def __init__(self, X, *args, n_threads, level, **named):
                made.append((X.dtype.name, level, n_threads))
                super().__init__(X, *args, n_threads=n_threads, level=level, **named)

        monkeypatch.setattr(_contenders.load("oneneuron_float64"), "Training", Recording)
        compare.ladder(problem, num_steps=2)
        best = available[-1]
        assert made == [
            *[("float64", level, 1) for level in available], ("float64", best, 2),
            ("float32", best, 2),
        ]  # fmt: skip

    def test_one_that_ends_elsewhere_is_refused_by_name(self, problem, monkeypatch):
        naive = _contenders.load("naive_cython")
        right = naive.prepare(problem, 1)

        def slightly_wrong(problem, threads):
            return lambda num_steps: right(num_steps) * (1 + 2e-9)

        monkeypatch.setattr(naive, "prepare", slightly_wrong)
        with pytest.raises(ValueError, match=r"^naive Cython ends elsewhere: 2.0e-09 off, at most"):
            compare.ladder(problem, num_steps=2)

    def test_an_end_that_is_no_number_is_refused(self):
        with pytest.raises(ValueError, match="it ends elsewhere: nan off"):
            compare.check_end("it", None, np.array([np.nan, 1.0]), np.ones(2))

    def test_a_tolerance_of_its_own_is_what_a_contender_is_held_to(self):
        found, expected = np.array([1.0, 1.00001]), np.ones(2)
        compare.check_end("it", SimpleNamespace(TOLERANCE=2e-5), found, expected)
        with pytest.raises(ValueError, match="at most 1e-06 is right"):
            compare.check_end("it", SimpleNamespace(TOLERANCE=1e-6), found, expected)

    def test_blas_has_one_thread_while_they_run(self, blas_threads, problem):
        found = set()

        def look(share, name):
            if name == "NumPy at its best":
                found.update(blas_threads())

        compare.ladder(problem, num_steps=2, watch=look)
        assert found <= {1}

    def test_who_watches_hears_of_each_and_of_a_share_that_never_falls(self, problem):
        heard = []
        rows = compare.ladder(problem, num_steps=2, watch=lambda *words: heard.append(words))
        shares = [share for share, _ in heard]
        assert shares == sorted(shares) and 0 == shares[0] < shares[-1] < 1
        assert {name for _, name in heard} == set(names(rows))


class TestLibraries:
    @pytest.fixture(autouse=True)
    def jax_alone(self, monkeypatch):
        monkeypatch.setattr(compare, "find_spec", lambda library: library == "jax" or None)

    def load_instead(self, monkeypatch, jax_loop):
        load = _contenders.load
        monkeypatch.setattr(
            contenders, "load", lambda name: jax_loop() if name == "jax_loop" else load(name)
        )

    def test_one_that_is_installed_has_a_rung_and_the_time_of_its_first_step(
        self, problem, monkeypatch
    ):
        numpy_best = _contenders.load("numpy_best")

        def contender():
            return SimpleNamespace(
                NAME="JAX", make=numpy_best.make, prepare=lambda p, threads: numpy_best.make(p)
            )

        self.load_instead(monkeypatch, contender)
        rows = compare.ladder(problem, num_steps=2)
        assert names(rows)[:7] == [*BEFORE_THE_KERNEL, "JAX", "oneneuron, baseline"]
        assert [row.name for row in rows if row.first_step_seconds is not None] == ["JAX"]

    def test_one_that_does_not_work_is_left_out_with_a_warning(self, problem, monkeypatch):
        def broken():
            raise RuntimeError("no such device")

        self.load_instead(monkeypatch, broken)
        expected = "jax is installed, but doesn't work and is left out: no such device"
        with pytest.warns(RuntimeWarning, match=expected):
            rows = compare.ladder(problem, num_steps=2)
        assert "JAX" not in names(rows)

    def test_those_missing_are_those_that_are_not_installed(self):
        assert compare.missing_libraries() == ["torch", "numba"]


class TestTheTurns:
    def planned(self, step_seconds, num_steps):
        found = compare._Rung("it", None, lambda count: None)
        found.plan(step_seconds, num_steps)
        return found

    def test_a_descent_that_takes_ten_seconds_is_made_to_its_end_in_one_turn(self):
        found = self.planned(1e-3, 10_000)
        assert (found.num_steps, found.num_turns) == (10_000, 1)

    def test_one_that_takes_longer_is_cut_to_two_seconds_but_not_to_nothing(self):
        assert self.planned(2e-3, 10_000).num_steps == 1000
        assert self.planned(60.0, 10_000).num_steps == 1

    def test_a_fast_one_has_twenty_turns(self):
        assert self.planned(1e-7, 10_000).num_turns == 20

    def test_a_call_lasts_a_fiftieth_of_a_second_or_a_step_or_the_whole_turn(self):
        assert self.planned(1e-3, 10_000).num_calls == 500
        assert self.planned(1.5, 10_000).num_calls == 1
        assert self.planned(1e-7, 10_000).num_calls == 1

    def test_a_turn_is_all_its_steps_and_one_before_that_is_not_timed(self):
        calls = []
        found = compare._Rung("it", None, calls.append)
        found.plan(0.0125, 5)
        assert list(found.turn()) == [0.0, 1 / 3, 2 / 3]
        assert calls == [1, 1, 2, 2]

    def test_the_fastest_call_of_all_turns_counts(self, monkeypatch):
        clock = iter([0.0, 3.0, 10.0, 12.0, 20.0, 25.0, 30.0, 38.0])
        monkeypatch.setattr(compare, "perf_counter", lambda: next(clock))
        found = compare._Rung("it", None, lambda count: None)
        found.plan(0.005, 8)
        for _ in range(2):
            list(found.turn())
        assert found.step_seconds == 2.0 / 4


class TestTheRows:
    RUNGS = (
        rung("pure Python", 0.4, num_steps=100),
        rung("the lecture's style", 0.1, num_steps=100),
        rung("JAX", 5e-4, num_steps=1000, first_step_seconds=0.7),
        rung("oneneuron", 1e-4, num_steps=1000),
    )

    @pytest.fixture
    def rows(self):
        return compare.as_rows(self.RUNGS, num_samples=50, num_steps=1000)

    def test_seconds_are_of_all_steps_however_many_were_timed(self, rows):
        assert [row.seconds for row in rows] == pytest.approx([400.0, 100.0, 0.5, 0.1])
        assert [row.timed_steps for row in rows] == [100, 100, 1000, 1000]
        assert {row.num_steps for row in rows} == {1000}

    def test_nanoseconds_are_of_one_sample_in_one_step(self, rows):
        assert [row.nanoseconds for row in rows] == pytest.approx([8e6, 2e6, 1e4, 2e3])

    def test_ratios_are_those_of_the_seconds(self, rows):
        assert rows[0].than_before is None
        assert [row.than_before for row in rows[1:]] == pytest.approx([4, 200, 5])
        assert [row.than_lecture for row in rows] == pytest.approx([0.25, 1, 200, 1000])

    def test_the_time_of_a_first_step_is_kept_apart(self, rows):
        assert [row.first_step_seconds for row in rows] == [None, None, 0.7, None]
