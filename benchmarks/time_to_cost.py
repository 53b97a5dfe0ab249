"""Time training to the same cost, for the neuron with the log loss and for its rivals.

    python benchmarks/time_to_cost.py [--threads 1] [--rounds 30]
    python benchmarks/time_to_cost.py --only "breast cancer" --libraries scikit-learn
    python benchmarks/time_to_cost.py --predict      # predict and predict_proba
    python benchmarks/time_to_cost.py --speedup      # two threads beside one
    python benchmarks/time_to_cost.py --breakdown    # the parts of our time

The neuron and LogisticRegression have their default tolerances. The other rivals have the loosest
power of ten with which their cost is within 1e-5 of the lowest one. It is found before the timing.
A round times each contender once, in a random order.
"""

import argparse
import os
import sys
import warnings
from functools import partial
from random import Random
from statistics import median
from time import perf_counter, sleep

# A rival is slow, and timed in the first rounds only, if it takes longer than this and more than
# three times as long as the fastest rival.
SLOW_SECONDS = 0.5
SLOW_RATIO = 3
ROUNDS_OF_SLOW = 5
# Threads of the previous contender may wait for more work in a busy loop, for up to this time.
SECONDS_OF_PAUSE = 0.03
LIBRARIES = ("scikit-learn", "scikit-learn-intelex", "glum", "snapml")


def confine(threads, blas_threads):
    """Restrict this process and its libraries to this number of cores, before any import."""
    cores = sorted(os.sched_getaffinity(0))
    if not 1 <= threads <= len(cores):
        sys.exit(f"--threads {threads}: there are {len(cores)} cores.")
    os.sched_setaffinity(0, cores[-threads:])
    os.environ["OMP_NUM_THREADS"] = os.environ["NUMEXPR_NUM_THREADS"] = str(threads)
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(blas_threads)


def measure(tasks, rounds, slow=(), pause=0.0):
    """Return {name: [seconds of each round]}, given {name: function}."""
    seconds = {name: [] for name in tasks}
    random = Random(0)
    for number in range(rounds):
        names = [name for name in tasks if number < ROUNDS_OF_SLOW or name not in slow]
        random.shuffle(names)
        for name in names:
            sleep(pause)
            start = perf_counter()
            tasks[name]()
            seconds[name].append(perf_counter() - start)
    return seconds


def _pause(options):
    return SECONDS_OF_PAUSE if options.threads > 1 else 0.0


def milliseconds(seconds):
    """Return the minimum and the median as text."""
    return f"{1e3 * min(seconds):.2f}, {1e3 * median(seconds):.2f}"


def ratios(ours, other):
    """Return the ratios of our minimum and of our median to the other one's, as text."""
    return f"{min(ours) / min(other):.2f}, {median(ours) / median(other):.2f}"


class Fits:
    """The whole `fit` of every contender: a table of all of them, and one of the fastest."""

    HEAD = (
        "data", "contender", "tol", "iterations", "excess cost", "ms: minimum, median",
        "ours / its: minima, medians",
    )  # fmt: skip
    HEAD_OF_FASTEST = (
        "data", "fastest of each library", "its excess cost", "ours", "as low",
        "ms: minimum, median", "ours", "ours / its: minima, medians",
    )  # fmt: skip

    def __init__(self, options):
        self._options = options
        self._rows, self._fastest = [], []

    def add(self, name, X, y):
        """Time all contenders on these data."""
        import time_to_cost_rivals as rivals

        entries = self._entries(X, y)
        seconds = self._measure(entries, X, y)
        lowest = {}
        for entry in entries.values():
            kind = entry.contender.multinomial
            lowest[kind] = min(entry.cost, lowest.get(kind, self._lowest[kind]))
        excess = {
            label: entry.cost / lowest[entry.contender.multinomial] - 1
            for label, entry in entries.items()
        }
        for label, entry in entries.items():
            self._rows.append([
                name, label, rivals.settings(entry.model), str(rivals.iterations(entry.model)),
                _excess(excess[label]), milliseconds(seconds[label]),
                _ratios_to_ours(entry.contender, seconds),
            ])  # fmt: skip
        for label in _fastest(entries, seconds, excess):
            self._fastest.append(self._fastest_row(name, entries[label].contender, seconds, excess))

    def _entries(self, X, y):
        """Return {label: Entry} of our classifier and of the chosen libraries."""
        import time_to_cost_rivals as rivals

        self._lowest = rivals.lowest_costs(X, y)
        chosen = {rivals.OURS, *self._options.libraries}
        return {
            contender.name: rivals.enter(contender, X, y, self._lowest)
            for contender in rivals.contenders(len(y), len(set(y)), self._options.threads)
            if contender.library in chosen
        }

    def _measure(self, entries, X, y):
        tasks = {label: partial(entry.model.fit, X, y) for label, entry in entries.items()}
        return measure(tasks, self._options.rounds, _slow(entries), _pause(self._options))

    def _fastest_row(self, name, contender, seconds, excess):
        import time_to_cost_rivals as rivals

        ours, its = seconds[_our_label(contender)], seconds[contender.name]
        own, other = excess[_our_label(contender)], excess[contender.name]
        near = "within 1e-5" if own <= rivals.REACH else "no"
        return [
            name, contender.name, _excess(other), _excess(own), "yes" if own <= other else near,
            milliseconds(its), milliseconds(ours), ratios(ours, its),
        ]  # fmt: skip

    def tables(self):
        """Yield the head and the rows of each table."""
        yield self.HEAD, self._rows
        yield self.HEAD_OF_FASTEST, self._fastest


