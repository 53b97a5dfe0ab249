"""NeuronClassifier.partial_fit: one step of gradient descent at each call."""

import numpy as np
import pytest
from helpers import LOSSES, bits, make_classes, parameters_of
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

import oneneuron
from oneneuron import NeuronClassifier

ignore_max_iter = pytest.mark.filterwarnings("ignore:Training stopped at max_iter")


def repeated(X, y, k):
    """Return k copies of each sample."""
    return np.repeat(X, k, axis=0), np.repeat(y, k)


# --- Steps ---


@ignore_max_iter
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("num_classes", [2, 3])
def test_partial_fit_on_all_samples_makes_the_steps_of_fit(num_classes, loss):
    X, y, _ = make_classes(47, 200, 4, num_classes)
    options = dict(loss=loss, eta=0.01)
    whole = NeuronClassifier(solver="gd", max_iter=9, tol=0.0, **options).fit(X, y)
    found = NeuronClassifier(**options)
    for _ in range(9):
        found.partial_fit(X, y, classes=np.arange(num_classes))
    assert bits(found) == bits(whole)
    assert found.loss_curve_.tolist() == whole.loss_curve_[1:].tolist()
    assert (found.n_iter_.tolist(), found.loss_) == ([9], whole.loss_)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_cost_of_a_piece_does_not_rise(loss):
    X, y, _ = make_classes(48, 200, 4, 3)
    found = NeuronClassifier(loss=loss)
    for _ in range(50):
        found.partial_fit(X, y, classes=[0, 1, 2])
    assert np.all(np.diff(found.loss_curve_) <= 0.0)


@pytest.mark.parametrize("eta", ["auto", 0.05])
def test_partial_fit_makes_one_step_of_train_with_its_share_of_the_penalty(eta):
    X, y, rng = make_classes(48, 200, 4)
    u = rng.random(len(X))
    found = NeuronClassifier(eta=eta, alpha=0.5)
    weights, bias = np.zeros(4), 0.0
    for first, last in ((0, 50), (50, 120), (120, 200)):
        rows = slice(first, last)
        found.partial_fit(X[rows], y[rows], classes=[0, 1], sample_weight=u[rows])
        share = u[rows].sum() / u[:last].sum()
        weights, bias, *_ = oneneuron.train(
            X[rows], y[rows], eta=found.eta_, num_steps=1, init=(weights, bias),
            alpha=found.alpha_, sample_weight=u[rows],
        ).last  # fmt: skip
        assert found.alpha_ == pytest.approx(0.5 * share, rel=1e-14)
        assert bits(found) == bits((weights[None], np.array([bias])))


def test_the_step_size_gets_smaller_from_round_to_round():
    X, y, _ = make_classes(49, 40, 4)
    found, etas = NeuronClassifier(), []
    for i in list(range(40)) * 3:
        found.partial_fit(X[i : i + 1], y[i : i + 1], classes=[0, 1])
        etas.append(found.eta_)
    # A round counts once nine tenths of the samples have come again.
    assert np.all(np.diff(np.reshape(etas, (3, 40))[:, 36:], axis=0) < 0.0)


def rounds_over_pieces(classifier, X, y, size, num_rounds=60):
    """Train on pieces of one size, in a new order in each round."""
    rng = np.random.default_rng(0)
    for _ in range(num_rounds):
        order = rng.permutation(len(y))
        for rows in np.split(order, np.arange(size, len(y), size)):
            classifier.partial_fit(X[rows], y[rows], classes=np.unique(y))
    return classifier


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("size", [1, 8, 64])
def test_60_rounds_over_pieces_come_close_to_the_fit(size, loss):
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    found = rounds_over_pieces(NeuronClassifier(loss=loss), X, y, size)
    whole = NeuronClassifier(loss=loss).fit(X, y)
    assert abs(found.score(X, y) - whole.score(X, y)) <= 0.005
    sizes = [np.linalg.norm(c.coef_) for c in (found, whole)]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.1)


def test_a_piece_whose_weights_are_all_zero_changes_nothing():
    X, y, _ = make_classes(50, 200, 4, 3)
    found = NeuronClassifier().partial_fit(X, y, classes=[0, 1, 2])
    before = {name: repr(value) for name, value in vars(found).items()}
    found.partial_fit(X, y, sample_weight=np.zeros(len(X)))
    assert {name: repr(value) for name, value in vars(found).items()} == before


def test_a_first_piece_whose_weights_are_all_zero_leaves_the_model_at_its_start():
    X, y, _ = make_classes(50, 200, 4)
    nothing = NeuronClassifier(class_weight={0: 0.0, 1: 0.0})
    nothing.partial_fit(X, y, classes=[0, 1])
    assert nothing.n_iter_.tolist() == [0] and not nothing.coef_.any() and nothing.loss_ == 0.0
    found = NeuronClassifier().partial_fit(X, y, [0, 1], sample_weight=np.zeros(len(X)))
    assert bits(found.partial_fit(X, y)) == bits(NeuronClassifier().partial_fit(X, y, [0, 1]))


def test_partial_fit_continues_from_a_fit():
    X, y, _ = make_classes(52, 200, 4)
    found = NeuronClassifier(solver="gd", tol=1e-3).fit(X, y)
    cost = found.loss_
    found.partial_fit(X, y)
    assert 0.9 * cost < found.loss_ < cost


def test_a_fit_after_partial_fit_starts_afresh():
    X, y, _ = make_classes(53, 200, 4)
    found = NeuronClassifier().partial_fit(X, y, classes=[0, 1]).fit(X, y)
    assert bits(found) == bits(NeuronClassifier().fit(X, y))


