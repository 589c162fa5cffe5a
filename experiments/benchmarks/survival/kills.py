"""Kills at every change of a file: of masters, searches, exports; and power cuts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from oneshot_hpo.experiments.benchmarks.survival.extended import (
    ContinuedStudy,
    ExtendedStudy,
    StoppedStudy,
)
from oneshot_hpo.experiments.benchmarks.survival.interception import Fault
from oneshot_hpo.experiments.benchmarks.survival.lives import Lives
from oneshot_hpo.experiments.benchmarks.survival.rows import Group, Progress, Row
from oneshot_hpo.experiments.benchmarks.survival.subjects import (
    ConfirmationSubject,
    CrashesRetried,
    ExportSubject,
    ResumedStudy,
    SearchSubject,
    StudySubject,
    Subject,
    subject_of,
)
from oneshot_hpo.searchers.registry import SEARCHERS

KILLED = "killed before and after each change of a file"
KINDS: dict[str, tuple[Group, tuple[str, ...]]] = {
    KILLED: (Group.KILLS, ("before",)),
    "killed half-way through each write": (Group.KILLS, ("half",)),
    "power cut before each change: what was not fsynced is lost": (
        Group.POWER_CUTS,
        ("power cut", "power cut, names too"),
    ),
}
"""By row: its group, and the faults counted in it. After a change is before the next one: a killed
process changes nothing more."""


def run(progress: Progress, every: int = 1) -> list[Row]:
    """Kill at each operation of each subject, or each `every`-th; a row for a subject and kind."""
    masters: list[Callable[[Lives, Path], Subject]] = [
        StudySubject,
        ResumedStudy,
        CrashesRetried,
        ExtendedStudy,
        StoppedStudy,
        ContinuedStudy,
        ConfirmationSubject,
        ExportSubject,
    ]
    rows = []
    for make in masters:
        with subject_of(make) as subject:
            rows += inject(subject, every, progress)
    searches = [partial(SearchSubject, searcher=name) for name in SEARCHERS]
    by_kind: dict[str, list[Row]] = {kind: [] for kind in KINDS}
    for make in searches:
        with subject_of(make) as subject:
            for kind, row in zip(KINDS, inject(subject, every, progress), strict=True):
                by_kind[kind].append(row)
    return rows + [
        _sum(f"searches of all {len(searches)} searchers", k, v) for k, v in by_kind.items()
    ]


def inject(subject: Subject, every: int, progress: Progress) -> list[Row]:
    """A row for each of KINDS."""
    rows = []
    for kind, (group, faults) in KINDS.items():
        planned = [
            Fault(fault, operation.number)
            for operation in subject.operations
            for fault in faults
            if fault != "half" or operation.name == "write"
        ][::every]
        if kind == KILLED:
            planned.append(Fault("after", len(subject.operations) - 1))
        failures = []
        for done, fault in enumerate(planned, start=1):
            if problem := problem_after_kill(subject, fault):
                failures.append(f"{fault.kind} {subject.operations[fault.at]}: {problem}")
            progress(f"{subject.name} {kind}", done, len(planned))
        rows.append(_row(group, f"{subject.name} {kind}", len(planned), failures))
    return rows


def problem_after_kill(subject: Subject, fault: Fault) -> str:
    """What was wrong after a kill; empty if nothing."""
    subject.prepare()
    life = subject.lives.live(subject.folder, *subject.begin(), fault=fault)
    if life.code != -9:
        return f"was not killed: {life.code} {life.complaint}"
    return subject.finished_as_undisturbed()


def _row(group: Group, kind: str, tried: int, failures: list[str]) -> Row:
    note = failures[0] if failures else "resumed: the same to the bit, each recorded once"
    return Row(group, kind, tried, tried - len(failures), note)


def _sum(name: str, kind: str, rows: list[Row]) -> Row:
    tried, survived = sum(r.tried for r in rows), sum(r.survived for r in rows)
    failed = [row.note for row in rows if row.survived < row.tried]
    note = failed[0] if failed else "resumed: result and metrics the same to the bit"
    return Row(rows[0].group, f"{name} {kind}", tried, survived, note)
