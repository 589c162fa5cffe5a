"""Faults on disk at every change of a file: full, failing, read-only, stale, gone, slow.

Each has to end the work with one clear line, and the work has to go on once the fault is mended.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from oneshot_hpo.experiments.benchmarks.survival.altered import altered_files
from oneshot_hpo.experiments.benchmarks.survival.interception import NEED_SPACE, VANISHED, Blow
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

FAULTS: dict[str, tuple[Blow, tuple[str, ...]]] = {
    "disk full from any change on": (Blow("full", 0), NEED_SPACE),
    "any fsync fails": (Blow("error", 0, errno.EIO), ("fsync",)),
    "input/output errors from any change on": (Blow("errors", 0, errno.EIO), ()),
    "read-only from any change on": (Blow("errors", 0, errno.EROFS), ()),
    "stale file handle (NFS) from any change on": (Blow("errors", 0, errno.ESTALE), ()),
    "folder vanishes at any change, and comes back": (Blow("vanish", 0), ()),
}
"""Rows; the blow but for its place; the operations at which it falls, all if none is named."""


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
            rows += [_faults(subject, fault, every, progress) for fault in FAULTS]
            if isinstance(subject, ShortStudy):
                rows += [_slow(subject), _clock(subject, every, progress)]
    return rows + altered_files(progress, every) + real_limits(progress, every)


def withstood(subject: Subject, blow: Blow) -> str:
    """What was wrong with how a fault ended the work, or how it was gone on with; or nothing."""
    subject.prepared()
    life = subject.lives.live(subject.folder, *subject.begin(), blow=blow)
    away = Path(str(subject.folder) + VANISHED)
    if away.exists():
        shutil.rmtree(subject.folder, ignore_errors=True)
        away.rename(subject.folder)
    return life.unclear or subject.finished_as_undisturbed()


def _faults(subject: Subject, fault: str, every: int, progress: Progress) -> Row:
    blow, only = FAULTS[fault]
    places = [o for o in subject.operations if not only or o.name in only][::every]
    failures = []
    for done, place in enumerate(places, start=1):
        if problem := withstood(subject, Blow(blow.kind, place.number, blow.error)):
            failures.append(f"at {place}: {problem}")
        progress(f"{subject.name}: {fault}", done, len(places))
    return fault_row(Group.DISK, f"{subject.name}: {fault}", len(places), failures)


def _slow(subject: Subject) -> Row:
    failures = [problem] if (problem := withstood(subject, Blow("slow", 0))) else []
    return fault_row(Group.DISK, f"{subject.name}: every fsync is slow", 1, failures)


def _clock(subject: StudySubject, every: int, progress: Progress) -> Row:
    what = f"{subject.name}: the clock is set back by a day"
    calls, failures = range(0, 60, 4 * every), []
    for done, call in enumerate(calls, start=1):
        subject.prepared()
        _, *arguments = subject.begin()
        life = subject.lives.live(subject.folder, command_while_the_clock_jumps, call, *arguments)
        if problem := life.unclear or subject.finished_as_undisturbed():
            failures.append(f"at call {call}: {problem}")
        progress(what, done, len(calls))
    return fault_row(Group.DISK, what, len(calls), failures)
