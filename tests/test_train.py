"""`train`: its steps against the reference, its results and its arguments."""

import math
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from helpers import TOLERANCE, bits, make_init, make_samples, read_only
from hypothesis import given, settings
from hypothesis import strategies as st

import oneneuron
from oneneuron import reference, safe_eta
from oneneuron._train import start_training

X2 = [[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]]


def samples_and_start(seed, n, d, scale=1.0):
    """Return X, y, and the weights and the bias of a start."""
    X, y, rng = make_samples(seed, n, d, scale=scale)
    return X, y, *make_init(rng, d)


def assert_follows_reference(X, y, weights, bias, eta, num_steps):
    """Compare each step with the reference; return the descent and the reference's models."""
    descent = oneneuron.train(
        X, y, eta=eta, num_steps=num_steps, init=(weights, bias), record_every=1
    )
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
def test_every_step_equals_the_reference(seed, n, d, scale):
    X, y, weights, bias = samples_and_start(seed, n, d, scale)
    # With this step size, a step does not amplify the rounding errors of the one before.
    assert_follows_reference(X, y, weights, bias, safe_eta(X), 5)


@pytest.mark.parametrize("n", [31, 32, 33, 1023, 1024, 1025, 3000])
def test_samples_at_the_edge_of_tiles_and_blocks_count_once(n):
    X, y, weights, bias = samples_and_start(n, n, 3)
    assert_follows_reference(X, y, weights, bias, 1 / n, 3)


def test_the_accuracy_of_each_step_equals_the_reference():
    X, y, weights, bias = samples_and_start(1, 333, 4)
    descent, models = assert_follows_reference(X, y, weights, bias, 0.01, 50)
    assert descent.history.accuracy.tolist() == [reference.accuracy(X, y, *m) for m in models]


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("z", [-1e300, -800.0, -340.0, -40.0, 40.0, 340.0, 800.0, 1e300])
def test_a_saturated_neuron_has_the_cost_of_the_formula(z, label):
    cost = oneneuron.train([[1.0]], [label], eta=1, num_steps=0, init=([z], 0.0)).last.cost
    # The kernel's p^2 is at least the smallest normal number, hence 1e-307. At |z| = 340 the
    # rounding of z log2 e, 2.8e-14, is the error of p.
    np.testing.assert_allclose(
        cost, reference.cost(np.ones((1, 1)), label, np.array([z]), 0.0), rtol=2e-13, atol=1e-307
    )


def test_the_sigmoid_is_within_2_5_ulps_over_its_range():
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
    # 1 ulp for e, 1/2 each for 1 + e and 1 / (1 + e), and half of the square's rounding.
    assert ulps.max() <= 2.5


def test_an_output_of_one_half_is_class_0():
    descent = oneneuron.train(np.zeros((4, 1)), [0, 0, 0, 1], eta=1, num_steps=0, init=([1.0], 0.0))
    assert descent.last.accuracy == 0.75


@pytest.mark.parametrize("z", [1e-17, 1e-16, 2e-16, 3e-16, -1e-16])
def test_accuracy_rounds_the_output_of_a_sample_next_to_the_boundary(z):
    for label in (0, 1):
        found = oneneuron.train([[1.0]], [label], eta=1, num_steps=0, init=([z], 0.0)).last.accuracy
        # NumPy's own exp is a unit off here on some machines.
        assert found == float(np.round(1.0 / (1.0 + math.exp(-z))) == label)


def test_the_gradient_is_the_slope_of_the_cost():
    X, y, weights, bias = samples_and_start(2, 57, 5)
    eta = 1e-3
    after = oneneuron.train(X, y, eta=eta, num_steps=1, init=(weights, bias)).last
    step = np.append(weights - after.weights, bias - after.bias) / eta
    h = 1e-6
    for j, slope in enumerate(step):
        shift = h * np.eye(6)[j]
        up = reference.cost(X, y, weights + shift[:5], bias + shift[5])
        down = reference.cost(X, y, weights - shift[:5], bias - shift[5])
        # The errors of a central difference, h^2 and eps / h, are about 1e-10 times a cost of 10.
        assert slope == pytest.approx((up - down) / (2 * h), abs=1e-7)


def as_memory_map(X, tmp_path):
    np.save(tmp_path / "X.npy", X)
    return np.load(tmp_path / "X.npy", mmap_mode="r")


@pytest.mark.parametrize(
    "lay_out",
    [
        lambda X, tmp_path: np.asfortranarray(X),
        lambda X, tmp_path: np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
        lambda X, tmp_path: X[::-1].copy()[::-1],
        lambda X, tmp_path: X.tolist(),
        lambda X, tmp_path: X.astype(">f8"),
        read_only,
        as_memory_map,
    ],
    ids=["fortran", "strided", "reversed", "list", "big-endian", "read-only", "memory-map"],
)
def test_the_memory_layout_of_the_samples_changes_no_bit(lay_out, tmp_path):
    X, y, weights, bias = samples_and_start(3, 100, 7)
    plain = oneneuron.train(X, y, eta=0.01, num_steps=20, init=(weights, bias)).last
    found = oneneuron.train(
        lay_out(X, tmp_path), y, eta=0.01, num_steps=20, init=(weights, bias)
    ).last
    assert found.weights.tobytes() == plain.weights.tobytes()


