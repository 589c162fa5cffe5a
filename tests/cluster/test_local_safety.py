"""A pool is safe from other users, foreign folders, and settings for other work."""

import getpass
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import distributed
import pytest
from support.collecting import collect
from support.other_user import as_other, shared_folder
from support.worker_tasks import imported, python_path

from oneshot_hpo.cluster.local import LocalPool

POOL = """
import sys
from pathlib import Path

from oneshot_hpo.cluster.local import LocalPool
from support.worker_tasks import imported, optimizer_step, python_path

if __name__ == "__main__":
    scratch, what = Path(sys.argv[1]), sys.argv[2]
    with LocalPool(workers=1, threads=1, scratch=scratch) as pool:
        task = {"imported": imported, "step": optimizer_step, "path": python_path}[what]
        pool.submit("task", task)
        while not (outcomes := pool.next_outcomes(60)):
            pass
        if outcomes[0].error or outcomes[0].lost:
            sys.exit(f"the task failed: {outcomes[0]}")
        print(outcomes[0].value)
        if what == "imported":
            print(imported())
        if what == "path":
            print(python_path())
"""

EVIL = """
import os, sys
print("foreign code runs in", sys.argv, flush=True)
os._exit(9)
"""
SHADOWING = ("signal", "select", "struct", "types", "multiprocessing", "psutil", "dask", "colorsys")


@pytest.fixture
def shared() -> Iterator[Path]:
    with shared_folder() as folder:
        yield folder


def run_pool(
    tmp_path: Path, what: str, cwd: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """A master in another process, which runs a task on its worker."""
    (tmp_path / "master.py").write_text(POOL)
    modules = str(Path(__file__).parents[1])
    return subprocess.run(
        [sys.executable, str(tmp_path / "master.py"), str(tmp_path / "logs"), what],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": modules} | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def plant(folder: Path) -> None:
    """Put modules into a folder that do harm when they are imported."""
    for name in SHADOWING:
        (folder / f"{name}.py").write_text(EVIL)


@pytest.mark.slow
def test_code_planted_by_another_user_is_not_run(tmp_path: Path, shared: Path) -> None:
    script = """
        umask 0
        for folder in dask-scratch-space dask-scratch-space-0; do
            mkdir "$1/$folder" && printf '%s' "$2" > "$1/$folder/colorsys.py"
        done
    """
    planted = as_other(script, shared, EVIL)
    assert planted.returncode == 0, planted.stderr
    ended = run_pool(tmp_path, "imported", TMPDIR=str(shared))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    in_worker, in_master = ended.stdout.split()
    assert (
        in_worker
        == in_master
        == subprocess.check_output(
            [sys.executable, "-c", "import colorsys; print(colorsys.__file__)"], text=True
        ).strip()
    )
    assert {path.name for path in shared.iterdir()} == {
        "dask-scratch-space",
        "dask-scratch-space-0",
    }


@pytest.mark.slow
def test_files_in_place_of_known_folders_stop_no_trial(tmp_path: Path, shared: Path) -> None:
    names = [f"torchinductor_{getpass.getuser()}", "dask-scratch-space", "dask-scratch-space-0"]
    planted = as_other('for name in "$2" "$3" "$4"; do : > "$1/$name"; done', shared, *names)
    assert planted.returncode == 0, planted.stderr
    ended = run_pool(tmp_path, "step", TMPDIR=str(shared))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert {path.name for path in shared.iterdir()} == set(names)


@pytest.mark.slow
def test_no_folder_of_data_is_on_python_s_path(tmp_path: Path, shared: Path) -> None:
    ended = run_pool(tmp_path, "path", TMPDIR=str(shared))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    in_worker, in_master = ended.stdout.splitlines()
    assert str(shared) not in in_worker
    assert str(shared) not in in_master
    assert in_worker == in_master


@pytest.mark.slow
def test_workers_do_not_import_from_the_working_directory(tmp_path: Path) -> None:
    folder = tmp_path / "foreign"
    folder.mkdir()
    plant(folder)
    ended = run_pool(tmp_path, "imported", cwd=folder)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert str(folder) not in ended.stdout


@pytest.mark.slow
def test_a_key_in_a_study_s_folder_is_not_used(tmp_path: Path) -> None:
    theirs = distributed.Security.temporary()
    old = tmp_path / "tls"
    old.mkdir()
    (old / "certificate.pem").write_text(theirs.tls_ca_file)
    (old / "key.pem").write_text(theirs.tls_client_key)
    with LocalPool(workers=1, threads=1, scratch=tmp_path) as pool:
        with pytest.raises(OSError):
            distributed.Client(pool.address, security=theirs, timeout=5, set_as_default=False)
        assert not old.exists()
        assert not list(tmp_path.rglob("*.pem"))
    assert not list(tmp_path.rglob("*.pem"))


@pytest.mark.slow
def test_settings_for_other_work_change_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".config" / "dask").mkdir(parents=True)
    (home / ".config" / "dask" / "mine.yaml").write_text(
        "distributed: {worker: {preload: [no_such_module]}, comm: {timeouts: {connect: 1ms}}}\n"
    )
    ended = run_pool(
        tmp_path,
        "imported",
        HOME=str(home),
        DASK_DISTRIBUTED__WORKER__MULTIPROCESSING_METHOD="none such",
        DASK_DISTRIBUTED__NANNY__PRELOAD="['no_such_module']",
        DASK_DISTRIBUTED__SCHEDULER__PRELOAD="['no_such_module']",
        PYTHONSTARTUP="/nowhere.py",
        MPLBACKEND="none such",
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.slow
def test_processes_of_a_trial_start_as_the_user_s_would(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import beside; print(beside.__file__)")
    (tmp_path / "beside.py").write_text("")
    with LocalPool(workers=1, threads=1, scratch=tmp_path / "logs") as pool:
        command = [sys.executable, str(tmp_path / "program.py")]
        pool.submit("program", subprocess.check_output, command, text=True)
        assert collect(pool, 1)["program"].value == f"{tmp_path / 'beside.py'}\n"


@pytest.mark.slow
def test_the_pool_restores_path_and_environment(tmp_path: Path) -> None:
    path, environment = python_path(), dict(os.environ)
    with LocalPool(workers=1, threads=1, scratch=tmp_path) as pool:
        pool.submit("imported", imported)
        assert collect(pool, 1)["imported"].value == imported()
    assert (python_path(), dict(os.environ)) == (path, environment)
