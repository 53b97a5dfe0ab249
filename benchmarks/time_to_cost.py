"""Time training to the same cost, for the neuron with the log loss and for LogisticRegression.

    python benchmarks/time_to_cost.py [--threads 1] [--rounds 30]
    python benchmarks/time_to_cost.py --only "breast cancer" --breakdown    # parts of our time

Both use L-BFGS. LogisticRegression has C = 1 and its default tol. The neuron has alpha = 1/C and
the loosest tol with which its cost is no higher. This tol is found before the timing.
"""

import argparse
import os
import sys
from statistics import median
from time import perf_counter
from unittest import mock

ALPHA = 1.0
LOOSEST_TOL = 1e-2
RIVAL, ONE_VERSUS_REST, NEURON = "LogisticRegression", "one-versus-rest", "oneneuron"


def confine(threads):
    """Restrict this process and its libraries to this number of cores, before any import."""
    cores = sorted(os.sched_getaffinity(0))
    if not 1 <= threads <= len(cores):
        sys.exit(f"--threads {threads}: there are {len(cores)} cores.")
    os.sched_setaffinity(0, cores[-threads:])
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(threads)


def problems():
    """Return {name: (X, y)}, in the order of the table."""
    from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
    from sklearn.datasets import make_classification as make
    from sklearn.preprocessing import scale

    raw = {
        "iris": load_iris(return_X_y=True),
        "breast cancer": load_breast_cancer(return_X_y=True),
        "digits": load_digits(return_X_y=True),
        "made, 100,000 x 30": make(100_000, 30, n_informative=10, random_state=0),
    }
    wine = load_wine(return_X_y=True)
    scaled = {name: (scale(X), y) for name, (X, y) in raw.items()}
    return {**scaled, "breast cancer, raw": raw["breast cancer"], "wine, raw": wine}


def neuron(tol):
    """Return our classifier with this tol."""
    from oneneuron import NeuronClassifier

    return NeuronClassifier(loss="log", solver="lbfgs", alpha=ALPHA, tol=tol)


