"""The lecture's functions, against the lecture's own loop."""

import numpy as np
import pytest

import oneneuron
from oneneuron import Model
from oneneuron.lecture import example1, first_network

ARGUMENTS = {"x": [[0.0, 1.0], [1.0, 0.0]], "y": [0, 1], "eta": 0.1, "num_steps": 3}


def lecture_loop(x, y, eta, num_steps):
    """Return the best score in percent and its (w1, w2, b), the first one if several share it."""
    w1, w2, b = np.random.random(), np.random.random(), np.random.random()
    best = (0.0, None)

    def output():
        return 1.0 / (1.0 + np.exp(-(w1 * x[:, 0] + w2 * x[:, 1] + b)))

    f = output()
    for _ in range(num_steps):
        slope = (f - y) * f * (1 - f)
        w1, w2, b = (
            w1 - eta * np.sum(slope * x[:, 0]),
            w2 - eta * np.sum(slope * x[:, 1]),
            b - eta * np.sum(slope),
        )
        f = output()
        score = np.sum(np.round(f) == y) * (100.0 / len(y))
        if score > best[0]:
            best = (score, (w1, w2, b))
    return best


@pytest.mark.parametrize("seed", range(20))
def test_build_model_finds_the_model_and_score_of_the_lectures_loop(seed, capsys):
    x, _, y, _ = example1.get_data(500, random_state=seed)
    np.random.seed(seed)
    score, parameters = lecture_loop(x, y, 5e-3, 10_000)
    np.random.seed(seed)
    model = first_network.build_model(x, y, eta=5e-3)
    # The rounding errors of 10,000 steps.
    np.testing.assert_allclose([model["w1"], model["w2"], model["b"]], parameters, rtol=1e-9)
    assert f"Our best model gets {score:.1f} percent correct!" in capsys.readouterr().out


def test_build_model_prints_the_lines_of_the_lecture(capsys):
    x, _, y, _ = example1.get_data(100, random_state=0)
    first_network.build_model(x, y, eta=1e-3, num_steps=2001)
    words = [line.rsplit(" ", 2)[0] for line in capsys.readouterr().out.splitlines()]
    assert words[:3] == ["Best by step 0:", "Best by step 1000:", "Best by step 2000:"]
    assert words[3].startswith("Our best model gets")


def test_the_line_of_step_0_has_the_score_of_the_first_update(capsys):
    # All draws are positive, so the start predicts class 1. One long step corrects that.
    first_network.build_model([[1.0]], [0], eta=1000.0, num_steps=1)
    assert "Best by step 0: 100.0 %" in capsys.readouterr().out


def test_print_best_false_prints_nothing(capsys):
    first_network.build_model(**ARGUMENTS, print_best=False)
    assert capsys.readouterr().out == ""


def test_a_model_with_no_sample_right_is_still_returned():
    model = first_network.build_model([[1.0]], [0], eta=1e-9, num_steps=5, print_best=False)
    assert sorted(model) == ["b", "w1"]


def test_a_model_of_d_features_has_the_keys_w1_to_wd_and_b():
    model = first_network.build_model(np.eye(3), [0, 1, 1], eta=0.1, num_steps=2, print_best=False)
    assert list(model) == ["w1", "w2", "w3", "b"]
    assert all(type(value) is float for value in model.values())


def test_build_model_draws_w1_w2_and_b_in_this_order():
    np.random.seed(3)
    expected = [np.random.random() for _ in range(3)]
    np.random.seed(3)
    model = first_network.build_model(**{**ARGUMENTS, "num_steps": 0}, print_best=False)
    assert list(model.values()) == expected


def test_sigma_is_the_formula_of_the_lecture():
    x, model = np.array([[1.0, 2.0], [-1.0, 0.5]]), {"w1": 0.3, "w2": -0.7, "b": 0.1}
    z = 0.3 * x[:, 0] - 0.7 * x[:, 1] + 0.1
    np.testing.assert_allclose(first_network.sigma(x, model), 1 / (1 + np.exp(-z)), rtol=1e-15)


def test_predict_takes_any_finite_z_without_a_warning():
    model = {"w1": 1.0, "b": 0.0}
    low, middle, high = first_network.predict([[-1e308], [0.0], [1e308]], model)
    # The kernel's exponential goes down to 2^-1020.
    assert 0.0 <= low <= 2.0**-1020 and (middle, high) == (0.5, 1.0)


