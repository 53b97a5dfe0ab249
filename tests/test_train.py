"""The compiled descent against the plain NumPy one, and what `train` takes and gives."""

from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oneneuron
from oneneuron import reference, safe_eta
from oneneuron._train import start_training

# Kernel and reference round the margin differently: a few units of 1.1e-16 times the largest
# margin (400 here), carried through a few steps.
TOLERANCE = 1e-12


def made_samples(seed, n, d, scale=1.0):
    rng = np.random.default_rng(seed)
    X = scale * rng.standard_normal((n, d))
    y = (X[:, 0] + rng.standard_normal(n) > 0).astype(int)
    return X, y, rng.standard_normal(d), float(rng.standard_normal())


def assert_follows_reference(X, y, weights, bias, eta, num_steps, given_X=None, given_y=None):
    descent = oneneuron.train(
        X if given_X is None else given_X,
        y if given_y is None else given_y,
        eta=eta, num_steps=num_steps, init=(weights, bias), record_every=1,
    )  # fmt: skip
    models = reference.gradient_descent(X, y, weights, bias, eta, num_steps)
    np.testing.assert_allclose(
        descent.history.weights, [w for w, _ in models], rtol=TOLERANCE, atol=TOLERANCE
    )
    np.testing.assert_allclose(
        descent.history.bias, [b for _, b in models], rtol=TOLERANCE, atol=TOLERANCE
    )
    np.testing.assert_allclose(
        descent.history.cost, [reference.cost(X, y, *m) for m in models], rtol=TOLERANCE,
        atol=1e-300,
    )  # fmt: skip
    return descent, models


@settings(deadline=None, max_examples=150)
@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(1, 200), d=st.integers(1, 40),
    scale=st.sampled_from([1e-3, 1.0, 10.0]),
)  # fmt: skip
def test_every_step_is_that_of_the_reference(seed, n, d, scale):
    X, y, weights, bias = made_samples(seed, n, d, scale)
    # Small enough that the rounding of a step is not blown up by the next.
    assert_follows_reference(X, y, weights, bias, safe_eta(X), 5)


@pytest.mark.parametrize("n", [31, 32, 33, 1023, 1024, 1025, 3000])
def test_samples_at_the_edge_of_tiles_and_blocks_count_once(n):
    X, y, weights, bias = made_samples(n, n, 3)
    assert_follows_reference(X, y, weights, bias, 1 / n, 3)


def test_accuracy_of_each_step_is_that_of_the_reference():
    X, y, weights, bias = made_samples(1, 333, 4)
    descent, models = assert_follows_reference(X, y, weights, bias, 0.01, 50)
    assert descent.history.accuracy.tolist() == [reference.accuracy(X, y, *m) for m in models]


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("z", [-1e300, -800.0, -340.0, -40.0, 40.0, 340.0, 800.0, 1e300])
def test_a_saturated_neuron_has_the_cost_of_the_formula(z, label):
    cost = oneneuron.train([[1.0]], [label], eta=1, num_steps=0, init=([z], 0.0)).last.cost
    # Below 1e-307 the kernel stops at the smallest normal p^2. At |z| = 340 the rounding of
    # z log2 e, 2.8e-14, is the error of p.
    np.testing.assert_allclose(
        cost, reference.cost(np.ones((1, 1)), label, np.array([z]), 0.0), rtol=2e-13, atol=1e-307
    )


def test_the_exponential_is_within_an_ulp_or_so_over_its_range():
    w = np.concatenate([np.linspace(-300, 300, 4001), np.linspace(-1e-3, 1e-3, 101)])
    t = 1.4426950408889634 * w  # as the kernel scales a weight
    with localcontext(prec=40):  # np.longdouble has no more digits than a double on every system
        exact = [1 / (1 + Decimal(2) ** Decimal(v)) for v in t.tolist()]
    costs = [
        oneneuron.train([[1.0]], [1], eta=1, num_steps=0, init=([v], 0.0)).last.cost for v in w
    ]
    found = np.sqrt(2 * np.array(costs)).tolist()
    off = [float(Decimal(f) - p) for f, p in zip(found, exact, strict=True)]
    ulps = np.abs(off) / np.spacing(np.array(exact, float))
    # e within 1, then 1 + e, 1 / (1 + e), and half of the square's rounding.
    assert ulps.max() <= 2.5


