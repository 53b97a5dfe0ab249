"""The number of cores: the affinity mask, limited by the container and OMP_NUM_THREADS."""

import os

import pytest

from oneneuron._engine import cores


@pytest.fixture(autouse=True)
def four_cores(monkeypatch, tmp_path):
    """Pretend four cores, without the variable and without a control group."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2, 5}, raising=False)
    monkeypatch.setattr(cores, "_CGROUPS", tmp_path)
    monkeypatch.setattr(cores, "_MEMBERSHIP", tmp_path / "cgroup")
    cores._container_limit.cache_clear()
    yield
    cores._container_limit.cache_clear()


def join_groups(tmp_path, *groups):
    (tmp_path / "cgroup").write_text("".join(f"{group}\n" for group in groups))


def set_limit(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("cpu_", "cpu.", 1)).write_text(f"{text}\n")


def test_the_cores_of_the_affinity_mask_are_counted(monkeypatch):
    assert cores.count() == 4
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3})
    assert cores.count() == 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="there are no affinity masks")
def test_a_change_of_the_affinity_mask_counts_at_once(monkeypatch):
    monkeypatch.undo()
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert cores.count() == 1
    finally:
        os.sched_setaffinity(0, allowed)


@pytest.mark.parametrize(("known", "count"), [(3, 3), (None, 1)])
def test_all_cores_are_counted_if_the_system_has_no_affinity_mask(monkeypatch, known, count):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: known)
    assert cores.count() == count


@pytest.mark.parametrize(
    ("value", "count"), [("1", 1), (" 3 ", 3), ("2,1", 2), ("64", 4), ("", 4), ("0", 4), ("-1", 4)]
)
def test_openmps_variable_limits_the_cores(monkeypatch, value, count):
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
def test_the_containers_cpu_quota_limits_the_cores(tmp_path, files, count, path):
    version_1 = "cpu_max" not in files
    join_groups(tmp_path, "5:devices:/", f"3:cpu,cpuacct:{path}" if version_1 else f"0::{path}")
    folder = tmp_path / "cpu" if version_1 else tmp_path
    set_limit(folder / "system/mine" if path == "/system/mine" else folder, **files)
    assert cores.count() == count


def test_the_lowest_quota_of_all_enclosing_groups_counts(tmp_path):
    join_groups(tmp_path, "0::/slice/service")
    set_limit(tmp_path / "slice", cpu_max="200000 100000")
    set_limit(tmp_path / "slice/service", cpu_max="300000 100000")
    assert cores.count() == 2
