"""What the tests of several modules begin with."""

import pytest


@pytest.fixture
def pyplot():
    """pyplot without windows; what is drawn is closed."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


@pytest.fixture
def ax(pyplot):
    """Axes to draw on, which are pyplot's current ones."""
    return pyplot.subplots()[1]
