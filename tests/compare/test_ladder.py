"""The ladder: its rungs, the check of their parameters, and the timings made of their times."""

from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import printed_by

from oneneuron import compare, safe_eta
from oneneuron._engine.dispatch import available
from oneneuron._engine.shards import InMemory
from oneneuron.compare import _contenders, _ladder
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
    """Makes all optional libraries appear not to be installed."""
    monkeypatch.setattr(_ladder, "find_spec", lambda library: None)


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr(_ladder.cores, "count", lambda: 2)


def made_rung(name, step_seconds, num_steps, first_step_seconds=None):
    return SimpleNamespace(
        name=name,
        step_seconds=step_seconds,
        num_steps=num_steps,
        first_step_seconds=first_step_seconds,
    )


def names(rows):
    return [row.name for row in rows]


def test_importing_compare_does_not_load_matplotlib():
    code = "import sys, oneneuron.compare; print('matplotlib' in sys.modules)"
    assert printed_by(code) == "False\n"


def test_the_classes_of_compare_name_it_as_their_module():
    assert compare.Problem.__module__ == compare.Timing.__module__ == "oneneuron.compare"


class TestLectureProblem:
    def test_the_samples_are_the_lecture_s_training_data(self):
        found = compare.lecture_problem(50, random_state=3)
        X, _, y, _ = example1.get_data(50, np.random.RandomState(3))
        np.testing.assert_array_equal(found.X, X)
        np.testing.assert_array_equal(found.y, y)

    def test_a_seed_repeats_the_data_and_the_start(self):
        first, again, other = (compare.lecture_problem(50, seed) for seed in (1, 1, 2))
        np.testing.assert_array_equal(first.start, again.start)
        assert not np.array_equal(first.start, other.start)

    def test_the_step_size_is_the_lecture_s_unless_the_cost_could_rise(self):
        small, large = (compare.lecture_problem(n) for n in (500, 50_000))
        assert small.eta == compare.DEFAULT_ETA == 5e-3
        assert large.eta == safe_eta(large.X) < 5e-3

    def test_fewer_than_five_samples_are_refused(self):
        with pytest.raises(ValueError, match="n must be 5 or more, found 4"):
            compare.lecture_problem(4)

    def test_a_seed_that_is_no_number_is_refused(self):
        with pytest.raises(TypeError, match="random_state must be a whole number"):
            compare.lecture_problem(random_state="x")


class TestArguments:
    def test_a_ladder_of_something_else_is_refused(self):
        with pytest.raises(TypeError, match=r"problem must be a Problem, found int: make one with"):
            compare.ladder(3)

    def test_a_ladder_of_no_steps_is_refused(self, problem):
        with pytest.raises(ValueError, match="num_steps must be 1 or more, found 0"):
            compare.ladder(problem, num_steps=0)


class TestRungs:
    def test_the_rungs_are_in_the_order_of_the_ladder(self, problem, two_cores):
        kernels = [NAMES[level] for level in available]
        assert names(compare.ladder(problem, num_steps=2)) == [
            *BEFORE_THE_KERNEL, *kernels, "oneneuron, all cores", "oneneuron, float32",
        ]  # fmt: skip

    def test_one_core_gets_no_rung_for_all_cores(self, problem, monkeypatch):
        monkeypatch.setattr(_ladder.cores, "count", lambda: 1)
        found = names(compare.ladder(problem, num_steps=2))
        assert found == [*BEFORE_THE_KERNEL, *map(NAMES.get, available), "oneneuron, float32"]

    def test_every_level_has_a_rung_on_one_core_and_the_best_level_two_rungs_on_all(
        self, problem, two_cores, monkeypatch
    ):
        made = []

        class Recorded(InMemory):
            def __init__(self, samples, n_threads, level):
                made.append((samples[0].dtype.name, level, n_threads))
                super().__init__(samples, n_threads, level)

        monkeypatch.setattr(_contenders.load("oneneuron_float64"), "InMemory", Recorded)
        compare.ladder(problem, num_steps=2)
        best = available[-1]
        assert made == [
            *[("float64", level, 1) for level in available], ("float64", best, 2),
            ("float32", best, 2),
        ]  # fmt: skip

    def test_a_rung_that_reaches_other_parameters_is_refused_by_name(self, problem, monkeypatch):
        naive = _contenders.load("naive_cython")
        right = naive.prepare(problem, 1)

        def slightly_wrong(problem, threads):
            return lambda num_steps: right(num_steps) * (1 + 2e-9)

        monkeypatch.setattr(naive, "prepare", slightly_wrong)
        message = (
            r"^naive Cython does not reach the parameters of the reference: the relative error is "
            r"2\.0e-09, and at most 1e-09 is allowed\.$"
        )
        with pytest.raises(ValueError, match=message):
            compare.ladder(problem, num_steps=2)

    def test_parameters_that_are_nan_are_refused(self):
        with pytest.raises(ValueError, match="the relative error is nan"):
            _ladder.check_parameters("it", None, np.array([np.nan, 1.0]), np.ones(2))

    def test_the_tolerance_of_a_contender_replaces_the_default(self):
        found, expected = np.array([1.0, 1.00001]), np.ones(2)
        _ladder.check_parameters("it", SimpleNamespace(TOLERANCE=2e-5), found, expected)
        with pytest.raises(ValueError, match="at most 1e-06 is allowed"):
            _ladder.check_parameters("it", SimpleNamespace(TOLERANCE=1e-6), found, expected)

    def test_blas_has_one_thread_during_the_timing(self, blas_threads, problem):
        found = set()

        def look(fraction, name):
            if name == "NumPy at its best":
                found.update(blas_threads())

        compare.ladder(problem, num_steps=2, on_progress=look)
        assert found <= {1}

    def test_progress_names_every_rung_and_never_falls(self, problem):
        calls = []
        rows = compare.ladder(problem, num_steps=2, on_progress=lambda *call: calls.append(call))
        fractions = [fraction for fraction, _ in calls]
        assert fractions == sorted(fractions) and 0 == fractions[0] < fractions[-1] < 1
        assert {name for _, name in calls} == set(names(rows))

    def test_progress_is_drawn_as_a_bar_unless_a_function_is_given(self, problem, monkeypatch):
        calls, drawn = [], []
        monkeypatch.setattr(
            _ladder, "progress_bar", lambda: nullcontext(lambda *call: drawn.append(call))
        )
        compare.ladder(problem, num_steps=2, on_progress=lambda *call: calls.append(call))
        assert calls and not drawn
        compare.ladder(problem, num_steps=2)
        assert {name for _, name in drawn} == {name for _, name in calls}


