import os
import tempfile
from pathlib import Path

import pytest

from oneshot_hpo.cluster import environment

HOSTILE = {
    "PYTHONOPTIMIZE": "2",
    "PYTHONINSPECT": "1",
    "PYTHONSTARTUP": "/nowhere.py",
    "PYTHONWARNINGS": "error",
    "DASK_CONFIG": "/nowhere",
    "DASK_TEMPORARY_DIRECTORY": "/nowhere",
    "MPLBACKEND": "none such",
}
SLURM = {
    "SBATCH_JOB_NAME": "mine",
    "SBATCH_PARTITION": "elsewhere",
    "SQUEUE_STATES": "RUNNING",
    "SCANCEL_STATE": "PENDING",
    "SLURM_JOB_ID": "7",
}
KEPT = {"PATH": "/bin", "PYTHONHASHSEED": "3", "MPLCONFIGDIR": "/mine", "CUDA_VISIBLE_DEVICES": "1"}


def test_variables_for_other_work_are_dropped_and_the_rest_kept() -> None:
    assert environment.clean(KEPT | HOSTILE) == KEPT
    assert environment.clean(KEPT | SLURM) == KEPT | SLURM
    conf = {"SLURM_CONF": "/etc/slurm.conf"}
    assert environment.for_slurm(KEPT | HOSTILE | SLURM | conf) == KEPT | conf


def test_pythonpath_is_honoured_but_not_the_working_directory_in_it() -> None:
    assert environment.without_python_variables({"PYTHONPATH": ":/a::/b:"}) == {
        "PYTHONPATH": "/a:/b"
    }
    assert environment.without_python_variables({"PYTHONPATH": ":"}) == {}


def test_the_environment_is_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    with environment.child_environment(tmp_path, {"OMP_NUM_THREADS": "3"}):
        assert not set(HOSTILE) & set(os.environ)
        assert os.environ["OMP_NUM_THREADS"] == "3"
        assert tempfile.gettempdir() == os.environ["TMPDIR"] == str(tmp_path)
        os.environ["PYTHONHASHSEED"] = "6640"  # Dask's nannies do so
    assert dict(os.environ) == before
    assert tempfile.gettempdir() != str(tmp_path)


def test_a_users_program_has_the_environment_of_the_launch_and_its_workers_place() -> None:
    given = KEPT | HOSTILE | SLURM | {"TMPDIR": "/mine", "PYTHONPATH": ":/a", "HOME": "/home"}
    copied = environment.clean(given)
    ours = {
        "PYTHONSAFEPATH": "1",
        "TMPDIR": "/private",
        "PYTHONHASHSEED": "6640",
        "ONESHOT_HPO_WORKER_LOG": "log",
    }
    placed = {"CUDA_VISIBLE_DEVICES": "0", "OMP_NUM_THREADS": "2", "SLURM_JOB_ID": "8"}
    assert environment.for_program(given, copied | ours) == given
    assert environment.for_program(given, copied | ours | placed) == given | placed
    with_threads = given | {"OMP_NUM_THREADS": "4"}
    assert environment.for_program(with_threads, copied | ours | placed) == (
        with_threads | placed | {"OMP_NUM_THREADS": "4"}
    )


def test_what_was_dropped_at_the_start_is_known_and_not_handed_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = KEPT | HOSTILE | {"PYTHONPATH": ":/a"}
    monkeypatch.setattr(os, "environ", dict(given))
    started = environment.with_dropped(environment.clean(given))
    monkeypatch.setattr(os, "environ", started)
    assert environment.as_given() == given
    assert environment.clean(started) == KEPT | {"PYTHONPATH": "/a"}
    assert environment.with_dropped(given) == given
