"""Functions that several test files share: makers of samples, exact comparisons, spies."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

from oneneuron import _losses, reference
from oneneuron._engine import passes
from oneneuron._engine.joined import JoinedPass
from oneneuron._engine.sums import add_up

LOSSES = list(_losses.LOSSES)  # their names; the records are in `_losses`
SOLVERS = ["gd", "lbfgs"]

# The relative difference allowed between two float64 computations of the same few steps. They round
# their margins differently and add up in another order.
TOLERANCE = 1e-12

# What a test waits for comes much sooner, even on a busy machine, unless something hangs.
SECONDS_UNTIL_GIVEN_UP = 60


# --- Samples ---


def make_samples(seed, n=200, d=3, dtype=np.float64, scale=1.0):
    """Return X, noisy labels 0 and 1 that follow the first feature, and the generator."""
    rng = np.random.default_rng(seed)
    X = (scale * rng.standard_normal((n, d))).astype(dtype)
    y = (X[:, 0] + rng.standard_normal(n) > 0).astype(int)
    return X, y, rng


def make_classes(seed, n=120, d=3, num_classes=2):
    """Return X, labels of overlapping classes, and the generator; no cost falls to 0."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    scores = X @ rng.standard_normal((d, num_classes)) + rng.standard_normal((n, num_classes))
    return X, scores.argmax(axis=1), rng


def make_start(rng, d):
    """Draw d + 1 parameters, the bias last, with which margins are of order 1."""
    return rng.standard_normal(d + 1) / np.sqrt(d)


def make_init(rng, d):
    """Draw an `init` for `oneneuron.train`: d standard normal weights and a bias."""
    return rng.standard_normal(d), float(rng.standard_normal())


def read_only(array, *_):
    """Return a copy that refuses to be written to."""
    array = array.copy()
    array.flags.writeable = False
    return array


def unaligned(array):
    """Return a copy that begins one byte beyond an aligned address."""
    moved = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    moved[...] = array
    return moved


# --- Results ---


def bits(value):
    """Return all bits of a result: a model, a descent, a fitted classifier, arrays, containers."""
    if hasattr(value, "coef_"):
        value = value.coef_, value.intercept_
    if isinstance(value, dict):
        return {name: bits(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return tuple(bits(part) for part in value)
    if isinstance(value, set):
        return value
    array = np.asarray(value)
    return array.dtype.name, array.shape, array.astype(array.dtype.newbyteorder("=")).tobytes()


def parameters_of(classifier):
    """Return the parameters of a fitted classifier, of shape (num_neurons, d + 1), biases last."""
    return np.column_stack([classifier.coef_, classifier.intercept_])


def slopes_by_formula(parameters, X, y, loss="quadratic"):
    """Return the derivative of each sample's cost in z = w.x + b."""
    z = X @ parameters[:-1] + parameters[-1]
    slopes = {
        "quadratic": reference.error(z, y) * reference.sigma(z) * reference.sigma(-z),
        "log": reference.error(z, y),
    }
    return slopes[loss]


def cost_and_gradient(parameters, X, y, sample_weight=None, alpha=0.0, loss="quadratic"):
    """Return the weighted cost with its penalty and its gradient, by the formulas."""
    w, z = parameters[:-1], X @ parameters[:-1] + parameters[-1]
    u = np.ones(len(X)) if sample_weight is None else sample_weight
    costs = {
        "quadratic": 0.5 * reference.error(z, y) ** 2,
        "log": np.logaddexp(0.0, np.where(y == 1, -z, z)),
    }
    slopes = u * slopes_by_formula(parameters, X, y, loss)
    gradient = np.append(slopes @ X + alpha * w, slopes.sum())
    return u @ costs[loss] + 0.5 * alpha * w @ w, gradient


# --- Passes ---


def joined(run, sizes, action=lambda: None, total=add_up):
    """Return a `JoinedPass` that makes another pass each time, and then calls ``action()``.

    `sizes` are the numbers of models, of the neurons in each, and of features. ``total(subtrees)``
    returns the sums.
    """

    def sums(parameters, active):
        subtrees = run.sums(parameters, active)
        action()
        return total(subtrees)

    return JoinedPass(sums, *sizes)


# --- Threads and processes ---


def wait_until(condition):
    """Wait until the condition, a callable, holds; fail after SECONDS_UNTIL_GIVEN_UP."""
    give_up = time.monotonic() + SECONDS_UNTIL_GIVEN_UP
    while not condition():
        assert time.monotonic() < give_up, f"waited {SECONDS_UNTIL_GIVEN_UP} s in vain"
        time.sleep(1e-3)


def system_threads():
    """Return the system's ids of the threads of this process; none where they cannot be listed."""
    tasks = "/proc/self/task"
    return set(os.listdir(tasks)) if os.path.exists(tasks) else set()


class HelperCounts(Sequence):
    """For each pass in a list, the number of helpers that its last call of a solver had."""

    def __init__(self, passes):
        self.passes = passes

    def __len__(self):
        return len(self.passes)

    def __getitem__(self, i):
        return self.passes[i].num_helpers


def record_passes(set_attribute=setattr):
    """Return a list that receives every `Pass` that is made later.

    In a test, pass `monkeypatch.setattr`, or take the fixture `made_passes` or `helper_counts`.
    """
    made, Pass = [], passes.Pass

    def make(*args, **options):
        made.append(Pass(*args, **options))
        return made[-1]

    set_attribute(passes, "Pass", make)
    return made


def run_python(code, *arguments, **environment):
    """Run code, which may import `helpers`, in a new interpreter; None unsets a variable."""
    here = str(Path(__file__).parent)
    path = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))
    variables = os.environ | {"PYTHONPATH": path} | environment
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={name: value for name, value in variables.items() if value is not None},
        capture_output=True, text=True, timeout=10 * SECONDS_UNTIL_GIVEN_UP, check=False,
    )  # fmt: skip


def printed_by(code, *arguments, **environment):
    """Return what the code prints in a new interpreter; fail with its errors if it fails."""
    run = run_python(code, *arguments, **environment)
    assert run.returncode == 0, run.stderr
    return run.stdout


# --- Pictures ---


def dots_by_label(ax):
    """Return the positions of the dots by their label in the legend."""
    from matplotlib.collections import PathCollection

    handles, labels = ax.get_legend_handles_labels()
    return {
        label: handle.get_offsets().tolist()
        for handle, label in zip(handles, labels, strict=True)
        if isinstance(handle, PathCollection)
    }


def marked_points(ax, marker):
    """Return the points of the only line with this marker, of shape (k, 2)."""
    (line,) = (line for line in ax.lines if line.get_marker() == marker)
    return line.get_xydata()


# --- Pages ---


class HtmlPage(HTMLParser):
    """The elements of a page as (tag, attributes), and its text."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.words, self.open = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in ("meta", "link", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join("".join(self.words).split())

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def addresses(self):
        """All that the page loads or leads to."""
        names = ("src", "href", "srcset", "data", "action")
        return [a[name] for _, a in self.elements for name in names if name in a]
