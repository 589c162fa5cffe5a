"""Commands in a hostile place: variables for other work, modules in the working directory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pa = pytest.importorskip("pyarrow", reason="needs the extra baselines")
pq = pytest.importorskip("pyarrow.parquet", reason="needs the extra baselines")
pytest.importorskip("matplotlib", reason="needs the extra figures")

from support.study_commands import command

WORK = ("baselines", "run", "--methods", "rs", "--evaluations", 2, "--repetitions", 1)
SCRIPT = """
import sys
from oneshot_hpo.experiments.cli import main
if __name__ == "__main__":
    sys.exit(main())
"""
"""What pip makes of the entry point."""

HOSTILE = {
    "PYTHONOPTIMIZE": "2",
    "PYTHONINSPECT": "1",
    "PYTHONWARNINGS": "error",
    "PYTHONSTARTUP": "/nowhere.py",
    "MPLBACKEND": "none such",
    "DASK_DISTRIBUTED__SCHEDULER__PRELOAD": "['no_such_module']",
    "DASK_DISTRIBUTED__WORKER__MULTIPROCESSING_METHOD": "none such",
}
EVIL = (
    "import os, sys\nprint('foreign code in', sys.argv, file=sys.stderr, flush=True)\nos._exit(9)\n"
)
SHADOWING = ("signal", "select", "struct", "multiprocessing", "psutil", "dask", "numpy", "torch")


def run(words: list[str], cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        cwd=cwd,
        env=os.environ | {"COLUMNS": "80"} | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def found(folder: Path) -> pa.Table:
    """The evaluations of the command's results."""
    return pq.read_table(folder / "results" / "results.parquet")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command `oneshot-hpo`."""
    path = tmp_path_factory.mktemp("bin") / "oneshot-hpo"
    path.write_text(SCRIPT)
    return [sys.executable, str(path)]


@pytest.fixture(scope="module")
def undisturbed(program: list[str], tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    """What the command finds where nothing is in its way."""
    folder = tmp_path_factory.mktemp("quiet")
    ended = run([*program, *map(str, WORK), "--dir", "results"], folder)
    assert ended.returncode == 0, ended.stderr
    return found(folder)


@pytest.mark.slow
def test_variables_for_other_work_change_nothing(
    program: list[str], undisturbed: pa.Table, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    (home / ".config" / "dask").mkdir(parents=True)
    (home / ".config" / "dask" / "mine.yaml").write_text("no: [yaml")
    words = [*program, *map(str, WORK), "--dir", "results"]
    ended = run(words, tmp_path, HOME=str(home), **HOSTILE)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    assert found(tmp_path) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("way", ["oneshot-hpo", "python -m"])
def test_modules_in_the_working_directory_are_not_imported(
    program: list[str], undisturbed: pa.Table, tmp_path: Path, way: str
) -> None:
    for name in SHADOWING:
        (tmp_path / f"{name}.py").write_text(EVIL)
    if way == "oneshot-hpo":  # Python itself imports it for -m, before anything of ours
        (tmp_path / "types.py").write_text(EVIL)
    begin = program if way == "oneshot-hpo" else command()
    ended = run([*begin, *map(str, WORK), "--dir", "results"], tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert found(tmp_path) == undisturbed


@pytest.mark.slow
def test_an_empty_part_of_pythonpath_is_no_reason_to_import_from_here(
    program: list[str], undisturbed: pa.Table, tmp_path: Path
) -> None:
    (tmp_path / "multiprocessing.py").write_text(EVIL)
    (tmp_path / "dask.py").write_text(EVIL)
    words = [*program, *map(str, WORK), "--dir", "results"]
    path = os.pathsep.join(("", os.environ.get("PYTHONPATH", "")))
    ended = run(words, tmp_path, PYTHONPATH=path)
    assert ended.returncode == 0, ended.stderr
    assert found(tmp_path) == undisturbed


@pytest.mark.slow
def test_figures_need_no_backend(tmp_path: Path) -> None:
    (tmp_path / "oneshot-hpo").write_text("import oneshot_hpo.experiments.cli, matplotlib.figure")
    ended = run([sys.executable, "oneshot-hpo"], tmp_path, MPLBACKEND="none such")
    assert ended.returncode == 0, ended.stderr


@pytest.mark.slow
def test_a_command_that_starts_anew_has_its_own_name(program: list[str], tmp_path: Path) -> None:
    ended = run([*program, "status", "nowhere"], tmp_path, PYTHONWARNINGS="error")
    assert (ended.returncode, ended.stderr) == (2, "error: nowhere: no such folder\n")
