"""Faults on disk at every change of a file: full, failing, read-only, stale, gone, slow.

Each must end the work with one clear line, and the work must resume once the fault is repaired.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from oneshot_hpo.experiments.benchmarks.survival.altered import altered_files
from oneshot_hpo.experiments.benchmarks.survival.interception import NEED_SPACE, VANISHED, Fault
from oneshot_hpo.experiments.benchmarks.survival.lives import Lives
from oneshot_hpo.experiments.benchmarks.survival.mounted import real_limits
from oneshot_hpo.experiments.benchmarks.survival.rows import Group, Progress, Row, fault_row
from oneshot_hpo.experiments.benchmarks.survival.study import command_while_the_clock_jumps
from oneshot_hpo.experiments.benchmarks.survival.subjects import (
    ExportSubject,
    SearchSubject,
    ShortStudy,
    StudySubject,
    Subject,
    subject_of,
)

FAULTS: dict[str, tuple[Fault, tuple[str, ...]]] = {
    "disk full from any change on": (Fault("full", 0), NEED_SPACE),
    "any fsync fails": (Fault("error", 0, errno.EIO), ("fsync",)),
    "input/output errors from any change on": (Fault("errors", 0, errno.EIO), ()),
    "read-only from any change on": (Fault("errors", 0, errno.EROFS), ()),
    "stale file handle (NFS) from any change on": (Fault("errors", 0, errno.ESTALE), ()),
    "folder vanishes at any change, and comes back": (Fault("vanish", 0), ()),
}
"""By row: the fault without its place, and the operations that it hits, all if none is named."""


def run(progress: Progress, every: int = 1) -> list[Row]:
    """Try every fault at each place, or at each `every`-th; a row for a subject and fault."""
    subjects: list[Callable[[Lives, Path], Subject]] = [
        ShortStudy,
        ExportSubject,
        partial(SearchSubject, searcher="darts"),
    ]
    rows = []
    for make in subjects:
        with subject_of(make) as subject:
            rows += [_fault_row(subject, name, every, progress) for name in FAULTS]
            if isinstance(subject, ShortStudy):
                rows += [_slow(subject), _clock(subject, every, progress)]
    return rows + altered_files(progress, every) + real_limits(progress, every)


def problem_after_fault(subject: Subject, fault: Fault) -> str:
    """What was wrong when a fault ended the work, or when it was resumed; empty if nothing."""
    subject.prepare()
    life = subject.lives.live(subject.folder, *subject.begin(), fault=fault)
    away = Path(str(subject.folder) + VANISHED)
    if away.exists():
        shutil.rmtree(subject.folder, ignore_errors=True)
        away.rename(subject.folder)
    return life.unclear or subject.finished_as_undisturbed()


def _fault_row(subject: Subject, name: str, every: int, progress: Progress) -> Row:
    fault, only = FAULTS[name]
    places = [o for o in subject.operations if not only or o.name in only][::every]
    failures = []
    for done, place in enumerate(places, start=1):
        if problem := problem_after_fault(subject, Fault(fault.kind, place.number, fault.error)):
            failures.append(f"at {place}: {problem}")
        progress(f"{subject.name}: {name}", done, len(places))
    return fault_row(Group.DISK, f"{subject.name}: {name}", len(places), failures)


def _slow(subject: Subject) -> Row:
    failures = [problem] if (problem := problem_after_fault(subject, Fault("slow", 0))) else []
    return fault_row(Group.DISK, f"{subject.name}: every fsync is slow", 1, failures)


def _clock(subject: StudySubject, every: int, progress: Progress) -> Row:
    what = f"{subject.name}: the clock is set back by a day"
    calls, failures = range(0, 60, 4 * every), []
    for done, call in enumerate(calls, start=1):
        subject.prepare()
        _, *arguments = subject.begin()
        life = subject.lives.live(subject.folder, command_while_the_clock_jumps, call, *arguments)
        if problem := life.unclear or subject.finished_as_undisturbed():
            failures.append(f"at call {call}: {problem}")
        progress(what, done, len(calls))
    return fault_row(Group.DISK, what, len(calls), failures)
