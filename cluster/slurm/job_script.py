"""The job scripts of workers and of the master."""

from __future__ import annotations

import re
import shlex
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import dask

from oneshot_hpo.cluster.slurm.settings import SlurmSettings, SlurmSettingsError

if TYPE_CHECKING:
    from dask_jobqueue.slurm import SLURMJob

PATIENCE_SECONDS = 300
"""How long a worker waits for its first or next master before its job ends."""

WORKER_LOG = "worker-%A_%a.log"
MASTER_LOG = "master.log"

_SECTION = "oneshot-hpo"
# Our own section of Dask's configuration, so that a user's or a site's jobqueue.yaml for other work
# has no effect.
_NONE = (
    *("account", "cores", "death-timeout", "env-extra", "extra", "header-skip", "interface"),
    *("job-cpu", "job-extra", "job-mem", "local-directory", "log-directory", "memory", "name"),
    *("processes", "project", "python", "queue", "walltime"),
)
_DEFAULTS = dict.fromkeys(_NONE) | {
    "job-directives-skip": [],
    "job-extra-directives": [],
    "job-script-prologue": [],
    "shebang": "#!/usr/bin/env bash",
    "worker-command": "oneshot_hpo.cluster.slurm.job",
    "worker-extra-args": [],
}


def _job_class() -> type[SLURMJob]:
    """dask-jobqueue's. Its import sets a handler of SIGINT for the whole process: undone here."""
    before = signal.getsignal(signal.SIGINT)
    from dask_jobqueue.slurm import SLURMJob

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, before)
    return SLURMJob


def worker_script(
    settings: SlurmSettings, *, name: str, threads: int, contact: Path, folder: Path, logs: Path
) -> str:
    """The script of a job array of workers, without the array's size.

    name: of the jobs. threads: number with which a worker computes. contact: folder of the
    certificate and the scheduler's address. folder: working folder of the jobs. logs: folder of
    their output.

    Raises SlurmSettingsError for a path that sbatch cannot take.
    """
    directives = [f"--qos={settings.qos}"] if settings.qos else []
    if settings.gpus:
        directives.append(f"--gpus={settings.gpus}")
    elif settings.gres:
        directives.append(f"--gres={settings.gres}")
    if settings.constraint:
        directives.append(f'--constraint="{settings.constraint}"')
    directives += [
        f"-D {_directive(folder)}",
        f"-o {_output(logs, WORKER_LOG)}",
        f"--signal=B:USR1@{settings.notice}",
        # The master replaces a lost job; a requeued one would be too many.
        "--no-requeue",
    ]
    with dask.config.set({f"jobqueue.{_SECTION}": _DEFAULTS}):
        script: str = _job_class()(
            scheduler=shlex.quote(str(contact)),
            name="w${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}",
            config_name=_SECTION,
            cores=1,
            processes=1,
            memory="0 B",  # Dask's own limit; SLURM's is job_mem
            job_name=name,
            queue=settings.partition,
            account=settings.account,
            walltime=settings.time,
            job_cpu=settings.cpus,
            job_mem=settings.memory or "-",
            job_directives_skip=[
                *settings.skip_directives,
                *([] if settings.memory else ["--mem=-"]),
            ],
            job_extra_directives=[*_kept(directives, settings), *settings.extra_directives],
            job_script_prologue=[
                "set -e",
                *settings.prologue,
                *(f"export {variable}={threads}" for variable in _THREAD_VARIABLES),
            ],
            # SLURM signals the script's process, so the worker has to replace it.
            python=f"exec {shlex.quote(sys.executable)} -P",
            death_timeout=PATIENCE_SECONDS,
            local_directory=_shell_path(settings.scratch_folder or "${TMPDIR:-/tmp}"),
            worker_extra_args=(
                ["--interface", shlex.quote(settings.worker_interface)]
                if settings.worker_interface
                else []
            ),
        ).job_script()
    return script


def master_script(
    settings: SlurmSettings, *, name: str, folder: Path, logs: Path, command: Sequence[str]
) -> str:
    """The script of the master's job, which runs `command` in the study's folder.

    Raises SlurmSettingsError for a path that sbatch cannot take.
    """
    directives = [f"-J {name}", "-n 1", "--cpus-per-task=1"]
    partition = settings.master_partition or settings.partition
    for option, value in (
        ("-p", partition),
        ("-A", settings.account),
        ("--qos=", settings.qos),
        ("--mem=", settings.master_memory),
        ("-t", settings.master_time),
    ):
        if value:
            directives.append(f"{option}{value}" if option.endswith("=") else f"{option} {value}")

    directives += [
        f"-D {_directive(folder)}",
        f"-o {_output(logs, MASTER_LOG)}",
        "--open-mode=append",
        f"--signal=B:USR1@{settings.notice}",
        "--no-requeue",
    ]

    lines = [f"#SBATCH {directive}" for directive in _kept(directives, settings)]
    body = ["set -e", *settings.prologue, f"exec {shlex.join(command)}"]
    return "\n".join(["#!/usr/bin/env bash", "", *lines, *body, ""])


_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def _kept(directives: list[str], settings: SlurmSettings) -> list[str]:
    """The directives that are not skipped; dask-jobqueue skips only among its own."""
    return [
        line for line in directives if not any(skip in line for skip in settings.skip_directives)
    ]


def _output(folder: Path, pattern: str) -> str:
    """The name of an output file in an #SBATCH line; % is special in `pattern` only."""
    escaped = str(folder).replace("%", "%%")
    return _directive(Path(escaped) / pattern)


def _directive(path: Path) -> str:
    """A path in an #SBATCH line, which has quotes but no shell syntax."""
    text = str(path)
    # In the name of an output, a backslash would disable % and disappear.
    if re.search(r"[\\\x00-\x1f\x7f]", text):
        problem = "holds a backslash or a control character, which sbatch cannot take"
        raise SlurmSettingsError("the path", f"{text!r} {problem}")
    if re.fullmatch(r"[\w/.,:@%+=-]+", text):
        return text
    escaped = text.replace('"', '\\"')
    return f'"{escaped}"'


def _shell_path(path: str) -> str:
    """A path on the job's node; the settings allow $ only for variables."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
