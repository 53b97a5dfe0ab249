"""Settings and fixtures that several test files share."""

import signal
import threading
import time

import pytest
from helpers import HelperCounts, record_passes, wait_until
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
    """Yield pyplot without windows, and close the figures afterwards."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


@pytest.fixture
def ax(pyplot):
    """Return new Axes, which are pyplot's current ones."""
    return pyplot.subplots()[1]


@pytest.fixture
def blas_threads():
    """Return a function that counts the threads of each BLAS library that is loaded."""
    from threadpoolctl import threadpool_info

    return lambda: [p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"]


@pytest.fixture
def hears_ctrl_c():
    """Let Ctrl-C raise KeyboardInterrupt."""
    # A shell lets its background jobs ignore Ctrl-C, and Python then leaves that so.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.fixture
def press_ctrl_c(hears_ctrl_c):
    """Yield a function that sends one Ctrl-C, some seconds after a condition holds.

    It takes the seconds, and optionally the condition, a callable without arguments. It returns the
    thread that sends the signal.
    """
    threads = []

    def press(seconds, is_time=lambda: True):
        def wait_and_press():
            wait_until(is_time)
            time.sleep(seconds)
            signal.raise_signal(signal.SIGINT)

        threads.append(threading.Thread(target=wait_and_press, daemon=True))
        threads[-1].start()
        return threads[-1]

    yield press
    for thread in threads:
        thread.join()


@pytest.fixture
def made_passes(monkeypatch):
    """Return a list that receives every `Pass` that is made during the test."""
    return record_passes(monkeypatch.setattr)


@pytest.fixture
def helper_counts(made_passes):
    """Return a sequence of the numbers of helpers, one for each `Pass` made during the test."""
    return HelperCounts(made_passes)
