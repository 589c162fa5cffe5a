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
