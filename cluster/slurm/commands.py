"""SLURM's commands: submit, list, cancel. Errors carry SLURM's own message."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from oneshot_hpo.cluster import environment
from oneshot_hpo.cluster.errors import ClusterError

_SECONDS = 300.0
"""Time-out for a command that hangs; SLURM's own are shorter, also on a busy login node."""

_CANCEL_SECONDS = 300.0
"""How long SLURM may take to end a study's jobs, which first save their state."""

_TEMPORARY = (
    "unable to contact slurm controller",
    "connection",
    "connect failure",
    "communication",
    "timed out",
    "zero bytes",
    "temporarily",
    "try again",
    "maxsubmitjob",
    "job submit limit",
    "slurm backup controller",
)
"""Words in messages of sbatch about temporary problems."""

_ENDED = {
    "BOOT_FAIL",
    "CANCELLED",
    "COMPLETED",
    "DEADLINE",
    "FAILED",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "PREEMPTED",
    "TIMEOUT",
}


class SlurmRefused(ClusterError, ValueError):
    """SLURM refuses a job; the message is SLURM's."""


class SlurmUnavailable(ClusterError, RuntimeError):
    """SLURM does not answer, or has a temporary problem; try again."""


class Job(NamedTuple):
    """A line of squeue: id (`14_0` in an array), state, node, reason for waiting."""

    id: str
    state: str
    node: str
    reason: str


def submit(script: str, *options: str) -> str:
    """Submit a script and return the job's id. Raises SlurmRefused, SlurmUnavailable."""
    return _run(("sbatch", "--parsable", *options), script).strip().partition(";")[0]


def check(script: str, *options: str) -> None:
    """Let SLURM check a script without submitting it. Raises SlurmRefused, SlurmUnavailable."""
    _run(("sbatch", "--test-only", *options), script)


def jobs_by_name(name: str) -> list[Job]:
    """This user's jobs with a name that have not ended. Raises SlurmUnavailable."""
    words = ("squeue", "--noheader", "--array", f"--user={_user()}", f"--name={name}")
    return [job for job in _listed(*words) if job.state not in _ENDED | {"COMPLETING"}]


def jobs_by_id(ids: Iterable[str], folder: Path) -> list[Job]:
    """Jobs with these ids and this working folder that have not ended. Raises SlurmUnavailable.

    SLURM reuses ids after a while: the folder distinguishes a job of ours from another one.
    """
    words = ("squeue", "--noheader", "--array", "--states=all", f"--user={_user()}")
    try:
        jobs = _listed(*words, f"--jobs={','.join(sorted(ids))}", folder=folder)
    except SlurmUnavailable as error:
        if "invalid job id" in str(error).lower():
            return []
        raise
    return [job for job in jobs if job.state not in _ENDED | {"COMPLETING"}]


def state_of(job: str) -> str | None:
    """State of a job, also after its end; None if SLURM forgot it. Raises SlurmUnavailable."""
    try:
        jobs = _listed("squeue", "--noheader", "--array", "--states=all", f"--jobs={job}")
    except SlurmUnavailable as error:
        if "invalid job id" in str(error).lower():
            return None
        raise
    return jobs[0].state if jobs else None


def queue_waits(partition: str | None, most: int = 200) -> list[float]:
    """Seconds for which this user's latest jobs waited in the queue, the latest job last.

    partition: theirs; None: any. Empty where SLURM keeps no account. Raises SlurmRefused where
    there is no SLURM.
    """
    words = ["sacct", "--noheader", "--parsable2", "--allocations", f"--user={_user()}"]
    words += ["--starttime=now-30days", "--format=Submit,Start"]
    words += [] if partition is None else [f"--partition={partition}"]
    try:
        lines = _run(words).splitlines()
    except SlurmUnavailable:
        return []
    waits = [wait for line in lines if (wait := _wait(line)) is not None]
    return waits[-most:]


def _wait(line: str) -> float | None:
    """Seconds from Submit to Start; None for a job that has not started."""
    try:
        submitted, started = map(datetime.fromisoformat, line.strip().split("|"))
    except ValueError:  # Unknown, or None
        return None
    return max(0.0, (started - submitted).total_seconds())


def has_ended(state: str | None) -> bool:
    """Whether a job in this state (None: forgotten) has ended."""
    return state is None or state in _ENDED


def cancel(ids: Iterable[str]) -> None:
    """Cancel jobs; jobs that have ended are no error. Raises SlurmUnavailable."""
    if listed := sorted(ids):
        _run(("scancel", "--quiet", *listed))


def cancel_named(name: str, *options: str) -> None:
    """Cancel this user's jobs with a name. Raises SlurmUnavailable."""
    _run(("scancel", "--quiet", f"--user={_user()}", f"--name={name}", *options))


def cancel_all(jobs: Callable[[], Collection[Job]]) -> None:
    """Cancel the jobs that `jobs` finds and wait until it finds none. Raises SlurmUnavailable."""
    deadline = time.monotonic() + _CANCEL_SECONDS
    while True:
        try:
            left = jobs()
            if not left:
                return
            cancel(job.id for job in left)
        except SlurmUnavailable:
            if time.monotonic() > deadline:
                raise
        except SlurmRefused as error:
            raise SlurmUnavailable(str(error)) from None
        if time.monotonic() > deadline:
            raise SlurmUnavailable(f"{len(left)} jobs still run after {_CANCEL_SECONDS:.0f} s")
        time.sleep(0.5)


def clear_queue(*names: str) -> None:
    """Cancel this user's jobs with these names and wait until they have ended.

    Raises SlurmUnavailable.
    """
    cancel_all(lambda: [job for name in names for job in jobs_by_name(name)])


def _listed(*words: str, folder: Path | None = None) -> list[Job]:
    """The jobs that squeue lists; with `folder`, only those that start there."""
    lines = _run((*words, "--format=%i|%T|%N|%r|%Z")).splitlines()
    parts = [line.split("|", 4) for line in lines if line.count("|") >= 4]
    return [Job(*part[:4]) for part in parts if folder is None or part[4] == str(folder)]


def _run(words: Sequence[str], script: str | None = None) -> str:
    try:
        ended = subprocess.run(
            words,
            input=script,
            stdin=subprocess.DEVNULL if script is None else None,
            # A job must not pass its limits on to jobs that it submits, and a user's settings for
            # other work must not hide or rename jobs.
            env=environment.for_slurm(os.environ),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            start_new_session=True,  # Ctrl-C reaches only the master
        )
    except FileNotFoundError:
        raise SlurmRefused(
            f"there is no command {words[0]} here: launch on a host with SLURM's commands"
        ) from None
    except subprocess.TimeoutExpired:
        raise SlurmUnavailable(f"{words[0]} has not answered within {_SECONDS:.0f} s") from None

    if ended.returncode == 0:
        return ended.stdout

    message = _one_line(ended.stderr) or f"{words[0]} ended with exit code {ended.returncode}"
    if words[0] != "sbatch" or any(word in message.lower() for word in _TEMPORARY):
        raise SlurmUnavailable(message)

    ignored = sorted(name for name in os.environ if name.startswith("SBATCH_"))
    if ignored:
        message += f" ({', '.join(ignored)} ignored: use cluster.slurm in the study file)"
    raise SlurmRefused(message)


def _one_line(text: str) -> str:
    lines = [re.sub(r"^(\w+: )?((error|fatal): )?", "", line) for line in text.splitlines()]
    return "; ".join(line.strip() for line in lines if line.strip())


def _user() -> str:
    """The user's id: a user may have no name, and LOGNAME may be wrong."""
    return str(os.getuid())