def test_train_does_not_change_its_arguments():
    X, y, weights, bias = samples_and_start(4, 50, 2)
    before = X.copy(), weights.copy()
    oneneuron.train(X, y, eta=0.1, num_steps=10, init=(weights, bias))
    assert np.array_equal(X, before[0]) and np.array_equal(weights, before[1])


def test_best_is_the_first_updated_model_of_the_highest_accuracy():
    X, y, weights, bias = samples_and_start(5, 80, 2)
    descent = oneneuron.train(X, y, eta=0.05, num_steps=300, init=(weights, bias), record_every=1)
    accuracies = descent.history.accuracy[1:]
    assert descent.best.step == 1 + int(np.argmax(accuracies))
    assert descent.best.accuracy == accuracies.max()


def test_lowest_is_the_first_updated_model_of_the_lowest_cost():
    X, y, weights, bias = samples_and_start(6, 80, 2)
    with pytest.warns(RuntimeWarning, match="The cost rose"):
        descent = oneneuron.train(
            X, y, eta=5.0, num_steps=300, init=(weights, bias), record_every=1
        )
    costs = descent.history.cost[1:]
    assert descent.lowest.step == 1 + int(np.argmin(costs))
    assert descent.lowest.cost == costs.min()


def test_history_holds_the_start_and_every_tenth_step():
    X, y, weights, bias = samples_and_start(7, 20, 2)
    descent = oneneuron.train(X, y, eta=0.1, num_steps=25, init=(weights, bias), record_every=10)
    assert descent.history.step.tolist() == [0, 10, 20]
    assert descent.last.step == descent.num_steps == 25


def test_steps_made_in_stretches_give_the_same_bits():
    X, y, weights, bias = samples_and_start(8, 5000, 3)
    whole = start_training(X, y, eta=0.001, init=(weights, bias))
    whole.advance(30)
    stretches = start_training(X, y, eta=0.001, init=(weights, bias))
    for _ in range(10):
        stretches._budget = 1  # the kernel returns after every block
        stretches.advance(3)
    assert bits(stretches.model()) == bits(whole.model())


def test_a_descent_of_0_steps_returns_the_start():
    descent = oneneuron.train([[1.0], [2.0]], [0, 1], eta=1, num_steps=0, init=([0.5], -1.0))
    assert [m.step for m in (descent.last, descent.best, descent.lowest)] == [0, 0, 0]


# Some learn nothing, and some have a single class.
@pytest.mark.filterwarnings("ignore:The neuron:RuntimeWarning", "ignore:All samples:UserWarning")
@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 60), d=st.integers(1, 70))
def test_eta_auto_never_raises_the_cost(seed, n, d):
    X, y, weights, bias = samples_and_start(seed, n, d, 3.0)
    cost = oneneuron.train(
        X, y, eta="auto", num_steps=100, init=(weights, bias), record_every=1
    ).history.cost
    # The last digits of a sum of n terms of up to 1/2 are rounding errors.
    assert np.all(np.diff(cost) <= 1e-15 * n)


def test_a_seed_draws_the_start_from_numpys_random_state():
    X, y, *_ = samples_and_start(9, 10, 3)
    start = oneneuron.train(X, y, eta=1, num_steps=0, random_state=12).last
    assert [*start.weights, start.bias] == np.random.RandomState(12).random(4).tolist()


def test_a_descent_that_diverges_warns_and_returns_the_best_model_seen():
    with pytest.warns(RuntimeWarning, match="smaller eta"):
        descent = oneneuron.train(
            np.zeros((100, 1)), np.zeros(100), eta=1e308, num_steps=50, init=([0.0], 0.0)
        )
    assert (descent.stop_reason, descent.num_steps, descent.best.bias) == ("diverged", 0, 0.0)


def test_ctrl_c_raises_keyboard_interrupt_in_a_run_that_would_take_days(press_ctrl_c):
    X, y, weights, bias = samples_and_start(10, 1000, 2)
    press_ctrl_c(0.3)
    with pytest.raises(KeyboardInterrupt):
        oneneuron.train(X, y, eta=1e-9, num_steps=10**12, init=(weights, bias))


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.longdouble, Fraction])
@pytest.mark.parametrize("name", ["eta", "alpha"])
def test_a_number_of_any_type_counts_as_the_float_of_equal_value(name, kind):
    X, y, weights, bias = samples_and_start(11, 50, 2)
    found, expected = (
        oneneuron.train(
            X, y, num_steps=20, init=(weights, bias), **{"eta": 0.01, name: number}
        ).last
        for number in (kind(0.125), 0.125)
    )
    assert (found.weights.tobytes(), found.cost) == (expected.weights.tobytes(), expected.cost)


