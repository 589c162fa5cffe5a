"""A study seen from outside, without its lock: `oneshot-hpo status`, and `stop`."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from rich.console import Console, RenderableType
from rich.live import Live

from oneshot_hpo.cluster.private_folder import NoPrivateFolder
from oneshot_hpo.cluster.slurm.commands import Job, SlurmRefused, SlurmUnavailable
from oneshot_hpo.experiments.errors import StudyStopped, one_line
from oneshot_hpo.experiments.study.folder import CONFIRMATION, check_study, resume, specification_of
from oneshot_hpo.experiments.study.slurm_master import (
    cancel_all,
    cancel_successors,
    forget_workers,
    study_queue,
)
from oneshot_hpo.experiments.study.summary import print_summary
from oneshot_hpo.experiments.terminal.hints import command, say
from oneshot_hpo.experiments.terminal.panel import study_panel
from oneshot_hpo.experiments.terminal.rate_limiter import RateLimiter
from oneshot_hpo.hpo import StudyLocked, StudyView, read_confirmation, read_study
from oneshot_hpo.hpo.confirmation_view import CONFIRMATION_NAME
from oneshot_hpo.hpo.journal.lock import end_holder, holder_here, is_held

WATCH_SECONDS = 1.0
QUEUE_SECONDS = 10.0
"""How often SLURM is asked while a study is watched."""
STOP_SECONDS = 900.0
"""It ends the waiting for a master that hangs; one may have to wait for SLURM to end its jobs."""


class ObservedStudy:
    """A study's journal, its master and its jobs, as they stand now."""

    def __init__(self, folder: Path) -> None:
        check_study(folder)
        self._folder = folder
        self._asked = -QUEUE_SECONDS
        self._masters: list[Job] = []
        self._workers: list[Job] = []
        self.refresh()

    def refresh(self) -> None:
        """Read the journal, and SLURM's queue where it is time for it."""
        self.view = read_study(self._folder)
        self.spec = specification_of(self.view.header, self._folder)
        if self.spec.cluster.slurm is None or time.monotonic() - self._asked < QUEUE_SECONDS:
            return
        self._asked = time.monotonic()
        try:
            self._masters, self._workers = study_queue(self.spec.name, self._folder)
        except (SlurmUnavailable, SlurmRefused, NoPrivateFolder):
            return  # the journal is the truth; SLURM only says how its jobs are

    @property
    def has_master(self) -> bool:
        """Whether a master works on it, here or as a job that runs."""
        return is_held(self._folder) or any(job.state == "RUNNING" for job in self._masters)

    @property
    def goes_on(self) -> bool:
        """Whether it has a master or will have one."""
        return self.has_master or bool(self._masters)

    def standing(self) -> RenderableType:
        """The panel."""
        running = len(self.view.pending) if self.has_master else 0
        return study_panel(self.view, self.spec.title, running, workers=self._jobs())

    def _jobs(self) -> str:
        words = [
            f"{'master' if job in self._masters else 'job'} {job.state.lower()}"
            + (f" ({job.reason})" if job.state == "PENDING" else "")
            for job in (*self._masters, *self._workers)
        ]
        return ", ".join(f"{number} {word}" for word, number in Counter(words).items())


def show_status(console: Console, folder: Path) -> None:
    """Print how the study in `folder` stands; UserError if it holds none."""
    observed = ObservedStudy(folder)
    console.print(observed.standing())
    _print_end(console, observed, folder)


def watch_status(console: Console, folder: Path) -> None:
    """The same, kept up to date until the study is finished or its master has gone."""
    observed = ObservedStudy(folder)
    rate = RateLimiter()
    with Live(
        observed.standing(), console=console, auto_refresh=False, redirect_stderr=False
    ) as live:  # what ends it is said on standard error, whenever it comes
        while observed.goes_on and not observed.view.finished:
            time.sleep(WATCH_SECONDS)
            if rate.is_due:
                with rate.measured():
                    observed.refresh()
                    live.update(observed.standing(), refresh=True)
    _print_end(console, observed, folder)


def stop_study(console: Console, folder: Path) -> None:
    """End a study's master, here or in a job, its confirmation's, and all their jobs.

    Both can be resumed.
    UserError: there is no study. StudyStopped: SLURM or the master does not answer.
    """
    observed = ObservedStudy(folder)
    slurm = observed.spec.cluster.slurm is not None
    for own in (folder, folder / CONFIRMATION):
        if slurm:
            cancel_successors(observed.spec.name, own)
        _end_master(own)
        if slurm:
            cancel_all(observed.spec.name, own)
        if is_held(own):
            raise StudyStopped(f"{own} is held by a master on another host; stop it there")
        if slurm:
            forget_workers(observed.spec.name, own)
    _print_end(console, ObservedStudy(folder), folder)


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


def _print_end(console: Console, observed: ObservedStudy, folder: Path) -> None:
    view: StudyView = observed.view
    if view.finished:
        print_summary(console, view, folder)
    elif observed.goes_on:
        say(console, "running" if observed.has_master else "waiting for SLURM")
    else:
        say(console, f"not running; to go on: {resume(folder)}")
    if (folder / CONFIRMATION / CONFIRMATION_NAME).exists():
        reruns = read_confirmation(folder / CONFIRMATION)
        done = f"{len(reruns.evaluations)} of {reruns.total_evaluations} runs"
        what = "compare" if reruns.finished else "confirm"
        say(console, f"confirmation: {done} have ended; {command(what, folder)}")
