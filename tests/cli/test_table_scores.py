"""The scores of probabilities."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss

from oneneuron.cli._table_scores import Scores


@pytest.mark.parametrize("num_classes", [2, 3, 7])
def test_the_scores_are_those_of_scikit_learn(num_classes):
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(num_classes), 50)
    codes = rng.integers(0, num_classes, 50)
    found = Scores.of(probabilities, codes)
    assert found.accuracy == np.mean(probabilities.argmax(axis=1) == codes)
    assert found.log_loss == pytest.approx(log_loss(codes, probabilities))
    if num_classes == 2:
        assert found.brier == pytest.approx(brier_score_loss(codes, probabilities[:, 1]))
    else:
        total = ((probabilities - np.eye(num_classes)[codes]) ** 2).sum(axis=1).mean()
        assert found.brier == pytest.approx(total)


def test_a_class_that_was_ruled_out_has_a_finite_log_loss():
    found = Scores.of(np.array([[1.0, 0.0]]), np.array([1]))
    assert found == Scores(0.0, pytest.approx(36.04, abs=0.01), 1.0)


def test_the_mean_is_taken_of_each_score():
    found = Scores.mean([Scores(1.0, 2.0, 3.0), Scores(0.0, 4.0, 5.0)])
    assert found == Scores(0.5, 3.0, 4.0)