def test_float32_of_either_byte_order_is_computed_in_float32():
    X, y, weights, bias = samples_and_start(12, 50, 2)
    found, expected = (
        oneneuron.train(X.astype(dtype), y, eta=0.01, num_steps=20, init=(weights, bias)).last
        for dtype in (">f4", "f4")
    )
    assert found.weights.dtype == np.float32
    assert found.weights.tobytes() == expected.weights.tobytes()


@pytest.mark.parametrize("y", [np.array([0, 1, True], object), pd.array([0, 1, 1], dtype="Int64")])
def test_labels_may_be_objects(y):
    assert oneneuron.train(X2, y, eta=0.1, num_steps=1).last.step == 1


LISTS = np.empty(3, object)
LISTS[:] = [[1], [2, 3], [4]]
with np.errstate(over="ignore"):
    LARGE = np.ldexp(np.longdouble(1), 2000)  # infinite on systems whose long double is a double


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"y": [-1, 1, 1]}, ValueError, r"labels 0 and 1, found -1, 1: recode it, .*\(y\) == 1\.$"),
        ({"y": ["a", "b", "a"]}, ValueError, r"y must .* 'a', 'b': recode .*\(y\) == 'b'\.$"),
        ({"y": [0.5, 1, 0]}, ValueError, r"y must hold the labels 0 and 1, found 0.0, 0.5, 1.0"),
        ({"y": [[0], [1], [1]]}, ValueError, r"y must .*shape \(3, 1\): use .*\(y\)\.ravel\(\)\.$"),
        ({"y": [0, 1]}, ValueError, r"y must have shape \(3,\).*found shape \(2,\): pass the"),
        ({"y": ["0", "1", "1"]}, ValueError, r"found '0', '1': convert .*\(y\)\.astype\(int\)\.$"),
        ({"y": [0, np.nan, 1]}, ValueError, r"^y contains (?i:nan) at row 1: drop or fill those"),
        ({"y": [0, None, 1]}, ValueError, r"^y contains (None|nan) at row 1: drop or fill those"),
        ({"y": [0, 1, pd.NA]}, ValueError, r"^y contains <NA> at row 2: drop or fill those"),
        ({"y": ["a", None, "b"]}, ValueError, r"^y contains None at row 1: drop or fill those"),
        ({"y": LISTS}, ValueError, r"y must hold the labels 0 and 1, found \[1\]"),
        ({"sample_weight": np.ones((3, 1))}, ValueError, r"use sample_weight\.ravel\(\)\.$"),
        ({"X": [[1.0], [2.0, 3.0], [1.0]]}, ValueError, "X must have rows of equal length"),
        ({"X": [1.0, 2.0, 3.0]}, ValueError, r"X must .*shape \(3,\).*reshape\(-1, 1\), for"),
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
        ({"num_steps": 2**63}, ValueError, r"num_steps must be at most 9223372036854775807"),
        ({"num_steps": np.timedelta64(2, "s")}, TypeError, r"num_steps must be a whole number"),
        ({"num_steps": 1.5}, TypeError, r"num_steps must be a whole number, 0 or more, found 1.5"),
        ({"record_every": -1}, ValueError, r"record_every must be 0 or more, found -1"),
        ({"init": ([1.0], 0.0)}, ValueError, r"init must have weights of shape \(2,\)"),
        ({"init": ([1.0, np.inf], 0.0)}, ValueError, r"init must be finite"),
        ({"init": ([1, 1j], 0.0)}, TypeError, r"init must hold numbers, found dtype complex128"),
        ({"init": ([1, 2], 10**400)}, TypeError, r"init must hold numbers: int too large"),
        ({"init": ([1.0, 2.0], [0.0])}, ValueError, r"found shapes \(2,\) and \(1,\)"),
        ({"init": 3}, TypeError, r"init must be a pair \(weights, bias\)"),
        ({"random_state": 2**32}, ValueError, r"random_state must be at most 4294967295"),
        ({"random_state": -1, "init": ([0, 0], 0.0)}, ValueError, r"random_state must be"),
        ({"random_state": "x"}, TypeError, r"random_state must be a whole number, .*found 'x'"),
        ({"init": ([1.7e308, 0.0], 0.0)}, ValueError, r"X is too large for w.x .* at the start"),
        ({"X": [[1e200, 0.0]] * 3, "eta": "auto"}, ValueError, r"squares are infinite: scale X"),
    ],
)  # fmt: skip
def test_bad_input_raises_an_error_that_names_it(change, error, message):
    arguments = {"X": X2, "y": [0, 1, 1], "eta": 0.1, "num_steps": 5, **change}
    with np.errstate(over="ignore"), pytest.raises(error, match=message):
        oneneuron.train(**arguments)
