"""Environments made for other work, and working directories full of other people's modules.

Each launch is a process of its own with a worker of its own; it has to find what an undisturbed one
finds. The row of SLURM's variables needs a SLURM that answers: tests/cluster/throwaway_slurm.py.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oneshot_hpo.cluster.slurm import commands
from oneshot_hpo.experiments.benchmarks.survival.rows import Group, Progress, Row
from oneshot_hpo.experiments.benchmarks.survival.study import decisions
from oneshot_hpo.experiments.study.pools import job_name

_SETTINGS = ("iterations=0", "max_budget=1", "min_budget=1", "search.channels=2", "seed=3")
_ON_SLURM = ("cluster.slurm.scheduler_interface=lo", "cluster.slurm.gres=null")
_FOREIGN = "raise SystemExit('foreign code was run')\n"
_MODULES = ("types", "signal", "select", "struct", "multiprocessing", "psutil", "dask", "torch")


@dataclass(frozen=True)
class Surroundings:
    """Variables, files in the home folder and modules in the working directory of a launch."""

    kind: str
    variables: dict[str, str] = field(default_factory=dict)
    yaml: str = ""
    """In Dask's folder of configuration."""
    modules: bool = False
    slurm: bool = False


SURROUNDINGS = (
    Surroundings("Python optimises and strips", {"PYTHONOPTIMIZE": "2"}),
    Surroundings("Python's warnings are errors", {"PYTHONWARNINGS": "error"}),
    Surroundings("Python inspects", {"PYTHONINSPECT": "1", "PYTHONSTARTUP": "/nowhere.py"}),
    Surroundings("matplotlib's backend is missing", {"MPLBACKEND": "none such"}),
    Surroundings(
        "Dask's variables of other work",
        {
            "DASK_DISTRIBUTED__WORKER__MULTIPROCESSING_METHOD": "none such",
            "DASK_DISTRIBUTED__NANNY__PRELOAD": "['no_such_module']",
        },
    ),
    Surroundings("Dask's file of other work", yaml="distributed: {nanny: {preload: [none_such]}}"),
    Surroundings("Dask's file is no YAML", yaml="no: [yaml"),
    Surroundings("modules in the working directory", modules=True),
    Surroundings("an empty part of PYTHONPATH", {"PYTHONPATH": os.pathsep}),
    Surroundings(
        "SLURM's variables of other work",
        {
            "SBATCH_JOB_NAME": "mine",
            "SBATCH_ARRAY_INX": "0-5",
            "SQUEUE_STATES": "RUNNING",
            "SQUEUE_PARTITION": "spare",
            "SCANCEL_STATE": "SUSPENDED",
        },
        slurm=True,
    ),
)


def run(progress: Progress) -> list[Row]:
    """Launch a study in each of the surroundings; a row for each."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        undisturbed = Surroundings("undisturbed")
        expected = found(launched(undisturbed, Path(name), "undisturbed"))
        for number, surroundings in enumerate(SURROUNDINGS):
            tries = 0 if surroundings.slurm and not _slurm_answers() else 1
            progress(surroundings.kind, 0, tries)
            problem = tried(surroundings, Path(name), str(number), expected) if tries else ""
            progress(surroundings.kind, tries, tries)
            note = problem or ("the same result" if tries else "no SLURM answers here")
            rows.append(
                Row(Group.ENVIRONMENT, surroundings.kind, tries, tries - bool(problem), note)
            )
    return rows


def tried(surroundings: Surroundings, scratch: Path, name: str, expected: Any) -> str:
    """What went wrong in these surroundings; empty if nothing did."""
    try:
        study = launched(surroundings, scratch, name)
    except subprocess.CalledProcessError as failure:
        return f"exit code {failure.returncode}: {failure.stderr.strip()[-200:]}"
    if found(study) != expected:
        return "another result"
    if surroundings.slurm and commands.jobs_by_name(job_name("quickstart", study)):
        return "jobs were left in the queue"
    return ""


def launched(surroundings: Surroundings, scratch: Path, name: str) -> Path:
    """The folder of a study of one search that was run there. CalledProcessError: it failed."""
    home, study = scratch / name, scratch / name / "study"
    (home / ".config" / "dask").mkdir(parents=True)
    if surroundings.yaml:
        (home / ".config" / "dask" / "mine.yaml").write_text(surroundings.yaml)
    for module in _MODULES if surroundings.modules else ():
        (home / f"{module}.py").write_text(_FOREIGN)
    settings = [*_SETTINGS, *(_ON_SLURM if surroundings.slurm else ())]
    subprocess.run(
        [*_program(home), "launch", "quickstart", "--dir", str(study), "--workers", "1"]
        + [word for setting in settings for word in ("--set", setting)],
        cwd=home,
        env=os.environ | {"HOME": str(home)} | surroundings.variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return study


def _program(folder: Path) -> list[str]:
    """The command as pip installs it."""
    (folder / "bin").mkdir()
    path = folder / "bin" / "oneshot-hpo"
    path.write_text(
        "from oneshot_hpo.experiments.cli import main\nif __name__ == '__main__':\n    main()\n"
    )
    return [sys.executable, str(path)]


def found(study: Path) -> list[Any]:
    """The study's evaluations with their losses."""
    return [(*e["id"], e["budget"], e["loss"]) for e in decisions(study) if e["event"] == "tell"]


def _slurm_answers() -> bool:
    if shutil.which("sbatch") is None:
        return False
    try:
        commands.jobs_by_name("none")
    except (commands.SlurmRefused, commands.SlurmUnavailable):
        return False
    return True
