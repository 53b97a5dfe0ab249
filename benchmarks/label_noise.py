"""Compare the quadratic and the log loss, trained on wrong labels and tested on clean samples.

    python benchmarks/label_noise.py --picture label_noise.png
    python benchmarks/label_noise.py --alphas     # accuracy at several strengths of the penalty
    python benchmarks/label_noise.py --spreads    # accuracy with several spreads of the starts

The study has generated and real data, and three kinds of noise. All contenders get the same draws.
"""

import os

# A second thread would only slow such small fits down.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import json
import sys
from functools import partial
from unittest import mock

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from oneneuron import NeuronClassifier
from oneneuron._fit import neurons

BASELINE = "LogisticRegression"
STARTS = 21

# The factor by which the distance of an outlier from the mean is multiplied.
FAR = 10.0

# Each kind of noise with its rate.
CONDITIONS = (
    ("none", 0.0),
    ("uniform", 0.1),
    ("uniform", 0.2),
    ("uniform", 0.3),
    ("one-sided", 0.1),
    ("one-sided", 0.2),
    ("one-sided", 0.3),
    ("outliers", 0.01),
    ("outliers", 0.05),
    ("outliers", 0.1),
)
SOME_CONDITIONS = [CONDITIONS[0], CONDITIONS[2], CONDITIONS[5], CONDITIONS[8], CONDITIONS[9]]
ALPHAS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
SPREADS = (1.0, 3.0, 10.0, 30.0)


def clouds(seed):
    """Draw two clouds of equal size with standard deviation 1, their centres 2.4 apart.

    There are 300 samples for training and 10,000 for testing.
    """
    random = np.random.default_rng(seed)

    def draw(n):
        y = np.arange(n) % 2
        X = random.normal(size=(n, 2))
        X[:, 0] += 1.2 * (2 * y - 1)
        return X, y

    return *draw(300), *draw(10_000)


def breast_cancer(seed):
    """Return breast cancer with a third held out, standardised by the rest before adding noise."""
    X, y = load_breast_cancer(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=1 / 3, stratify=y, random_state=seed)
    scaler = StandardScaler().fit(X)
    return scaler.transform(X), y, scaler.transform(X_test), y_test


DATA = {"clouds": clouds, "breast cancer": breast_cancer}


def spoil(X, y, kind, rate, seed):
    """Return the samples with noise.

    Uniform noise flips the labels of a fraction of all samples. One-sided noise flips the labels of
    a fraction of class 1. An outlier is a sample of either class whose distance from the mean is
    multiplied by FAR, and whose label is flipped. If there are more than two classes, "flipped"
    means replaced by the next class.
    """
    X, y = X.copy(), y.copy()
    pool = np.flatnonzero(y == 1) if kind == "one-sided" else np.arange(len(y))
    hit = np.random.default_rng([seed, 1]).permutation(pool)[: round(rate * len(pool))]
    y[hit] = (y[hit] + 1) % (y.max() + 1)
    if kind == "outliers":
        X[hit] *= FAR
    return X, y


def neuron(num_samples, seed, **options):
    """Return a `NeuronClassifier` on one thread."""
    return NeuronClassifier(random_state=seed, n_threads=1, **options)


def huber(num_samples, seed, **options):
    """Return a classifier with the modified Huber loss. Alpha 8 is like alpha 1 for the log loss.

    At 0 the Huber loss has 8 times the curvature of the log loss. The alpha of SGDClassifier is
    relative to the mean over the samples, not to their sum.
    """
    return SGDClassifier(
        loss="modified_huber", alpha=8.0 / num_samples, random_state=seed, **options
    )


CONTENDERS = {
    BASELINE: lambda num_samples, seed: LogisticRegression(max_iter=10_000),
    "log, alpha 1": partial(neuron, loss="log", alpha=1.0),
    "log, alpha 0.3": partial(neuron, loss="log", alpha=0.3),
    "quadratic, alpha 0.3": neuron,
    "quadratic, 21 starts": partial(neuron, n_init=STARTS),
    "quadratic, alpha 1": partial(neuron, alpha=1.0),
    "Huber": huber,
    "Huber, averaged": partial(huber, average=True),
}
SAME_AS_BASELINE = "log, alpha 1"


def name_of(kind, rate):
    """Return the name of a condition."""
    return "none" if kind == "none" else f"{kind} {100 * rate:.0f} %"


def samples(data, condition, seed):
    """Return training samples with noise and clean test samples."""
    X, y, X_test, y_test = DATA[data](seed)
    return *spoil(X, y, *condition, seed), X_test, y_test


def scores(model, X, y):
    """Return the accuracy and the Brier score, both in percent."""
    wrong = model.predict_proba(X)[:, 1] - y
    return {"accuracy": 100 * model.score(X, y), "brier": 100 * float(np.mean(wrong**2))}


def study(contenders, conditions, seeds):
    """Return {data: {condition: {contender: {"accuracy": [one per seed], "brier": [...]}}}}."""
    found = {}
    for data in DATA:
        print(f"training on {data}", file=sys.stderr)
        found[data] = {}
        for condition in conditions:
            scores_of = {name: {"accuracy": [], "brier": []} for name in contenders}
            for seed in range(seeds):
                X, y, X_test, y_test = samples(data, condition, seed)
                for name, make in contenders.items():
                    model = make(len(y), seed).fit(X, y)
                    for metric, score in scores(model, X_test, y_test).items():
                        scores_of[name][metric].append(score)
            found[data][name_of(*condition)] = scores_of
    return found