def test_a_tie_is_class_0():
    descent = oneneuron.train(np.zeros((4, 1)), [0, 0, 0, 1], eta=1, num_steps=0, init=([1.0], 0.0))
    assert descent.last.accuracy == 0.75


@pytest.mark.parametrize("z", [1e-17, 1e-16, 2e-16, 3e-16, -1e-16])
def test_a_sample_next_to_the_boundary_counts_as_its_rounded_output_does(z):
    for label in (0, 1):
        found = oneneuron.train([[1.0]], [label], eta=1, num_steps=0, init=([z], 0.0)).last.accuracy
        assert found == float(np.round(1.0 / (1.0 + np.exp(-z))) == label)


def test_the_gradient_is_the_slope_of_the_cost():
    X, y, weights, bias = made_samples(2, 57, 5)
    eta = 1e-3
    after = oneneuron.train(X, y, eta=eta, num_steps=1, init=(weights, bias)).last
    step = np.append(weights - after.weights, bias - after.bias) / eta
    h = 1e-6
    for j, slope in enumerate(step):
        shift = h * np.eye(6)[j]
        up = reference.cost(X, y, weights + shift[:5], bias + shift[5])
        down = reference.cost(X, y, weights - shift[:5], bias - shift[5])
        # Central differences: h^2 and eps / h, each about 1e-10 of a cost of order 10.
        assert slope == pytest.approx((up - down) / (2 * h), abs=1e-7)


def as_memory_map(X, tmp_path):
    np.save(tmp_path / "X.npy", X)
    return np.load(tmp_path / "X.npy", mmap_mode="r")


def as_read_only(X, tmp_path):
    X = X.copy()
    X.flags.writeable = False
    return X


@pytest.mark.parametrize(
    "lay_out",
    [
        lambda X, tmp_path: np.asfortranarray(X),
        lambda X, tmp_path: np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
        lambda X, tmp_path: X[::-1].copy()[::-1],
        lambda X, tmp_path: X.tolist(),
        lambda X, tmp_path: X.astype(">f8"),
        as_read_only,
        as_memory_map,
    ],
    ids=["fortran", "strided", "reversed", "list", "big-endian", "read-only", "memory-map"],
)
def test_the_layout_of_the_samples_changes_no_bit(lay_out, tmp_path):
    X, y, weights, bias = made_samples(3, 100, 7)
    plain = oneneuron.train(X, y, eta=0.01, num_steps=20, init=(weights, bias)).last
    found = oneneuron.train(
        lay_out(X, tmp_path), y, eta=0.01, num_steps=20, init=(weights, bias)
    ).last
    assert found.weights.tobytes() == plain.weights.tobytes()


def test_samples_and_start_are_left_as_they_were():
    X, y, weights, bias = made_samples(4, 50, 2)
    before = X.copy(), weights.copy()
    oneneuron.train(X, y, eta=0.1, num_steps=10, init=(weights, bias))
    assert np.array_equal(X, before[0]) and np.array_equal(weights, before[1])


def test_best_is_the_first_of_the_highest_accuracy_after_an_update():
    X, y, weights, bias = made_samples(5, 80, 2)
    descent = oneneuron.train(X, y, eta=0.05, num_steps=300, init=(weights, bias), record_every=1)
    scored = descent.history.accuracy[1:]
    assert descent.best.step == 1 + int(np.argmax(scored))
    assert descent.best.accuracy == scored.max()


def test_lowest_is_the_first_of_the_lowest_cost_after_an_update():
    X, y, weights, bias = made_samples(6, 80, 2)
    descent = oneneuron.train(X, y, eta=5.0, num_steps=300, init=(weights, bias), record_every=1)
    scored = descent.history.cost[1:]
    assert descent.lowest.step == 1 + int(np.argmin(scored))
    assert descent.lowest.cost == scored.min()


def test_history_holds_the_start_and_every_so_many_steps():
    X, y, weights, bias = made_samples(7, 20, 2)
    descent = oneneuron.train(X, y, eta=0.1, num_steps=25, init=(weights, bias), record_every=10)
    assert descent.history.step.tolist() == [0, 10, 20]
    assert descent.last.step == descent.num_steps == 25


