"""What the tests of several modules begin with."""

import signal
import threading

import pytest
from hypothesis import HealthCheck, Phase, settings

# No test depends on how long anything takes, or on what an earlier run has found.
_QUIET = {
    "deadline": None, "database": None, "suppress_health_check": list(HealthCheck),
    "phases": set(Phase) - {Phase.explain},
}  # fmt: skip
settings.register_profile("suite", max_examples=15, derandomize=True, **_QUIET)
settings.register_profile("long", max_examples=20_000, **_QUIET)  # --hypothesis-profile=long
settings.load_profile("suite")


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


@pytest.fixture
def blas_threads():
    """A function that tells the threads of each linear algebra library that is loaded."""
    from threadpoolctl import threadpool_info

    return lambda: [p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"]


@pytest.fixture
def hears_ctrl_c():
    """Ctrl-C raises KeyboardInterrupt."""
    # A shell starts background jobs deaf to it, and Python then leaves it so.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.fixture
def press_ctrl_c(hears_ctrl_c):
    """A function that lets Ctrl-C come after some seconds, once."""
    timers = []

    def press_after(seconds):
        timers.append(threading.Timer(seconds, signal.raise_signal, [signal.SIGINT]))
        timers[-1].start()
        return timers[-1]

    yield press_after
    for timer in timers:
        timer.join()