def test_partial_fit_starts_at_init():
    X, y, rng = make_classes(54, 200, 4)
    init = rng.standard_normal((1, 4)), rng.standard_normal(1)
    found = NeuronClassifier(init=init, eta=1e-3, alpha=0.3).partial_fit(X, y, classes=[0, 1])
    expected = oneneuron.train(
        X, y, eta=1e-3, num_steps=1, init=(init[0][0], init[1][0]), alpha=0.3
    )
    assert found.coef_[0].tobytes() == expected.last.weights.tobytes()


@pytest.mark.parametrize("class_weight", [None, {1: 2.5}])
@pytest.mark.parametrize("loss", LOSSES)
def test_partial_fit_counts_a_sample_of_weight_k_as_k_copies(loss, class_weight):
    X, y, rng = make_classes(55, 200, 4)
    k = rng.integers(0, 4, len(X))
    weighted, copies = (NeuronClassifier(loss=loss, class_weight=class_weight) for _ in range(2))
    for _ in range(20):
        weighted.partial_fit(X, y, classes=[0, 1], sample_weight=k)
        copies.partial_fit(*repeated(X, y, k), classes=[0, 1])
    np.testing.assert_allclose(parameters_of(weighted), parameters_of(copies), rtol=1e-10)


def test_partial_fit_on_float32_samples_gives_a_float32_model():
    X, y, _ = make_classes(21, 200, 4)
    found = NeuronClassifier().partial_fit(X.astype(np.float32), y, classes=[0, 1])
    assert found.coef_.dtype == found.intercept_.dtype == np.float32


# --- Classes ---


def test_classes_may_be_given_in_any_order():
    X, y, _ = make_classes(50, 200, 4, 3)
    names = np.array(["a", "b", "c"])
    found = NeuronClassifier().partial_fit(X, names[y], classes=["c", "a", "b"])
    found.partial_fit(X, names[y]).partial_fit(X, names[y], classes=["b", "c", "a"])
    assert found.classes_.tolist() == ["a", "b", "c"] and found.n_iter_.tolist() == [3]
    expected = NeuronClassifier()
    for _ in range(3):
        expected.partial_fit(X, y, classes=[0, 1, 2])
    assert bits(found) == bits(expected)


@pytest.mark.parametrize("absent", [0, 1, 2])
def test_samples_without_a_class_make_a_step_against_it(absent):
    X, y, _ = make_classes(50, 200, 4, 3)
    present = y != absent
    found = NeuronClassifier(multi_class="ovr").partial_fit(
        X[present], y[present], classes=[0, 1, 2]
    )
    for k in range(3):
        alone = NeuronClassifier(multi_class="ovr").partial_fit(
            X[present], y[present] == k, classes=[False, True]
        )
        # Tiles hold one class each. With other classes, the sums have another order of additions.
        np.testing.assert_allclose(found.coef_[k], alone.coef_[0], rtol=1e-12, atol=1e-15)
        assert (found.intercept_[k] < 0) == (k == absent or np.mean(y[present] == k) < 0.5)


def test_partial_fit_on_one_class_does_not_warn():
    X, y, _ = make_classes(51, 200, 4)
    NeuronClassifier().partial_fit(X[y == 1], y[y == 1], classes=[0, 1])


# --- Refusals ---


@pytest.mark.parametrize(
    ("options", "arguments", "message"),
    [
        ({}, {}, r"classes must be given at the first call"),
        ({}, {"classes": [0, 5]}, r"y must only hold labels .*classes \[0, 5\], found \[1\]"),
        (
            {},
            {"classes": ["a", "b"]},
            r"y must only hold labels .*classes \['a', 'b'\], found \[0, 1\]",
        ),
        ({"class_weight": "balanced"}, {"classes": [0, 1]}, r"class_weight='balanced' needs all"),
    ],
)
def test_bad_arguments_of_a_first_call_raise_and_leave_the_classifier_unfitted(
    options, arguments, message
):
    X, y, _ = make_classes(56, 200, 4)
    found = NeuronClassifier(**options)
    with pytest.raises(ValueError, match=message):
        found.partial_fit(X, y, **arguments)
    assert not hasattr(found, "coef_")


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        ([0, 1, 2, 1], None, r"y must only hold labels .*classes \[0, 1\], found \[2\]"),
        (
            [0, 1, 0, 1],
            [0, 1, 2],
            r"classes must be the same as at the first call, \[0, 1\], found \[0, 1, 2\]",
        ),
        ([0.5, 1, 0, 1], None, r"Unknown label type: continuous"),
        ([0, 1, 0], None, r"inconsistent numbers of samples"),
    ],
)
def test_bad_arguments_of_a_later_call_raise_and_leave_the_model(labels, classes, message):
    X, y, _ = make_classes(57, 200, 4)
    found = NeuronClassifier().partial_fit(X, y, classes=[0, 1])
    before = bits(found), found.n_iter_.tolist(), found.loss_curve_.tolist()
    with pytest.raises(ValueError, match=message):
        found.partial_fit(X[:4], labels, classes=classes)
    assert (bits(found), found.n_iter_.tolist(), found.loss_curve_.tolist()) == before


def test_samples_with_other_features_raise():
    X, y, _ = make_classes(58, 200, 4)
    found = NeuronClassifier().partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="X has 3 features, but NeuronClassifier is expecting 4"):
        found.partial_fit(X[:, :3], y)


def test_a_step_to_infinite_parameters_is_not_made():
    X, y, _ = make_classes(59, 200, 4)
    with pytest.warns(RuntimeWarning, match="smaller eta"):
        found = NeuronClassifier(eta=1e308).partial_fit(X, y, classes=[0, 1])
    assert np.isfinite(found.coef_).all() and not found.coef_.any()
