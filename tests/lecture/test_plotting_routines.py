"""The lecture's pictures draw the samples and the model that they are given."""

import matplotlib as mpl
import numpy as np
import pytest

from oneneuron.lecture import first_network
from oneneuron.lecture import plotting_routines as pr

POS = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
VALUE = np.array([0, 1, 0, 1])
MODEL = {"w1": 8.0, "w2": 0.0, "b": -4.0}

pytestmark = pytest.mark.usefixtures("pyplot")


def test_plot_dots_draws_both_classes():
    ax = pr.plot_dots(POS, VALUE)
    assert [c.get_offsets().tolist() for c in ax.collections] == [
        POS[VALUE == 0].tolist(), POS[VALUE == 1].tolist(),
    ]  # fmt: skip


def test_plot_decision_boundary_draws_the_boundary_of_the_model():
    ax = pr.plot_decision_boundary(POS, VALUE, MODEL, first_network.predict)
    contour = next(c for c in ax.collections if isinstance(c, mpl.contour.ContourSet))
    # The contour is interpolated linearly between grid points 0.006 apart.
    np.testing.assert_allclose(contour.get_paths()[0].vertices[:, 0], 0.5, atol=1e-3)


@pytest.mark.parametrize(
    ("model", "predict"),
    [(first_network.predict, MODEL), (MODEL, first_network.predict(POS, MODEL))],
    ids=["model and predict swapped", "predictions"],
)
def test_anything_but_a_function_that_predicts_is_refused(model, predict):
    with pytest.raises(
        TypeError, match=r"predict must be a function, such as first_network.predict"
    ):
        pr.plot_decision_boundary(POS, VALUE, model, predict)
