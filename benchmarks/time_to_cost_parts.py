"""Where the time of a fit goes, for `time_to_cost.py --breakdown`."""

from functools import partial
from importlib import import_module
from inspect import getattr_static
from time import perf_counter
from unittest import mock

import numpy as np
from time_to_cost_rivals import ALPHA

from oneneuron import NeuronClassifier

# The time within a function, by its module and its name there. One that does not exist, is not
# called or cannot be replaced is left out. A part with a dash belongs to the one above it.
PARTS = (
    ("parameters", "oneneuron._classifier", "NeuronClassifier._options"),
    ("checks of X and y, class codes", "oneneuron._classifier", "validated_samples_and_labels"),
    ("layout", "oneneuron._classifier", "laid_out"),
    ("means and scales", "oneneuron._fit.neurons", "Neurons._limits"),
    ("preconditioner", "oneneuron._engine.second_moments", "SecondMoments.preconditioner"),
    ("pass at the start", "oneneuron._fit.neurons", "Neurons._start"),
    ("draft on a part of the samples", "oneneuron._fit.neurons", "Neurons._draft"),
    ("solver, with all other passes", "oneneuron._fit.neurons", "Neurons._run"),
)


def parts(X, y, rounds):
    """Return (part, seconds), with the minimum over the rounds, and the number of iterations."""
    model = NeuronClassifier(loss="log", alpha=ALPHA)
    short = NeuronClassifier(loss="log", alpha=ALPHA, max_iter=1)
    runs = {
        "whole fit": partial(_seconds, partial(model.fit, X, y)),
        "a fit of one iteration": partial(_seconds, partial(short.fit, X, y)),
        **dict(_wrapped(partial(model.fit, X, y))),
        # Not parts of a fit, but yardsticks.
        "(a copy of X)": partial(_seconds, partial(np.array, X, order="C")),
        "(np.unique(y))": partial(_seconds, partial(np.unique, y)),
    }
    # One part at a time, since reading the clock takes time, too.
    found = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            found[name].append(run())
    least = {name: min(seconds) for name, seconds in found.items()}
    num_steps = max(model.n_iter_)
    further = (least["whole fit"] - least["a fit of one iteration"]) / max(1, num_steps - 1)
    items = list(least.items())
    items.insert(2, ("each further iteration", further))
    return [(name, seconds) for name, seconds in items if seconds], num_steps


def _wrapped(run):
    """Yield the name of each part that exists, with a function that times it during a run."""
    for name, module, path in PARTS:
        *owners, last = path.split(".")
        try:
            owner = import_module(module)
            for each in owners:
                owner = getattr(owner, each)
            with mock.patch.object(owner, last, getattr(owner, last)):
                pass
        except (ImportError, AttributeError, TypeError):  # TypeError: a compiled class
            continue
        yield name, partial(_seconds_within, owner, last, run)


def _seconds(run):
    start = perf_counter()
    run()
    return perf_counter() - start


def _seconds_within(owner, name, run):
    """Return the total time of all calls of a function during a run."""
    total = 0.0
    function = getattr(owner, name)

    def timed(*args, **kwargs):
        nonlocal total
        start = perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            total += perf_counter() - start

    is_static = isinstance(getattr_static(owner, name), staticmethod)
    with mock.patch.object(owner, name, staticmethod(timed) if is_static else timed):
        run()
    return total
