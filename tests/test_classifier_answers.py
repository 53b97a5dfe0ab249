"""The predictions of a fitted NeuronClassifier: labels, shapes, dtypes, scores, probabilities."""

import mpmath
import numpy as np
import pytest
from helpers import LOSSES, SOLVERS, bits, make_classes
from scipy.special import expit, softmax
from sklearn.exceptions import NotFittedError

from oneneuron import NeuronClassifier

EPS = np.finfo(float).eps

# --- Labels ---


@pytest.mark.parametrize(
    "names",
    [
        np.array(["no", "yes"]),
        np.array(["no", "yes"], dtype=object),
        np.array([False, True]),
        np.array([-1, 1]),
        np.array([-1.0, 1.0]),
        np.array([3, 7], dtype=np.uint8),
    ],
    ids=["strings", "objects", "booleans", "signs", "floats", "bytes"],
)
def test_labels_of_any_kind_give_the_same_model_and_are_predicted(names):
    X, y, _ = make_classes(17, 200, 4)
    found = NeuronClassifier().fit(X, names[y])
    expected = NeuronClassifier().fit(X, y)
    assert bits(found) == bits(expected)
    assert found.classes_.dtype == names.dtype and found.classes_.tolist() == names.tolist()
    assert found.predict(X).tolist() == names[expected.predict(X)].tolist()
    assert found.predict(X).dtype == names.dtype


def test_labels_may_be_a_list_of_strings_and_classes_are_sorted():
    X, y, _ = make_classes(18, 200, 4, 3)
    names = np.array(["wine", "beer", "ale"])
    found = NeuronClassifier().fit(X, names[y].tolist())
    assert found.classes_.tolist() == ["ale", "beer", "wine"]
    assert bits(found) == bits(NeuronClassifier().fit(X, 2 - y))


@pytest.mark.filterwarnings("ignore:All samples are of one class")
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_fit_on_one_class_always_predicts_it(loss, solver):
    X, *_ = make_classes(26, 200, 4)
    # The log loss falls for ever, and its slope is 1/k after k steps of gradient descent.
    found = NeuronClassifier(solver=solver, loss=loss, tol=1e-4).fit(X, np.full(200, "only"))
    assert found.classes_.tolist() == ["only"] and found.coef_.shape == (1, 4)
    assert set(found.predict(X)) == {"only"}
    assert found.predict_proba(X).tolist() == [[1.0]] * 200
    assert found.decision_function(X).shape == (200, 1)