def test_steps_made_in_pieces_are_the_same_bits():
    X, y, weights, bias = made_samples(8, 5000, 3)
    whole = start_training(X, y, eta=0.001, init=(weights, bias))
    whole.advance(30)
    pieces = start_training(X, y, eta=0.001, init=(weights, bias))
    for _ in range(10):
        pieces._budget = 1  # comes back after every block
        pieces.advance(3)
    assert pieces.model().weights.tobytes() == whole.model().weights.tobytes()


def test_no_steps_give_the_start():
    descent = oneneuron.train([[1.0], [2.0]], [0, 1], eta=1, num_steps=0, init=([0.5], -1.0))
    assert [m.step for m in (descent.last, descent.best, descent.lowest)] == [0, 0, 0]


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 60), d=st.integers(1, 70))
def test_the_cost_never_rises_under_the_automatic_eta(seed, n, d):
    X, y, weights, bias = made_samples(seed, n, d, 3.0)
    cost = oneneuron.train(
        X, y, eta="auto", num_steps=100, init=(weights, bias), record_every=1
    ).history.cost
    # The last digits of a sum of n terms of order 1/2 may go either way.
    assert np.all(np.diff(cost) <= 1e-15 * n)


def test_a_seed_gives_the_draws_of_numpys_random_state():
    X, y, *_ = made_samples(9, 10, 3)
    start = oneneuron.train(X, y, eta=1, num_steps=0, random_state=12).last
    assert [*start.weights, start.bias] == np.random.RandomState(12).random(4).tolist()


def test_a_descent_that_diverges_warns_and_returns_the_best_model_seen():
    with pytest.warns(RuntimeWarning, match="smaller eta"):
        descent = oneneuron.train(
            np.zeros((100, 1)), np.zeros(100), eta=1e308, num_steps=50, init=([0.0], 0.0)
        )
    assert (descent.stop_reason, descent.num_steps, descent.best.bias) == ("diverged", 0, 0.0)


def test_ctrl_c_raises_keyboard_interrupt_in_a_run_that_would_take_days(press_ctrl_c):
    X, y, weights, bias = made_samples(10, 1000, 2)
    press_ctrl_c(0.3)
    with pytest.raises(KeyboardInterrupt):
        oneneuron.train(X, y, eta=1e-9, num_steps=10**12, init=(weights, bias))


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.longdouble, Fraction])
@pytest.mark.parametrize("name", ["eta", "alpha"])
def test_a_number_of_any_type_counts_as_the_float_of_its_value(name, kind):
    X, y, weights, bias = made_samples(11, 50, 2)
    found, expected = (
        oneneuron.train(
            X, y, num_steps=20, init=(weights, bias), **{"eta": 0.01, name: number}
        ).last
        for number in (kind(0.125), 0.125)
    )
    assert (found.weights.tobytes(), found.cost) == (expected.weights.tobytes(), expected.cost)


def test_float32_of_either_byte_order_is_computed_in_float32():
    X, y, weights, bias = made_samples(12, 50, 2)
    found, expected = (
        oneneuron.train(X.astype(dtype), y, eta=0.01, num_steps=20, init=(weights, bias)).last
        for dtype in (">f4", "f4")
    )
    assert found.weights.dtype == np.float32
    assert found.weights.tobytes() == expected.weights.tobytes()


@pytest.mark.parametrize("y", [np.array([0, 1, True], object), pd.array([0, 1, 1], dtype="Int64")])
def test_labels_may_be_objects(y):
    assert oneneuron.train(X2, y, eta=0.1, num_steps=1).last.step == 1


