"""`oneneuron fit` on the ranks of MPI: the model of one process, from rows that each rank reads."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from helpers import SECONDS_UNTIL_GIVEN_UP

from oneneuron.cli import main

MPIEXEC = shutil.which("mpiexec", path=os.path.dirname(sys.executable))
N = 40_000  # three bands of 16,384 rows

pytestmark = [
    # With an old NumPy, pandas writes missing numbers with this warning.
    pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning"),
    pytest.mark.cluster,
    pytest.mark.skipif(MPIEXEC is None, reason="needs mpiexec, as the package mpich brings it"),
]


@pytest.fixture(scope="module")
def frame():
    """Return a table whose first and last rows differ in kind, with some cells missing."""
    rng = np.random.default_rng(0)
    x, size = rng.standard_normal((2, N))
    kind = (x + rng.logistic(size=N) > 0).astype(int) + (size > 1.0)
    code = np.where(
        np.arange(N) < N // 2, rng.integers(1, 5, N).astype(str), [f"0{number}" for number in kind]
    )
    return pd.DataFrame(
        {"row": np.arange(1, N + 1), "x": x, "size": np.where(rng.random(N) < 0.01, np.nan, size),
         "code": code, "colour": rng.choice(["red", "green", "blue"], N),
         "kind": np.array(["a", "b", "c"])[kind]}
    )  # fmt: skip


@pytest.fixture(scope="module", params=["csv", "parquet"])
def table(request, frame, tmp_path_factory):
    """Return the path of the table."""
    path = tmp_path_factory.mktemp("table") / f"table.{request.param}"
    if request.param == "csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, row_group_size=9_000, index=False)
    return path


def fit_on_ranks(num_ranks, *arguments):
    return subprocess.run(
        [MPIEXEC, "-n", str(num_ranks), sys.executable, "-m", "oneneuron", "fit", *arguments],
        capture_output=True, text=True, timeout=SECONDS_UNTIL_GIVEN_UP,
    )  # fmt: skip


def numbers_of(model):
    """Return all numbers of a model."""
    if isinstance(model, dict):
        model = list(model.values())
    if isinstance(model, list):
        return [number for part in model for number in numbers_of(part)]
    return [model] if isinstance(model, int | float) else []


OPTIONS = ["--target", "kind", "--missing", "mean", "--max-iter", "20"]


@pytest.mark.parametrize("num_ranks", [2, 3])
def test_ranks_find_the_model_of_one_process(table, tmp_path, capsys, num_ranks):
    alone, together = tmp_path / "alone.json", tmp_path / "together.json"
    assert main(["fit", str(table), *OPTIONS, "--output", str(alone)]) == 0
    printed = capsys.readouterr()
    done = fit_on_ranks(num_ranks, str(table), *OPTIONS, "--output", str(together))
    assert done.returncode == 0, done.stdout + done.stderr
    expected = [line for line in printed.out.splitlines() if "LogisticRegression" not in line]
    assert done.stdout.splitlines()[:-1] == expected[:-1]
    assert done.stderr == printed.err
    models = [json.loads(path.read_text()) for path in (alone, together)]
    # The held-out rows leave incomplete bands, so that sums are rounded in another way.
    np.testing.assert_allclose(*map(numbers_of, models), rtol=1e-6, atol=1e-9)


def test_ranks_write_a_page(table, tmp_path):
    path = tmp_path / "report.html"
    done = fit_on_ranks(
        2, str(table), *OPTIONS, "--cv", "2", "--html", str(path), "--output", str(tmp_path / "m")
    )
    assert done.returncode == 0, done.stdout + done.stderr
    page = path.read_text()
    assert "The commonest class alone, " in page and "LogisticRegression" not in page


def test_ranks_may_have_no_rows(data, tmp_path):
    done = fit_on_ranks(3, str(data), "--target", "ripe", "--output", str(tmp_path / "m.json"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "60 rows, 2 features, 2 classes: no, yes" in done.stdout


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("x,t\n1,a\n2,b\n", ["--target", "y"], "--target must name a column of"),
        ("x,t\n1,a\n2\n", ["--target", "t"], "line 3, must have 2 cells"),
        ("x,t\n1,a\n,b\n", ["--target", "t"], "must have no missing values, found 'x' 1 of 2 rows"),
        ("x,t\n" + "1,a\n2,b\n" * 9000 + "1,a\ninf,b\n", ["--target", "t"], "must hold a finite"),
    ],
    ids=["target", "ragged", "missing", "infinite"],
)
def test_an_error_of_any_rank_is_told_once(tmp_path, text, options, message):
    (tmp_path / "d.csv").write_text(text)
    output = tmp_path / "m.json"
    done = fit_on_ranks(2, str(tmp_path / "d.csv"), *options, "--output", str(output))
    errors = [line for line in done.stderr.splitlines() if line.startswith("oneneuron: error: ")]
    assert done.returncode == 2
    assert len(errors) == 1 and message in errors[0]
    assert not output.exists()


def test_ranks_cannot_share_standard_input(tmp_path):
    done = fit_on_ranks(2, "-", "--target", "t", "--output", str(tmp_path / "m.json"))
    assert done.returncode == 2
    assert "standard input cannot be read by several ranks: name a file." in done.stderr