def _our_label(contender):
    """Return the label of our model of the same kind as a contender's."""
    import time_to_cost_rivals as rivals

    return rivals.OUR_LAYER if contender.multinomial else rivals.OURS


def _ratios_to_ours(contender, seconds):
    """Return the ratios of our times to a contender's; nothing for our own."""
    ours = _our_label(contender)
    return "" if contender.name == ours else ratios(seconds[ours], seconds[contender.name])


def _slow(entries):
    """Return the labels of the slow contenders, according to their trials."""
    import time_to_cost_rivals as rivals

    trials = {
        label: entry.seconds
        for label, entry in entries.items()
        if entry.contender.library != rivals.OURS
    }
    limit = max(SLOW_SECONDS, SLOW_RATIO * min(trials.values(), default=0.0))
    return {label for label, seconds in trials.items() if seconds > limit}


def _excess(excess):
    return "0" if excess < 1e-13 else f"{excess:.0e}"


def _fastest(entries, seconds, excess):
    """Return the label of the fastest solver of each library and kind of model.

    A solver counts if its cost is within 1e-5 of the lowest one, or if it is no higher than that of
    the first solver of its library, the default.
    """
    import time_to_cost_rivals as rivals

    groups = {}
    for label, entry in entries.items():
        groups.setdefault((entry.contender.library, entry.contender.multinomial), []).append(label)
    groups = {key: labels for key, labels in groups.items() if key[0] != rivals.OURS}
    return [
        min(
            (label for label in labels if excess[label] <= max(rivals.REACH, excess[labels[0]])),
            key=lambda label: min(seconds[label]),
        )
        for labels in groups.values()
    ]


class Predictions:
    """`predict` and `predict_proba`, beside LogisticRegression's, for three layouts of X."""

    HEAD = (
        "data", "X", "method", "LogisticRegression, ms: minimum, median", "ours",
        "ours / its: minima, medians",
    )  # fmt: skip

    def __init__(self, options):
        self._options = options
        self._rows = []

    def add(self, name, X, y):
        """Time both methods of both classifiers on these data."""
        for layout, samples in _layouts(X).items():
            ours, rival = _trained(samples, y)
            for method in ("predict", "predict_proba"):
                tasks = {
                    "ours": partial(getattr(ours, method), samples),
                    "its": partial(getattr(rival, method), samples),
                }
                for task in tasks.values():
                    task()
                seconds = measure(tasks, self._options.rounds, pause=_pause(self._options))
                self._rows.append([
                    name, layout, method, milliseconds(seconds["its"]),
                    milliseconds(seconds["ours"]), ratios(seconds["ours"], seconds["its"]),
                ])  # fmt: skip

    def tables(self):
        """Yield the head and the rows of the table."""
        yield self.HEAD, self._rows


def _layouts(X):
    """Return {name: X in this layout}; the frame is made column by column, as from a file."""
    import numpy as np
    import pandas as pd

    return {
        "C order": np.ascontiguousarray(X),
        "Fortran order": np.asfortranarray(X),
        "DataFrame": pd.DataFrame({f"x{j}": column for j, column in enumerate(X.T)}),
    }


