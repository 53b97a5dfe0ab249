"""scikit-learn's own tests of LogisticRegression, run with NeuronClassifier in its place.

They run in new interpreters, since scikit-learn's tests need other settings of pytest than ours.
`left_out.toml` lists the tests that are expected to fail, and says why.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import sklearn

HERE = Path(__file__).parent
PACKAGE = Path(sklearn.__file__).parent

# The test files that use LogisticRegression, in groups that run in one interpreter each. Files are
# left out if they test how scikit-learn prints or checks estimators, or if few of their tests use
# LogisticRegression for more than a glance (`test_partial_dependence.py`, which also takes long).
FILES = {
    "linear_model": ["linear_model/tests/test_logistic.py", "linear_model/tests/test_sag.py"],
    "model_selection": [
        "model_selection/tests/test_classification_threshold.py",
        "model_selection/tests/test_search.py",
        "model_selection/tests/test_validation.py",
    ],
    "ensemble": [
        "ensemble/tests/test_bagging.py",
        "ensemble/tests/test_stacking.py",
        "ensemble/tests/test_voting.py",
        "ensemble/tests/test_weight_boosting.py",
        "semi_supervised/tests/test_self_training.py",
    ],
    "metrics": [
        "inspection/_plot/tests/test_boundary_decision_display.py",
        "inspection/tests/test_permutation_importance.py",
        "metrics/_plot/tests/test_common_curve_display.py",
        "metrics/_plot/tests/test_confusion_matrix_display.py",
        "metrics/_plot/tests/test_det_curve_display.py",
        "metrics/_plot/tests/test_precision_recall_display.py",
        "metrics/_plot/tests/test_roc_curve_display.py",
        "metrics/tests/test_ranking.py",
        "metrics/tests/test_score_objects.py",
        "utils/tests/test_plotting.py",
    ],
    "wrappers": [
        "feature_selection/tests/test_from_model.py",
        "feature_selection/tests/test_rfe.py",
        "frozen/tests/test_frozen.py",
        "tests/test_calibration.py",
        "tests/test_metaestimators.py",
        "tests/test_multiclass.py",
        "tests/test_multioutput.py",
        "tests/test_pipeline.py",
        "utils/tests/test_class_weight.py",
        "utils/tests/test_response.py",
    ],
}


of_this_scikit_learn = pytest.mark.skipif(
    not sklearn.__version__.startswith("1.9."),
    reason="left_out.toml lists the tests of scikit-learn 1.9",
)


def run_pytest(*names, folder=HERE):
    """Run test files of scikit-learn with the plugin, without this project's settings."""
    # Names of tests are relative to the root, which is the folder that holds scikit-learn.
    settings = ["-c", str(folder / "inner.ini"), "--rootdir", str(PACKAGE.parent)]
    files = [str(PACKAGE / name) for name in names]
    changed = {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")])),
        "PYTEST_ADDOPTS": "",
        "SCIPY_ARRAY_API": "1",  # or scikit-learn skips its tests of array API inputs
    }
    return subprocess.run(
        [sys.executable, "-m", "pytest", *settings, *files],
        env=os.environ | changed, capture_output=True, text=True, check=False,
    )  # fmt: skip


@of_this_scikit_learn
@pytest.mark.slow
@pytest.mark.parametrize("group", FILES)
def test_scikit_learns_own_tests_pass(group):
    run = run_pytest(*FILES[group])
    if run.returncode != 0:
        pytest.fail(run.stdout + run.stderr, pytrace=False)
    print(run.stdout.splitlines()[-1])  # how many passed, were skipped and failed as expected


def test_every_left_out_test_is_in_a_file_that_is_run():
    files = {name for group in FILES.values() for name in group}
    groups = tomllib.loads((HERE / "left_out.toml").read_text())["group"]
    left_out = {entry.split("::")[0] for group in groups for entry in group["tests"]}
    assert left_out - files == set()


@of_this_scikit_learn
@pytest.mark.slow
@pytest.mark.parametrize(
    ("test", "message"),
    [
        ("test_none", "no test matches"),
        ("test_compute_class_weight_invariance", "[XPASS(strict)] not needed"),
    ],
)
def test_an_outdated_entry_is_an_error(test, message, tmp_path):
    name = "utils/tests/test_class_weight.py"  # the shortest file
    for part in ("adapter.py", "plugin.py", "inner.ini"):
        shutil.copy(HERE / part, tmp_path)
    entry = f'[[group]]\nreason = "not needed"\ntests = ["{name}::{test}"]\n'
    (tmp_path / "left_out.toml").write_text(entry)
    run = run_pytest(name, folder=tmp_path)
    assert run.returncode != 0 and message in run.stdout + run.stderr