# --- dtypes and layouts ---


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("num_classes", [2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_answers_have_the_dtype_of_the_samples(dtype, num_classes, solver):
    X, y, _ = make_classes(20, 200, 4, num_classes)
    X = X.astype(dtype)
    found = NeuronClassifier(solver=solver).fit(X, y)
    answers = found.decision_function(X), found.predict_proba(X)
    assert {a.dtype for a in (found.coef_, found.intercept_, *answers)} == {np.dtype(dtype)}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("solver", SOLVERS)
def test_float32_samples_give_the_model_of_float64_samples(solver, loss):
    X, y, _ = make_classes(22, 200, 4)
    found, expected = (
        NeuronClassifier(solver=solver, loss=loss, tol=1e-4).fit(X.astype(dtype), y)
        for dtype in (np.float32, np.float64)
    )
    # Either is within tol of the minimum: a gradient of 1e-4 n over a curvature of about n / 100.
    np.testing.assert_allclose(found.coef_, expected.coef_, atol=1e-2)


def test_integer_samples_are_computed_in_float64():
    X, y, _ = make_classes(23, 200, 4)
    X = np.round(3 * X).astype(np.int16)
    found = NeuronClassifier().fit(X, y)
    assert bits(found) == bits(NeuronClassifier().fit(X.astype(float), y))


def test_float32_of_either_byte_order_is_computed_in_float32():
    X, y, _ = make_classes(70, 200, 4)
    found = NeuronClassifier().fit(X.astype(">f4"), y)
    assert found.coef_.dtype == np.float32
    assert bits(found) == bits(NeuronClassifier().fit(X.astype("f4"), y))


@pytest.mark.parametrize("method", ["fit", "decision_function"])
@pytest.mark.parametrize(
    "lay_out",
    [np.asfortranarray, lambda X: X[::-1].copy()[::-1], lambda X: np.repeat(X, 2, axis=1)[:, ::2]],
    ids=["fortran", "reversed", "strided"],
)
def test_the_memory_layout_of_the_samples_changes_no_bit(lay_out, method):
    X, y, _ = make_classes(71, 1001, 37)
    if method == "fit":
        assert bits(NeuronClassifier().fit(lay_out(X), y)) == bits(NeuronClassifier().fit(X, y))
    else:
        answer = NeuronClassifier().fit(X, y).decision_function
        assert answer(lay_out(X)).tobytes() == answer(X).tobytes()


# --- Scores and probabilities ---


@pytest.mark.parametrize("num_classes", [2, 3, 5])
def test_two_classes_have_one_neuron_and_more_classes_one_each(num_classes):
    X, y, _ = make_classes(24, 200, 4, num_classes)
    found = NeuronClassifier().fit(X, y)
    num_neurons = 1 if num_classes == 2 else num_classes
    assert found.coef_.shape == (num_neurons, 4) and found.intercept_.shape == (num_neurons,)
    assert found.decision_function(X).shape == ((200,) if num_classes == 2 else (200, num_classes))
    assert found.predict_proba(X).shape == (200, num_classes)
    assert found.n_features_in_ == 4


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("num_classes", [2, 3, 5])
def test_probabilities_sum_to_1_and_predict_returns_the_likeliest_class(num_classes, dtype):
    X, y, _ = make_classes(25, 200, 4, num_classes)
    found = NeuronClassifier().fit(X.astype(dtype), y)
    probabilities = found.predict_proba(X.astype(dtype))
    # One rounding for each class.
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=4 * np.finfo(dtype).eps)
    assert np.array_equal(found.predict(X.astype(dtype)), probabilities.argmax(axis=1))


def classifier_with_scores(scores):
    """Return a fitted classifier, and samples on which its scores w.x + b are the given ones."""
    scores = np.array(scores, dtype=float)
    side = scores.shape[1]
    num_classes = 2 if side == 1 else side
    X, y = np.tile(np.eye(side), (num_classes, 1)), np.repeat(np.arange(num_classes), side)
    found = NeuronClassifier().fit(X, y)
    found.coef_, found.intercept_ = np.eye(side), np.zeros(side)
    return found, scores


@pytest.mark.parametrize(
    "scores", [[[0.0, 1.0, -2.0], [3.0, 3.0, 3.0]], [[-1e3, -1001.0, 700.0], [1e5, 0.0, -1e5]]]
)
def test_probabilities_of_a_layer_are_the_softmax_of_its_outputs(scores):
    found, X = classifier_with_scores(scores)
    np.testing.assert_allclose(
        found.predict_proba(X), softmax(scores, axis=1), rtol=1e-13, atol=1e-300
    )


def test_probabilities_are_the_neurons_outputs_divided_by_their_sum():
    found, X = classifier_with_scores([[0.0, 1.0, -2.0], [3.0, 3.0, 3.0], [-1.0, 0.5, 2.0]])
    found.set_params(multi_class="ovr")
    sigmas = expit(X)
    np.testing.assert_allclose(
        found.predict_proba(X), sigmas / sigmas.sum(axis=1, keepdims=True), rtol=1e-14
    )


def test_probabilities_are_right_where_every_output_underflows():
    found, X = classifier_with_scores([[-1000.0, -1001.0, -1003.0], [-2000.0, -1e5, -1e6]])
    found.set_params(multi_class="ovr")
    # There sigma(z) is e^z to all digits, and the factor e^-1000 cancels.
    terms = np.exp([[0.0, -1.0, -3.0], [0.0, -1e5, -1e6]])
    expected = terms / terms.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.predict_proba(X), expected, rtol=1e-12)


def test_probabilities_of_two_classes_keep_their_digits_near_0():
    found, X = classifier_with_scores([[-700.0], [700.0]])
    tiny = np.exp(-700.0)
    np.testing.assert_allclose(found.predict_proba(X), [[1.0, tiny], [tiny, 1.0]], rtol=1e-12)


def test_a_tie_is_predicted_as_the_first_class():
    assert classifier_with_scores([[0.0]])[0].predict([[0.0]]).tolist() == [0]
    found, X = classifier_with_scores([[1.0, 1.0, 0.0], [-5.0, 2.0, 2.0]])
    assert found.predict(X).tolist() == [0, 1]


# --- Logarithms of probabilities ---