@pytest.mark.parametrize("x", [[[1e308, -1e308]], [[1e308, 1e308]]])
def test_samples_too_large_for_a_finite_answer_raise(x):
    with pytest.raises(ValueError, match=r"x is too large for w.x \+ b to be finite"):
        first_network.predict(x, {"w1": 10.0, "w2": 10.0, "b": 0.0})


@pytest.mark.parametrize("lay_out", [np.asfortranarray, lambda x: x[:, ::-1].copy()[:, ::-1]])
def test_the_memory_layout_of_the_samples_changes_no_bit(lay_out):
    x = np.random.default_rng(0).standard_normal((1001, 37))
    model = {"b": 0.1, **{f"w{j + 1}": 1 / (j + 3) for j in range(37)}}
    assert (
        first_network.sigma(lay_out(x), model).tobytes() == first_network.sigma(x, model).tobytes()
    )


@pytest.mark.parametrize("y", [[False, True], [0.0, 1.0], np.array([0, 1], np.uint8)])
def test_labels_may_be_booleans_or_floats(y):
    first_network.build_model(**{**ARGUMENTS, "y": y}, print_best=False)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"y": [-1, 1]}, ValueError, "y must hold the labels 0 and 1"),
        ({"y": ["0", "1"]}, ValueError, "y must hold the labels 0 and 1"),
        ({"y": [[0], [1]]}, ValueError, r"y must have shape \(2,\)"),
        ({"x": [0.0, 1.0]}, ValueError, "x must have two dimensions"),
        ({"x": [[0.0, np.nan]] * 2}, ValueError, "x must be finite"),
        ({"eta": 0.0}, ValueError, "eta must be finite and above 0"),
        ({"eta": "safe"}, TypeError, "eta must be"),
        ({"num_steps": -1}, ValueError, "num_steps must be 0 or more"),
    ],
)
def test_bad_input_raises_before_anything_is_drawn(change, error, message):
    np.random.seed(0)
    with pytest.raises(error, match=message):
        first_network.build_model(**{**ARGUMENTS, **change})
    assert np.random.random() == np.random.RandomState(0).random()


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        ({"w1": 1.0, "w2": 1.0}, ValueError, "must have the keys w1, w2, b"),
        ({"w1": 1.0, "b": 1.0}, ValueError, "must have the keys w1, w2, b .* found w1, b"),
        ({"w1": 1.0, "w2": 1.0, "w3": 1.0, "b": 0.0}, ValueError, "must have the keys w1, w2, b"),
        ({"w1": "a", "w2": 1.0, "b": 0.0}, TypeError, r"model\['w1'\] must be a number"),
        ({"w1": np.nan, "w2": 1.0, "b": 0.0}, ValueError, r"model\['w1'\] must be finite"),
        ([1.0, 1.0, 0.0], TypeError, "model must be a dict"),
        (
            oneneuron.train([[0.0, 1.0], [1.0, 0.0]], [0, 1], eta=0.1, num_steps=1),
            TypeError,
            "model must be a single model, found a Descent: pass its best, or its last.",
        ),
    ],
)
def test_a_model_that_does_not_fit_the_samples_raises(model, error, message):
    with pytest.raises(error, match=message):
        first_network.predict([[0.0, 1.0]], model)


def test_transposed_samples_raise_with_the_remedy_and_a_short_list_of_keys():
    message = (
        r"the keys w1, w2, \.\.\., w100, b for x with 100 features, found w1, w2, b: transpose x."
    )
    with pytest.raises(ValueError, match=message):
        first_network.predict(np.zeros((2, 100)), {"w1": 1.0, "w2": 1.0, "b": 0.0})


@pytest.mark.parametrize("model", [{"w1": 1.0, "b": 0.0}, Model(np.ones(1), 0.0, 0, 1.0, 0.0)])
def test_a_model_in_the_place_of_the_samples_raises_with_the_right_order(model):
    with pytest.raises(TypeError, match=r"x must be the samples, found a model: .* after them"):
        first_network.predict(model, [[1.0]])


def test_a_descent_that_diverges_warns_and_returns_the_best_model():
    with pytest.warns(RuntimeWarning, match="smaller eta"):
        model = first_network.build_model(
            np.zeros((100, 1)), np.zeros(100), eta=1e308, num_steps=50, print_best=False
        )
    assert np.isfinite(list(model.values())).all()
