"""Shows or stops a study without its lock: `oneshot-hpo status` and `stop`."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from rich.console import Console, RenderableType
from rich.live import Live

from oneshot_hpo.experiments.errors import StudyStopped, one_line
from oneshot_hpo.experiments.study.folder import CONFIRMATION, resume
from oneshot_hpo.experiments.study.opened import OpenedStudy, QueuedJobs, queued_jobs
from oneshot_hpo.experiments.study.slurm_master import (
    cancel_all,
    cancel_successors,
    forget_workers,
)
from oneshot_hpo.experiments.study.summary import print_summary
from oneshot_hpo.experiments.terminal.hints import command, say, say_paragraph
from oneshot_hpo.experiments.terminal.panel import study_panel
from oneshot_hpo.experiments.terminal.rate_limiter import RateLimiter
from oneshot_hpo.hpo import StudyLocked
from oneshot_hpo.hpo.journal.lock import end_holder, holder_here, is_held

WATCH_SECONDS = 1.0
QUEUE_SECONDS = 10.0
"""How often SLURM is queried while a study is watched."""
STOP_SECONDS = 900.0
"""How long to wait for a master to end; it may itself wait for SLURM to end its jobs."""


def show_status(console: Console, folder: Path) -> None:
    """Print the state of the study in `folder`; UserError if it holds none."""
    study = OpenedStudy(folder)
    console.print(_panel(study))
    _print_end(console, study)


def watch_status(console: Console, folder: Path) -> None:
    """Show and update the state until the study is finished or its master has ended."""
    study = OpenedStudy(folder)
    queue = StudyQueue(study)
    rate = RateLimiter()
    with Live(
        _panel(study), console=console, auto_refresh=False, redirect_stderr=False
    ) as live:  # the message that ends it goes to standard error
        while study.state in ("running", "waiting"):
            time.sleep(WATCH_SECONDS)
            if rate.is_due:
                with rate.measured():
                    study = OpenedStudy(folder, jobs=queue.jobs())
                    live.update(_panel(study), refresh=True)
    _print_end(console, study)


class StudyQueue:
    """A study's jobs in SLURM's queue, queried every QUEUE_SECONDS."""

    def __init__(self, study: OpenedStudy) -> None:
        self._spec, self._folder = study.spec, study.folder
        self._jobs = study.jobs
        self._asked = time.monotonic()

    def jobs(self) -> QueuedJobs:
        """SLURM's last answer."""
        if time.monotonic() - self._asked >= QUEUE_SECONDS:
            self._asked = time.monotonic()
            self._jobs = queued_jobs(self._spec, self._folder) or self._jobs
        return self._jobs


def stop_study(console: Console, folder: Path) -> None:
    """End the masters of a study and its confirmation, here or in jobs, and all their jobs.

    Both can be resumed.
    UserError: there is no study. StudyStopped: SLURM or the master does not answer.
    """
    study = OpenedStudy(folder)
    slurm = study.spec.cluster.slurm is not None
    for own in (folder, folder / CONFIRMATION):
        if slurm:
            cancel_successors(study.spec.name, own)
        _end_master(own)
        if slurm:
            cancel_all(study.spec.name, own)
        if is_held(own):
            raise StudyStopped(f"{own} is held by a master on another host; stop it there")
        if slurm:
            forget_workers(study.spec.name, own)
    _print_end(console, OpenedStudy(folder))


def _end_master(folder: Path) -> None:
    """End the process on this host that holds a study or a confirmation, if one does."""
    try:
        master = end_holder(folder)
    except StudyLocked as error:
        raise StudyStopped(one_line(error)) from None
    if master is None:
        return
    deadline = time.monotonic() + STOP_SECONDS
    while holder_here(folder) == master:
        if time.monotonic() > deadline:
            raise StudyStopped(f"the master, process {master}, has not ended")
        time.sleep(0.1)


def _panel(study: OpenedStudy) -> RenderableType:
    running = len(study.view.pending) if study.has_master else 0
    words = _job_counts(study.jobs)
    if study.workers is not None:
        running = study.workers.running
        words = words or study.workers.state
    return study_panel(study.view, study.spec.title, running, workers=words)


def _job_counts(jobs: QueuedJobs) -> str:
    """How many jobs are in which state: "2 job running, 1 master pending (Priority)"."""
    states = [("master", job) for job in jobs.masters] + [("job", job) for job in jobs.workers]
    words = [
        f"{kind} {job.state.lower()}" + (f" ({job.reason})" if job.state == "PENDING" else "")
        for kind, job in states
    ]
    return ", ".join(f"{number} {word}" for word, number in Counter(words).items())


def _print_end(console: Console, study: OpenedStudy) -> None:
    if study.undecided is not None:
        say_paragraph(console, study.undecided)
    if study.state == "finished":
        print_summary(
            console, study.view, study.folder, study.caveats, study.kept_weights, study.shrunken
        )
    elif study.state == "stopped":
        say(console, f"not running; to resume: {resume(study.folder)}")
    elif study.state == "running":
        waiting = None if study.workers is None else study.workers.waiting
        say(console, "running" if waiting is None else f"running; {waiting}")
    else:
        say(console, "waiting for SLURM")
    if (reruns := study.confirmation) is not None:
        done = f"{len(reruns.evaluations)} of {reruns.total_evaluations} runs"
        what = "compare" if reruns.finished else "confirm"
        say(console, f"confirmation: {done} finished; {command(what, study.folder)}")