# Rows whose probabilities are moderate, underflow, differ from 1 by less than eps, or are equal.
LAYER_SCORES = [
    [0.3, 1.0, -2.0], [800.0, 0.0, -900.0], [-1000.0, -1001.0, -1003.0], [60.0, -3.0, 1.0],
    [5.0, 5.0, 5.0], [-2000.0, -1e5, -1e6], [1e-9, 0.0, -1e-9], [-36.0, -36.5, -40.0],
    [1e200, -1e200, 0.0], [50.0, 51.0, -750.0],
]  # fmt: skip


def exact_logarithms(scores, multi_class):
    """Return the logarithms of the probabilities for a row of scores, with 500 digits."""
    with mpmath.workdps(500):  # 1 - f has 300 digits less than f where f is close to 1
        z = [mpmath.mpf(float(score)) for score in scores]
        if len(z) == 1:
            return [float(-mpmath.log1p(mpmath.exp(m))) for m in (z[0], -z[0])]
        terms = [mpmath.exp(m) if multi_class == "softmax" else 1 / (1 + mpmath.exp(-m)) for m in z]
        return [float(mpmath.log(term / mpmath.fsum(terms))) for term in terms]


@pytest.mark.parametrize("multi_class", ["softmax", "ovr"])
@pytest.mark.parametrize("scores", LAYER_SCORES, ids=str)
def test_logarithms_of_probabilities_are_right_to_the_last_digits(scores, multi_class):
    found, X = classifier_with_scores([scores])
    found.set_params(multi_class=multi_class)
    expected = exact_logarithms(scores, multi_class)
    # A difference of logarithms of up to 37 is off by half a unit of their last digits, which is
    # 16 eps beside logarithms of the order of 1.
    np.testing.assert_allclose(found.predict_log_proba(X), [expected], rtol=32 * EPS)


@pytest.mark.parametrize("score", [-1e5, -750.0, -36.0, -1.0, -1e-9, 0.0, 2.0, 40.0, 700.0])
def test_logarithms_of_two_probabilities_are_right_to_the_last_digits(score):
    found, X = classifier_with_scores([[score]])
    expected = exact_logarithms([score], "softmax")
    np.testing.assert_allclose(found.predict_log_proba(X), [expected], rtol=4 * EPS)


@pytest.mark.parametrize("multi_class", ["softmax", "ovr"])
@pytest.mark.parametrize("num_classes", [2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logarithms_are_those_of_the_probabilities_in_the_same_dtype(
    dtype, num_classes, multi_class
):
    X, y, _ = make_classes(27, 200, 4, num_classes)
    X = X.astype(dtype)
    found = NeuronClassifier(multi_class=multi_class).fit(X, y)
    logarithms = found.predict_log_proba(X)
    assert logarithms.dtype == dtype
    # The relative error of a probability is the absolute error of its logarithm.
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(logarithms, np.log(found.predict_proba(X)), rtol=0, atol=32 * eps)


def test_a_logarithm_beyond_float32_is_infinite_without_a_warning():
    X, y, _ = make_classes(28, 60, 3, 3)
    found = NeuronClassifier().fit(X.astype(np.float32), y)
    found.coef_, found.intercept_ = np.eye(3, dtype=np.float32), np.zeros(3, np.float32)
    logarithms = found.predict_log_proba(np.float32([[3e38, 0.0, -3e38]]))
    assert logarithms.tolist() == [[0.0, -float(np.float32(3e38)), -np.inf]]


@pytest.mark.filterwarnings("ignore:All samples are of one class")
def test_the_logarithm_of_the_probability_of_a_single_class_is_0():
    X, *_ = make_classes(26, 200, 4)
    found = NeuronClassifier().fit(X, np.full(200, "only"))
    assert found.predict_log_proba(X).tolist() == [[0.0]] * 200


# --- No answer ---


@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "predict_log_proba", "decision_function"]
)
def test_an_answer_before_a_fit_raises_not_fitted_error(method):
    with pytest.raises(NotFittedError):
        getattr(NeuronClassifier(), method)([[1.0]])


@pytest.mark.parametrize(
    "method", ["decision_function", "predict", "predict_proba", "predict_log_proba"]
)
def test_samples_too_large_for_a_finite_answer_raise(method):
    found = NeuronClassifier().fit([[0.0, 1.0], [1.0, 0.0]], [0, 1])
    found.coef_[:] = 10.0
    with pytest.raises(ValueError, match=r"X is too large for w.x \+ b to be finite"):
        getattr(found, method)([[1e308, -1e308]])