def rivals(num_classes):
    """Return the classifiers to compare with; several classes are treated in two ways."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    # The default max_iter of 100 is too small for raw data.
    rival = LogisticRegression(C=1 / ALPHA, max_iter=10_000)
    if num_classes == 2:
        return {RIVAL: rival}
    return {RIVAL: rival, ONE_VERSUS_REST: OneVsRestClassifier(rival)}


def cost(model, X, y):
    """Return the log loss with its penalty, summed over the classes if there are more than two."""
    import numpy as np

    parts = getattr(model, "estimators_", [model])
    coef = np.vstack([part.coef_ for part in parts])
    intercept = np.concatenate([part.intercept_ for part in parts])
    own = model.classes_ if len(coef) > 1 else model.classes_[1:]
    margins = np.where(y[:, None] == own, 1.0, -1.0) * (X @ coef.T + intercept)
    return float(np.logaddexp(0.0, -margins).sum() + 0.5 * ALPHA * np.sum(coef**2))


def as_good(X, y, bound):
    """Fit the neuron with the first tol of LOOSEST_TOL, LOOSEST_TOL/2, ... that meets the bound."""
    for halvings in range(60):
        model = neuron(LOOSEST_TOL / 2**halvings).fit(X, y)
        if cost(model, X, y) <= bound:
            return model
    sys.exit(f"The neuron does not reach a cost of {bound!r}.")


def iterations(model):
    """Return the number of iterations; of several classifiers, the largest number."""
    import numpy as np

    return max(int(np.max(part.n_iter_)) for part in getattr(model, "estimators_", [model]))


def measure(models, X, y, rounds):
    """Return {name: [seconds of each round]}; a round fits each model once."""
    seconds = {name: [] for name in models}
    for _ in range(rounds):
        for name, model in models.items():
            start = perf_counter()
            model.fit(X, y)
            seconds[name].append(perf_counter() - start)
    return seconds


def rows(name, X, y, rounds):
    """Yield the lines of the table for a problem, one for each rival."""
    models = {rival: model.fit(X, y) for rival, model in rivals(len(set(y))).items()}
    *_, same_model = models  # the last minimises the neuron's cost
    bound = cost(models[same_model], X, y)
    ours = models[NEURON] = as_good(X, y, bound)
    own_cost = cost(ours, X, y)
    seconds = measure(models, X, y, rounds)
    for rival, model in models.items():
        if rival == NEURON:
            continue
        ratio = min(seconds[NEURON]) / min(seconds[rival])
        costs = [f"{bound:.8g}", f"{own_cost:.8g}"] if rival == same_model else ["other model", ""]
        yield [
            name, rival, *costs, f"{ours.tol:.1e}", f"{iterations(model)}", f"{iterations(ours)}",
            *(_times(seconds[each]) for each in (rival, NEURON)),
            f"{ratio:.2f}", "yes" if ratio <= 0.5 else "no",
        ]  # fmt: skip


def _times(seconds):
    return f"{1e3 * min(seconds):.2f}, {1e3 * median(seconds):.2f}"


HEAD = (
    "data", "rival", "its cost", "our cost", "our tol", "its iterations", "ours",
    "its ms: minimum, median", "ours", "ratio of minima", "at most half",
)  # fmt: skip


def breakdown(X, y, rounds):
    """Print the time of each part of one of our fits, as the minimum over the rounds."""
    import scipy.optimize

    from oneneuron import _classifier
    from oneneuron._engine import second_moments, training
    from oneneuron._fit import one_vs_rest

    # Each part is the time within a function. A part with a dash belongs to the one above it.
    parts = {
        "checks of X and y by scikit-learn": (_classifier, "validate_data"),
        "starts, with the moments of X": (one_vs_rest.OneVsRest, "starts"),
        "preconditioner": (second_moments.SecondMoments, "preconditioner"),
        "layout, allocation, first evaluation": (training.Training, "__init__"),
        "scipy.optimize.minimize": (scipy.optimize, "minimize"),
        "- all evaluations, with the first": (training.Training, "evaluate"),
        "- - the kernel and its call": (training.Training, "_advance_to"),
    }
    *_, rival = rivals(len(set(y))).values()
    model = as_good(X, y, cost(rival.fit(X, y), X, y))
    found = {"whole fit": [], **{part: [] for part in parts}}
    for _ in range(rounds):
        found["whole fit"].append(measure({NEURON: model}, X, y, 1)[NEURON][0])
        for part, (owner, name) in parts.items():  # one at a time: reading the clock takes time too
            found[part].append(_seconds_within(owner, name, lambda: model.fit(X, y)))
    print(f"tol {model.tol:.1e}, {model.n_iter_} iterations")
    for part, seconds in found.items():
        least = min(seconds)
        print(f"{part:40}{1e6 * least:8.0f} us{100 * least / min(found['whole fit']):6.0f} %")


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

    with mock.patch.object(owner, name, timed):
        run()
    return total


def arguments():
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1, help="threads and cores (default: 1)")
    parser.add_argument("--rounds", type=int, default=30, help="rounds (default: 30)")
    parser.add_argument(
        "--only", nargs="+", metavar="DATA", help="sets of data, by their names in the table"
    )
    parser.add_argument(
        "--breakdown", action="store_true", help="print the parts of our time instead"
    )
    return parser.parse_args()


def main():
    """Measure and print a Markdown table."""
    options = arguments()
    confine(options.threads)
    chosen = {
        name: problem
        for name, problem in problems().items()
        if not options.only or name in options.only
    }
    if options.breakdown:
        for name, (X, y) in chosen.items():
            print(f"\n{name}", end=": ")
            breakdown(X, y, options.rounds)
        return
    print("| " + " | ".join(HEAD) + " |\n|" + " --- |" * len(HEAD))
    for name, (X, y) in chosen.items():
        for row in rows(name, X, y, options.rounds):
            print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
