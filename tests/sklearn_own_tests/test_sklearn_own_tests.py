"""scikit-learn's own tests of LogisticRegression, run with NeuronClassifier in its place.

They run in new interpreters, since scikit-learn's tests need other settings of pytest than ours.
`left_out.toml` lists the tests that are expected to fail, and says why.
"""

import os
import re
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


@of_this_scikit_learn
@pytest.mark.slow
@pytest.mark.parametrize("group", FILES)
def test_scikit_learns_own_tests_pass(group):
    run = run_pytest(*(str(PACKAGE / name) for name in FILES[group]))
    assert run.returncode == 0, run.stdout + run.stderr
    print(run.stdout.splitlines()[-1])  # how many passed, were skipped and failed as expected


def test_every_left_out_test_is_in_a_file_that_is_run():
    files = {name for group in FILES.values() for name in group}
    groups = tomllib.loads((HERE / "left_out.toml").read_text())["group"]
    left_out = {entry.split("::")[0] for group in groups for entry in group["tests"]}
    assert left_out - files == set()


def refusal(tmp_path, left_out):
    """Return what pytest prints for the shortest test file with another list, which must fail."""
    for name in ("adapter.py", "plugin.py", "inner.ini"):
        shutil.copy(HERE / name, tmp_path)
    (tmp_path / "left_out.toml").write_text(left_out)
    run = run_pytest(str(PACKAGE / "utils/tests/test_class_weight.py"), folder=tmp_path)
    assert run.returncode != 0
    return run.stdout + run.stderr


GROUP = """[[group]]
reason = "none"
tests = ["utils/tests/test_class_weight.py::{}"]
"""


@of_this_scikit_learn
@pytest.mark.slow
def test_an_entry_that_matches_no_test_is_an_error(tmp_path):
    assert "no test matches" in refusal(tmp_path, GROUP.format("test_none"))


@of_this_scikit_learn
@pytest.mark.slow
def test_a_left_out_test_that_passes_is_an_error(tmp_path):
    passing = "test_compute_class_weight_invariance"
    assert "[XPASS(strict)] none" in refusal(tmp_path, GROUP.format(passing))


def run_pytest(*arguments, folder=HERE):
    """Run pytest with the plugin and without this project's settings."""
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    # Names of tests are relative to the root, which is the folder that holds scikit-learn.
    settings = ["-c", str(folder / "inner.ini"), "--rootdir", str(PACKAGE.parent)]
    environment = {
        name: value
        for name, value in os.environ.items()
        if not re.match("PYTEST_(ADDOPTS|XDIST)", name)
    }
    return subprocess.run(
        [sys.executable, "-m", "pytest", *settings, *arguments],
        env=environment | {"PYTHONPATH": path, "SCIPY_ARRAY_API": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
