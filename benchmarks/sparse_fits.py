"""Time fits and predictions on sparse samples, beside LogisticRegression.

    python benchmarks/sparse_fits.py [--threads 1] [--rounds 9]
    python benchmarks/sparse_fits.py --only tf-idf hashing
    python benchmarks/sparse_fits.py --predict            # predict and predict_proba

LogisticRegression has its default tolerance. The neuron with the log loss has the loosest one of a
grid with which its cost is at most as high. It is found before the timing. A round times each
contender once, in a random order.
"""

import argparse
import sys
import warnings
from functools import partial

from time_to_cost import chosen, confine, measure, milliseconds, ratios

# The tolerances that are tried, from the loosest on.
TOLERANCES = tuple(float(f"{digit}e-{k}") for k in range(1, 7) for digit in (5, 2, 1))

ITS = "LogisticRegression"


class Fits:
    """The whole `fit` of each contender."""

    HEAD = (
        "data", "contender", "tol", "iterations", "cost / its", "ms: minimum, median",
        "ours / its: minima, medians",
    )  # fmt: skip

    def __init__(self, options):
        self._options = options
        self.rows = []

    def add(self, name, X, y):
        """Time all contenders on these data."""
        models = contenders(X, y, self._options.threads)
        tasks = {label: partial(model.fit, X, y) for label, model in models.items()}
        seconds = measure(tasks, self._options.rounds)
        its_cost = cost(models[ITS], X, y)
        for label, model in models.items():
            self.rows.append([
                name, label, f"{model.tol:.0e}", str(int(max(_as_list(model.n_iter_)))),
                _relative_cost(model, X, y, its_cost), milliseconds(seconds[label]),
                "" if label == ITS else ratios(seconds[label], seconds[ITS]),
            ])  # fmt: skip


class Predictions:
    """`predict` and `predict_proba` of both classifiers."""

    HEAD = (
        "data", "method", "LogisticRegression, ms: minimum, median", "ours",
        "ours / its: minima, medians",
    )  # fmt: skip

    def __init__(self, options):
        self._options = options
        self.rows = []

    def add(self, name, X, y):
        """Time both methods on these data."""
        from oneneuron import NeuronClassifier

        its = logistic_regression().fit(X, y)
        ours = NeuronClassifier(loss="log", n_threads=self._options.threads).fit(X, y)
        for method in ("predict", "predict_proba"):
            tasks = {"its": partial(getattr(its, method), X)}
            tasks["ours"] = partial(getattr(ours, method), X)
            seconds = measure(tasks, self._options.rounds)
            self.rows.append([
                name, method, milliseconds(seconds["its"]), milliseconds(seconds["ours"]),
                ratios(seconds["ours"], seconds["its"]),
            ])  # fmt: skip


def contenders(X, y, threads):
    """Return {label: fitted model}."""
    from oneneuron import NeuronClassifier

    its = logistic_regression().fit(X, y)
    tol = loosest_tol(X, y, cost(its, X, y))
    found = {ITS: its, "same cost": neuron(tol, threads)}
    if threads > 1:
        found["same cost, 1 thread"] = neuron(tol, 1)
    found["log loss, default tol"] = NeuronClassifier(loss="log", n_threads=threads)
    found["default"] = NeuronClassifier(n_threads=threads)
    for model in found.values():
        model.fit(X, y)
    return found


def logistic_regression():
    """Return LogisticRegression with its defaults, but with steps enough to converge."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=10_000)


def neuron(tol, threads):
    """Return our classifier with LogisticRegression's cost."""
    from oneneuron import NeuronClassifier

    return NeuronClassifier(loss="log", tol=tol, n_threads=threads)


def loosest_tol(X, y, most):
    """Return the loosest tolerance with which our cost is at most as given, or the tightest."""
    for tol in TOLERANCES:
        if cost(neuron(tol, 1).fit(X, y), X, y) <= most:
            break
    return tol


def cost(model, X, y):
    """Return the log loss of all samples with the penalty."""
    import time_to_cost_rivals as rivals

    return rivals.cost(model, X, y, multinomial=len(model.classes_) > 2)


def _relative_cost(model, X, y, its_cost):
    """Return the excess of our cost over its own; nothing for another loss."""
    if getattr(model, "loss", "log") != "log":
        return ""
    return f"1{cost(model, X, y) / its_cost - 1:+.0e}"


def _as_list(value):
    return value if hasattr(value, "__len__") else [value]


def arguments():
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--threads", type=int, default=1, help="threads, of BLAS too, and cores (default: 1)"
    )
    parser.add_argument("--rounds", type=int, default=9, help="rounds (default: 9)")
    parser.add_argument("--only", nargs="+", metavar="DATA", help="sets of data, by their names")
    parser.add_argument("--predict", action="store_true", help="time predictions instead")
    return parser.parse_args()


def main():
    """Measure and print a Markdown table, also after Ctrl-C."""
    options = arguments()
    confine(options.threads, options.threads)
    # Imported only now, so that all libraries count the cores that they may use.
    import sparse_data
    import tables

    section = (Predictions if options.predict else Fits)(options)
    warnings.simplefilter("ignore")
    try:
        for name, make in chosen(sparse_data.DATA, options.only).items():
            print(f"timing {name}", file=sys.stderr)
            section.add(name, *make())
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
    print(tables.setting(options.threads, options.rounds, ("numpy", "scipy", "scikit-learn")))
    print("", tables.aligned(section.HEAD, section.rows), sep="\n")


if __name__ == "__main__":
    main()
