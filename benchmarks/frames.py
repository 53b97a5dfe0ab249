"""Time fit and predict on frames, beside LogisticRegression.

    python benchmarks/frames.py [--samples 400000] [--rounds 5]

The samples have 20 features and are given as a plain array and as frames of pandas and polars. Each
round times both classifiers once on every kind, in turn. Both have their default parameters, except
that the neuron has the log loss, which makes it the same model as LogisticRegression's.
"""

import argparse
from statistics import median
from time import perf_counter

import numpy as np
import pandas as pd
import polars as pl
from sklearn.linear_model import LogisticRegression

from oneneuron import NeuronClassifier

NUM_FEATURES = 20


def make_problem(num_samples):
    """Return samples and labels that a linear model can tell apart in part."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((num_samples, NUM_FEATURES))
    margins = X @ rng.standard_normal(NUM_FEATURES)
    return X, (margins + rng.logistic(size=num_samples) > 0).astype(int)


def make_tables(X):
    """Return the samples by the name of their kind, rounded for whole numbers and booleans."""
    frame = pd.DataFrame(X, columns=[f"x{index}" for index in range(NUM_FEATURES)])
    whole = frame.round().astype(int)
    return {
        "NumPy array": X,
        "pandas, float64": frame,
        "pandas, Float64": frame.astype("Float64"),
        "pandas, Int64": whole.astype("Int64"),
        "pandas, boolean": (frame > 0).astype("boolean"),
        "pandas, double[pyarrow]": frame.astype("double[pyarrow]"),
        "pandas, int64[pyarrow]": whole.astype("int64[pyarrow]"),
        "pandas, Int64 and Float64": frame.astype("Float64").assign(x0=whole["x0"].astype("Int64")),
        # Copies, because polars would hand out columns that lie side by side without a copy.
        "polars, Float64": pl.DataFrame({name: np.array(frame[name]) for name in frame}),
    }


def seconds(classifier, X, y):
    """Return the times of a fit and of a prediction."""
    start = perf_counter()
    classifier.fit(X, y)
    middle = perf_counter()
    classifier.predict(X)
    return middle - start, perf_counter() - middle


def main():
    """Time both classifiers in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=400_000, help="samples (default: 400000)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default: 5)")
    arguments = parser.parse_args()

    X, y = make_problem(arguments.samples)
    tables = make_tables(X)
    times = {name: ([], []) for name in tables}
    for _ in range(arguments.rounds):
        for name, table in tables.items():
            times[name][0].append(seconds(NeuronClassifier(loss="log"), table, y))
            times[name][1].append(seconds(LogisticRegression(), table, y))

    print(f"{'ms, minima':28}{'fit':>8}{'ratio':>8}{'median':>8}", end="")
    print(f"{'predict':>10}{'ratio':>8}{'median':>8}")
    for name, (ours, theirs) in times.items():
        print(f"{name:28}", end="")
        for width, own, others in zip(
            (8, 10), zip(*ours, strict=True), zip(*theirs, strict=True), strict=True
        ):
            ratios = [own_time / time for own_time, time in zip(own, others, strict=True)]
            ratio = min(own) / min(others)
            print(f"{1e3 * min(own):{width}.0f}{ratio:8.2f}{median(ratios):8.2f}", end="")
        print()


if __name__ == "__main__":
    main()