def _trained(X, y, num_samples=10_000):
    """Return both classifiers, trained on a few samples: their number does not matter here."""
    from sklearn.linear_model import LogisticRegression
    from time_to_cost_rivals import ALPHA

    from oneneuron import NeuronClassifier

    few = X[:num_samples], y[:num_samples]
    ours = NeuronClassifier(loss="log", alpha=ALPHA).fit(*few)
    return ours, LogisticRegression(C=1 / ALPHA).fit(*few)


class Speedups:
    """Our fit on several threads beside our fit on one, in the same process."""

    def __init__(self, options):
        self._options = options
        self._rows = []

    def add(self, name, X, y):
        """Time our fit with both numbers of threads."""
        from time_to_cost_rivals import ALPHA

        from oneneuron import NeuronClassifier

        tasks = {
            threads: NeuronClassifier(loss="log", alpha=ALPHA, n_threads=threads).fit
            for threads in (1, self._options.threads)
        }
        tasks = {threads: partial(fit, X, y) for threads, fit in tasks.items()}
        for task in tasks.values():
            task()
        one, several = measure(tasks, self._options.rounds, pause=_pause(self._options)).values()
        self._rows.append([name, milliseconds(one), milliseconds(several), ratios(one, several)])

    def tables(self):
        """Yield the head and the rows of the table."""
        several = f"{self._options.threads} threads"
        head = "data", "1 thread, ms: minimum, median", several, "speed-up: minima, medians"
        yield head, self._rows


class Breakdown:
    """The parts of our time, one table for each set of data."""

    def __init__(self, options):
        self._options = options
        self._tables = []

    def add(self, name, X, y):
        """Time the parts of our fit on these data."""
        import time_to_cost_parts

        parts, num_iterations = time_to_cost_parts.parts(X, y, self._options.rounds)
        (_, whole), *_ = parts
        head = f"{name}, {num_iterations} iterations", "us", "%"
        rows = [
            [part, f"{1e6 * seconds:.0f}", f"{100 * seconds / whole:.0f}"]
            for part, seconds in parts
        ]
        self._tables.append((head, rows))

    def tables(self):
        """Yield the head and the rows of each table."""
        yield from self._tables


def arguments():
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--threads", type=int, help="threads and cores (default: 1, and 2 with --speedup)"
    )
    parser.add_argument(
        "--blas-threads", type=int, metavar="THREADS", help="threads of BLAS (default: --threads)"
    )
    parser.add_argument("--rounds", type=int, default=30, help="rounds (default: 30)")
    parser.add_argument(
        "--only", nargs="+", metavar="DATA", help="sets of data, by their names in the table"
    )
    parser.add_argument(
        "--libraries", nargs="*", choices=LIBRARIES, default=LIBRARIES, metavar="LIBRARY",
        help=f"rivals to time, of {', '.join(LIBRARIES)} (default: all that are installed)",
    )  # fmt: skip
    modes = parser.add_mutually_exclusive_group()
    for name, text in (
        ("--predict", "time predict and predict_proba instead"),
        ("--speedup", "time our fit on several threads and on one instead"),
        ("--breakdown", "print the parts of our time instead"),
    ):
        modes.add_argument(name, action="store_true", help=text)
    options = parser.parse_args()
    options.threads = options.threads or (2 if options.speedup else 1)
    return options


def chosen(problems, names):
    """Return the problems of these names, or all if there are none."""
    unknown = set(names or ()) - set(problems)
    if unknown:
        sys.exit(
            f"--only: unknown data {', '.join(map(repr, sorted(unknown)))}: choose from "
            f"{', '.join(map(repr, problems))}."
        )
    return {name: make for name, make in problems.items() if not names or name in names}


def main():
    """Measure and print Markdown tables, also after Ctrl-C."""
    options = arguments()
    confine(options.threads, options.blas_threads or options.threads)
    # Imported only now, so that all libraries count the cores that they may use.
    import tables
    import time_to_cost_data as data

    if options.predict:
        problems, section = data.PREDICTIONS, Predictions(options)
    elif options.speedup:
        problems, section = data.SPEEDUPS, Speedups(options)
    else:
        problems, section = data.FITS, (Breakdown if options.breakdown else Fits)(options)
    # A solver that fails to converge can be seen from its cost.
    warnings.simplefilter("ignore")
    try:
        for name, make in chosen(problems, options.only).items():
            print(f"timing {name}", file=sys.stderr)
            section.add(name, *make())
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
    print(tables.setting(options.threads, options.rounds, ("numpy", "scipy", *LIBRARIES)))
    for head, rows in section.tables():
        if rows:
            print("", tables.aligned(head, rows), sep="\n")


if __name__ == "__main__":
    main()
