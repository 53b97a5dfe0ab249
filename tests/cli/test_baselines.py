"""The lecture's neuron beside its fast solver, least squares and LogisticRegression."""

import numpy as np
import pytest
import threadpoolctl
from sklearn.linear_model import LinearRegression, LogisticRegression

from oneneuron import NeuronClassifier
from oneneuron.cli import _baselines
from oneneuron.lecture import example1, first_network


@pytest.fixture(scope="module")
def data():
    # These blobs overlap, so that no method gets all samples right.
    return example1.get_data(300, random_state=2)


def accuracies(predict, data):
    return [
        float(np.mean((predict(pos) > 0.5) == v)) for pos, v in zip(data[:2], data[2:], strict=True)
    ]


def test_least_squares_agrees_with_linear_regression_cut_at_one_half(data):
    expected = accuracies(LinearRegression().fit(data[0], data[2]).predict, data)
    found = _baselines.fit_least_squares(data)
    assert [found.train_accuracy, found.test_accuracy] == expected


def test_logistic_regression_agrees_with_scikit_learn(data):
    model = LogisticRegression().fit(data[0], data[2])
    found = _baselines.fit_logistic_regression(data)
    assert [found.train_accuracy, found.test_accuracy] == [
        model.score(data[0], data[2]), model.score(data[1], data[3]),
    ]  # fmt: skip


def test_the_fast_solver_is_that_of_neuron_classifier_with_its_defaults(data):
    model = NeuronClassifier().fit(data[0], data[2])
    found = _baselines.fit_classifier(data)
    assert [found.train_accuracy, found.test_accuracy] == [
        model.score(data[0], data[2]), model.score(data[1], data[3]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("owner", "name", "method"),
    [
        (np.linalg, "lstsq", _baselines.fit_least_squares),
        (LogisticRegression, "fit", _baselines.fit_logistic_regression),
    ],
)
def test_blas_has_one_thread_while_a_method_is_timed(
    data, blas_threads, monkeypatch, owner, name, method
):
    if not blas_threads():
        pytest.skip("threadpoolctl does not know the linear algebra library here")
    found = []
    original = getattr(owner, name)

    def looking(*arguments):
        found.extend(blas_threads())
        return original(*arguments)

    monkeypatch.setattr(owner, name, looking)
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        method(data)
    assert set(found) == {1}


def test_the_neuron_is_scored_by_its_predictions(data):
    model = {"w1": 0.3, "w2": -1.0, "b": 0.2}
    found = _baselines.score_neuron(data, model, 1.5)
    assert [found.train_accuracy, found.test_accuracy] == accuracies(
        lambda pos: first_network.predict(pos, model), data
    )
    assert found.seconds == 1.5


def test_an_output_of_one_half_is_class_0(data):
    found = _baselines.score_neuron(data, {"w1": 0.0, "w2": 0.0, "b": 0.0}, 0.0)
    assert found.train_accuracy == np.mean(data[2] == 0)