class TestLibraries:
    @pytest.fixture(autouse=True)
    def only_jax(self, monkeypatch):
        monkeypatch.setattr(_ladder, "find_spec", lambda library: library == "jax" or None)

    def load_instead(self, monkeypatch, jax_loop):
        load = _contenders.load
        monkeypatch.setattr(
            _contenders, "load", lambda name: jax_loop() if name == "jax_loop" else load(name)
        )

    def test_an_installed_library_has_a_rung_with_the_time_of_its_first_step(
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

    def test_a_library_that_fails_is_left_out_with_a_warning(self, problem, monkeypatch):
        def broken():
            raise RuntimeError("no such device")

        self.load_instead(monkeypatch, broken)
        expected = "jax is installed but fails, so its rung is left out: no such device"
        with pytest.warns(RuntimeWarning, match=expected):
            rows = compare.ladder(problem, num_steps=2)
        assert "JAX" not in names(rows)

    def test_missing_libraries_are_those_that_are_not_installed(self):
        assert compare.missing_libraries() == ["torch", "numba"]


class TestRounds:
    def planned(self, step_seconds, num_steps):
        rung = _ladder._Rung("it", None, lambda count: None)
        rung.plan(step_seconds, num_steps)
        return rung

    def test_a_rung_of_ten_seconds_is_timed_over_all_steps_in_one_round(self):
        rung = self.planned(1e-3, 10_000)
        assert (rung.num_steps, rung.num_rounds) == (10_000, 1)

    def test_a_slower_rung_is_shortened_to_two_seconds_but_not_below_one_step(self):
        assert self.planned(2e-3, 10_000).num_steps == 1000
        assert self.planned(60.0, 10_000).num_steps == 1

    def test_a_fast_rung_has_twenty_rounds(self):
        assert self.planned(1e-7, 10_000).num_rounds == 20

    def test_a_stretch_lasts_20_ms_or_one_step_or_the_whole_round(self):
        assert self.planned(1e-3, 10_000).num_stretches == 500
        assert self.planned(1.5, 10_000).num_stretches == 1
        assert self.planned(1e-7, 10_000).num_stretches == 1

    def test_a_round_is_all_steps_after_one_that_is_not_timed(self):
        calls = []
        rung = _ladder._Rung("it", None, calls.append)
        rung.plan(0.0125, 5)
        assert list(rung.time_round()) == [0.0, 1 / 3, 2 / 3]
        assert calls == [1, 1, 2, 2]

    def test_the_fastest_stretch_of_all_rounds_counts(self, monkeypatch):
        clock = iter([0.0, 3.0, 10.0, 12.0, 20.0, 25.0, 30.0, 38.0])
        monkeypatch.setattr(_ladder, "perf_counter", lambda: next(clock))
        rung = _ladder._Rung("it", None, lambda count: None)
        rung.plan(0.005, 8)
        for _ in range(2):
            list(rung.time_round())
        assert rung.step_seconds == 2.0 / 4


class TestTimings:
    RUNGS = (
        made_rung("pure Python", 0.4, num_steps=100),
        made_rung("the lecture's style", 0.1, num_steps=100),
        made_rung("JAX", 5e-4, num_steps=1000, first_step_seconds=0.7),
        made_rung("oneneuron", 1e-4, num_steps=1000),
    )

    @pytest.fixture
    def rows(self):
        return _ladder.as_timings(self.RUNGS, num_samples=50, num_steps=1000)

    def test_seconds_are_for_all_steps_even_if_fewer_were_timed(self, rows):
        assert [row.seconds for row in rows] == pytest.approx([400.0, 100.0, 0.5, 0.1])
        assert [row.timed_steps for row in rows] == [100, 100, 1000, 1000]
        assert {row.num_steps for row in rows} == {1000}

    def test_nanoseconds_are_for_one_sample_in_one_step(self, rows):
        assert [row.nanoseconds_per_sample for row in rows] == pytest.approx([8e6, 2e6, 1e4, 2e3])

    def test_speed_ratios_are_ratios_of_seconds(self, rows):
        assert rows[0].speedup_over_previous is None
        assert [row.speedup_over_previous for row in rows[1:]] == pytest.approx([4, 200, 5])
        assert [row.speedup_over_lecture for row in rows] == pytest.approx([0.25, 1, 200, 1000])

    def test_the_time_of_a_first_step_is_kept_separately(self, rows):
        assert [row.first_step_seconds for row in rows] == [None, None, 0.7, None]
