"""Cores are those of the affinity mask, at most what the container and OMP_NUM_THREADS allow."""

import os

import pytest

from oneneuron._engine import cores


@pytest.fixture(autouse=True)
def bare(monkeypatch, tmp_path):
    """Four cores, no variable, no control group."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2, 5}, raising=False)
    monkeypatch.setattr(cores, "_CGROUPS", tmp_path)
    monkeypatch.setattr(cores, "_MEMBERSHIP", tmp_path / "cgroup")
    cores._container_limit.cache_clear()
    yield
    cores._container_limit.cache_clear()


def belong(tmp_path, *groups):
    (tmp_path / "cgroup").write_text("".join(f"{group}\n" for group in groups))


def limit(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("cpu_", "cpu.", 1)).write_text(f"{text}\n")


def test_they_are_those_that_this_process_may_run_on(monkeypatch):
    assert cores.count() == 4
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3})
    assert cores.count() == 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no such mask")
def test_they_are_those_of_the_mask_as_it_is_set(monkeypatch):
    monkeypatch.undo()
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert cores.count() == 1
    finally:
        os.sched_setaffinity(0, allowed)


@pytest.mark.parametrize(("known", "count"), [(3, 3), (None, 1)])
def test_they_are_all_where_there_is_no_mask(monkeypatch, known, count):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: known)
    assert cores.count() == count


@pytest.mark.parametrize(
    ("value", "count"), [("1", 1), (" 3 ", 3), ("2,1", 2), ("64", 4), ("", 4), ("0", 4), ("-1", 4)]
)
def test_they_are_no_more_than_openmp_may_use(monkeypatch, value, count):
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert cores.count() == count


@pytest.mark.parametrize(
    ("files", "count"),
    [
        ({"cpu_max": "200000 100000"}, 2),
        ({"cpu_max": "150000 100000"}, 2),
        ({"cpu_max": "10000 100000"}, 1),
        ({"cpu_max": "800000 100000"}, 4),
        ({"cpu_max": "max 100000"}, 4),
        ({"cpu_cfs_quota_us": "150000", "cpu_cfs_period_us": "50000"}, 3),
        ({"cpu_cfs_quota_us": "-1", "cpu_cfs_period_us": "100000"}, 4),
    ],
)
@pytest.mark.parametrize("path", ["/", "/system/mine", "/as/seen/outside", "/../other"])
def test_they_are_no_more_than_the_container_has_time_for(tmp_path, files, count, path):
    version_1 = "cpu_max" not in files
    belong(tmp_path, "5:devices:/", f"3:cpu,cpuacct:{path}" if version_1 else f"0::{path}")
    folder = tmp_path / "cpu" if version_1 else tmp_path
    limit(folder / "system/mine" if path == "/system/mine" else folder, **files)
    assert cores.count() == count


def test_the_tightest_group_around_the_process_counts(tmp_path):
    belong(tmp_path, "0::/slice/service")
    limit(tmp_path / "slice", cpu_max="200000 100000")
    limit(tmp_path / "slice/service", cpu_max="300000 100000")
    assert cores.count() == 2