X2 = [[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]]
with np.errstate(over="ignore"):
    LARGE = np.ldexp(np.longdouble(1), 2000)  # infinite where a long double is a double


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"y": [-1, 1, 1]}, ValueError, r"y must hold the labels 0 and 1, found -1, 1"),
        ({"y": ["a", "b", "a"]}, ValueError, r"y must hold the labels 0 and 1, found a, b"),
        ({"y": [0.5, 1, 0]}, ValueError, r"y must hold the labels 0 and 1, found 0.0, 0.5, 1.0"),
        ({"y": [[0], [1], [1]]}, ValueError, r"y must have shape \(3,\).*found shape \(3, 1\)"),
        ({"y": [0, 1]}, ValueError, r"y must have shape \(3,\).*found shape \(2,\)"),
        ({"X": [[1.0], [2.0, 3.0], [1.0]]}, ValueError, "X must have rows of equal length"),
        ({"X": [1.0, 2.0, 3.0]}, ValueError, r"X must have two dimensions.*found shape \(3,\)"),
        ({"X": 1.0}, ValueError, r"X must have two dimensions.*found shape \(\)"),
        ({"X": np.empty((0, 2)), "y": []}, ValueError, r"at least one sample.*\(0, 2\)"),
        ({"X": [[0, np.nan], [1, 1], [2, 2]]}, ValueError, r"found nan in sample 0, feature 1"),
        ({"X": [[0, 1], [1, np.inf], [2, 2]]}, ValueError, r"found inf in sample 1, feature 1"),
        ({"X": [["a", "b"]] * 3}, TypeError, r"X must hold numbers"),
        ({"X": [[1, "b"]] * 3}, TypeError, r"X must hold numbers"),
        ({"X": np.ones((3, 2), complex)}, TypeError, r"X must hold numbers, found dtype complex"),
        ({"X": np.ma.masked_equal(X2, 2)}, ValueError, r"X has masked values"),
        ({"X": list(np.ma.masked_equal(X2, 2))}, ValueError, r"X has masked values"),
        ({"X": np.array([["1", "2"]] * 3, object)}, TypeError, r"X must hold numbers, found '1'"),
        ({"X": np.array([[0, 1j]] * 3, object)}, TypeError, r"X must hold numbers, found 1j"),
        ({"X": np.array([[0, 10**400]] * 3)}, TypeError, r"X must hold numbers: int too large"),
        ({"X": [[0, LARGE]] * 3}, ValueError, r"X must be finite, found inf"),
        ({"y": np.ma.masked_equal([0, 1, 1], 0)}, ValueError, r"y has masked values"),
        ({"y": [b"\xff", b"a", b"a"]}, ValueError, r"y must hold the labels 0 and 1, found b'"),
        ({"eta": 10**400}, ValueError, r"eta must be finite and above 0, found 1000"),
        ({"eta": 1 / LARGE}, ValueError, r"eta must be finite and above 0"),
        ({"eta": 0}, ValueError, r"eta must be finite and above 0, found 0"),
        ({"eta": -1.0}, ValueError, r"eta must be finite and above 0, found -1"),
        ({"eta": np.nan}, ValueError, r"eta must be finite and above 0, found nan"),
        ({"eta": "fast"}, TypeError, r"eta must be a number.*found 'fast'"),
        ({"num_steps": -1}, ValueError, r"num_steps must be 0 or more, found -1"),
        ({"num_steps": 2**63}, ValueError, r"num_steps must be 9223372036854775807 at most"),
        ({"num_steps": np.timedelta64(2, "s")}, TypeError, r"num_steps must be a whole number"),
        ({"num_steps": 1.5}, TypeError, r"num_steps must be a whole number, found 1.5"),
        ({"record_every": -1}, ValueError, r"record_every must be 0 or more, found -1"),
        ({"init": ([1.0], 0.0)}, ValueError, r"init must have weights of shape \(2,\)"),
        ({"init": ([1.0, np.inf], 0.0)}, ValueError, r"init must be finite"),
        ({"init": ([1, 1j], 0.0)}, TypeError, r"init must hold numbers, found dtype complex128"),
        ({"init": ([1, 2], 10**400)}, TypeError, r"init must hold numbers: int too large"),
        ({"init": ([1.0, 2.0], [0.0])}, ValueError, r"found shapes \(2,\) and \(1,\)"),
        ({"init": 3}, TypeError, r"init must be \(weights, bias\)"),
        ({"random_state": 2**32}, ValueError, r"random_state must be 4294967295 at most"),
        ({"random_state": -1, "init": ([0, 0], 0.0)}, ValueError, r"random_state must be"),
        ({"random_state": "x"}, TypeError, r"random_state must be a whole number, found 'x'"),
        ({"init": ([1.7e308, 0.0], 0.0)}, ValueError, r"init and X are too large"),
        ({"X": [[1e200, 0.0]] * 3, "eta": "auto"}, ValueError, r"scale X first"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_by_name(change, error, message):
    arguments = {"X": X2, "y": [0, 1, 1], "eta": 0.1, "num_steps": 5, **change}
    with np.errstate(over="ignore"), pytest.raises(error, match=message):
        oneneuron.train(**arguments)