def markdown_table(head, rows):
    """Return a Markdown table."""
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


def table(found, data, metric, sign):
    """Return a table of conditions by contenders; `sign` is 1 if larger is better, otherwise -1."""
    shown = [name for name in CONTENDERS if name != SAME_AS_BASELINE]
    rows = []
    for condition, scores_of in found[data].items():
        values = {name: np.array(scores_of[name][metric]) for name in shown}
        best = max(round(sign * value.mean(), 1) for value in values.values())
        row = [condition]
        for name, value in values.items():
            mean = f"{value.mean():.1f}"
            if round(sign * value.mean(), 1) == best:
                mean = f"**{mean}**"
            row.append(f"{mean} ± {value.std(ddof=1):.1f}")
            if name != BASELINE:
                row[-1] += _beside(value - values[BASELINE], sign)
        rows.append(row)
    return markdown_table([f"{data}, noise", *shown], rows)


def _beside(differences, sign):
    wins, losses = (int(np.sum(k * sign * differences > 1e-9)) for k in (1, -1))
    mean = round(differences.mean(), 1) + 0.0  # no -0.0
    return f" ({mean:+.1f}, {wins}:{losses})"


def control(found):
    """Return a sentence on how far the neuron with the baseline's cost is from the baseline."""
    gaps = [
        np.abs(np.subtract(scores_of[SAME_AS_BASELINE][metric], scores_of[BASELINE][metric])).max()
        for conditions in found.values()
        for scores_of in conditions.values()
        for metric in ("accuracy", "brier")
    ]
    return (
        f"The neuron with {SAME_AS_BASELINE} is the same model as {BASELINE}, so it has no column: "
        f"in no run do their accuracies or Brier scores differ by more than {max(gaps):.2f}."
    )


def strengths(seeds):
    """Return a table of mean accuracy by alpha, to separate the loss from the penalty."""
    contenders = {
        (loss, alpha): partial(neuron, loss=loss, alpha=alpha, n_init=starts)
        for loss, starts in (("log", 1), ("quadratic", STARTS))
        for alpha in ALPHAS
    }
    found = study(contenders, SOME_CONDITIONS, seeds)
    rows = []
    for data, conditions in found.items():
        for condition, scores_of in conditions.items():
            for loss in ("log", "quadratic"):
                means = [f"{np.mean(scores_of[loss, a]['accuracy']):.1f}" for a in ALPHAS]
                best = max(means, key=float)
                means = [f"**{mean}**" if mean == best else mean for mean in means]
                rows.append([f"{data}, {condition}", loss, *means])
    return markdown_table(["accuracy, %", "loss", *(f"alpha {a:g}" for a in ALPHAS)], rows)


def best_of_starts(data, condition, seed, spread, starts):
    """Return the accuracy and the cost of the quadratic loss with starts of this spread."""
    X, y, X_test, y_test = samples(data, condition, seed)
    with mock.patch.object(neurons, "_SPREAD_OF_STARTS", spread):
        model = neuron(len(y), seed, n_init=starts).fit(X, y)
    return 100 * model.score(X_test, y_test), model.loss_


def spreads(seeds):
    """Return a table by spread of the starts: accuracy, and how often the cost is the lowest."""
    cases = [(spread, starts) for starts in (6, STARTS) for spread in SPREADS]
    rows = []
    for data in DATA:
        for condition in SOME_CONDITIONS:
            found = np.array([
                [best_of_starts(data, condition, seed, *case) for seed in range(seeds)]
                for case in cases
            ])  # fmt: skip
            accuracies, costs = found[..., 0].mean(axis=1), found[..., 1]
            lowest = np.sum(costs <= 1.001 * costs.min(axis=0), axis=1)
            cells = (f"{a:.1f}, {k}" for a, k in zip(accuracies, lowest, strict=True))
            rows.append([f"{data}, {name_of(*condition)}", *cells])
    head = (f"{starts} starts, spread {spread:g}" for spread, starts in cases)
    return markdown_table(["accuracy in %, seeds at the lowest cost", *head], rows)


def arguments():
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20, help="number of seeds (default: 20)")
    parser.add_argument("--alphas", action="store_true", help="only the study of alpha")
    parser.add_argument("--spreads", action="store_true", help="only the study of starts")
    parser.add_argument("--json", metavar="FILE", help="write the main study's scores to this file")
    parser.add_argument("--picture", metavar="FILE", help="draw the main study to this file")
    return parser.parse_args()


def main():
    """Run one of the studies and print it as Markdown."""
    options = arguments()
    if options.alphas or options.spreads:
        print((strengths if options.alphas else spreads)(options.seeds))
        return
    found = study(CONTENDERS, CONDITIONS, options.seeds)
    for metric, sign, title in (("accuracy", 1, "Accuracy, %"), ("brier", -1, "Brier score, %")):
        print(
            f"{title}: mean ± standard deviation over {options.seeds} seeds. In brackets, the mean"
        )
        print(f"difference from {BASELINE}, and the seeds with a better : worse result.\n")
        for data in DATA:
            print(table(found, data, metric, sign), end="\n\n")
    print(control(found))
    if options.json:
        with open(options.json, "w") as file:
            json.dump(found, file, indent=1)
    if options.picture:
        import label_noise_picture

        label_noise_picture.draw(found).savefig(options.picture)


if __name__ == "__main__":
    main()
