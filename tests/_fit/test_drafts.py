"""L-BFGS begins on a part of the samples where there are many: the same result in fewer passes."""

import numpy as np
import pytest
from helpers import LOSSES, bits, parameters_of

from oneneuron import NeuronClassifier

N = 2**19  # more than enough for a draft with one feature


@pytest.fixture(scope="module")
def many():
    """Noisy samples of two classes in one feature."""
    rng = np.random.default_rng(11)
    y = rng.random(N) < 0.3
    return rng.standard_normal((N, 1)) + 2.0 * y[:, None], y


@pytest.mark.parametrize("loss", LOSSES)
def test_the_first_step_leads_near_the_minimum_of_all_samples(many, loss):
    found = NeuronClassifier(loss=loss).fit(*many)
    start, first, *_ = found.loss_curve_
    # A sixteenth of the samples, 32,768, determines each parameter to about 1 %, which costs 1e-4
    # of what the whole step saves.
    assert first - found.loss_ < 1e-3 * (start - found.loss_)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_draft_leads_to_the_minimum_that_more_steps_find(many, loss):
    found = NeuronClassifier(loss=loss).fit(*many)
    exact = NeuronClassifier(loss=loss, tol=1e-9).fit(*many)
    assert found.stop_reason_ == "converged"
    np.testing.assert_allclose(parameters_of(found), parameters_of(exact), rtol=1e-4)


def test_a_fit_that_begins_at_the_minimum_makes_no_step(many):
    found = NeuronClassifier(warm_start=True).fit(*many)
    before = bits(parameters_of(found))
    assert max(found.fit(*many).n_iter_) == 0 and bits(parameters_of(found)) == before


def test_a_draft_makes_no_more_than_max_iter_steps(many):
    with pytest.warns(match="max_iter"):
        found = NeuronClassifier(max_iter=1).fit(*many)
    assert found.n_iter_.tolist() == [1] and found.loss_curve_[1] < found.loss_curve_[0]


def test_a_class_with_few_samples_is_trained_without_a_draft(many):
    X, y = many
    rare = np.where(np.arange(N) % 10_000 == 0, 2, y)
    found = NeuronClassifier(multi_class="ovr", record_every=1).fit(X, rare)
    assert found.stop_reason_ == "converged"
    # Only the first two neurons get near their minima with the first step.
    gains = [(h.cost[0] - h.cost[1]) / (h.cost[0] - h.cost[-1]) for h in found.history_]
    assert gains[0] > 0.999 and gains[1] > 0.999 and gains[2] < 0.99


def test_the_number_of_threads_changes_no_bit_of_a_drafted_fit(many):
    one, two = (NeuronClassifier(n_threads=k).fit(*many) for k in (1, 2))
    assert bits(parameters_of(one)) == bits(parameters_of(two))


def test_sorted_labels_change_the_result_by_rounding_alone(many):
    X, y = many
    order = np.argsort(y, kind="stable")
    found = NeuronClassifier().fit(X[order], y[order])
    expected = NeuronClassifier().fit(X, y)
    np.testing.assert_allclose(parameters_of(found), parameters_of(expected), rtol=1e-4)
