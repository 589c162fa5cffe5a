"""Kills at every change of a file: of masters, searches, exports; and power cuts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from oneshot_hpo.experiments.benchmarks.survival.interception import Blow
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
"""Rows, their group, and the blows that are counted in them. After a change is before the next one:
a process that is killed changes nothing more."""


def run(progress: Progress, every: int = 1) -> list[Row]:
    """Strike at each moment of each subject, or each `every`-th; a row for a subject and kind."""
    masters: list[Callable[[Lives, Path], Subject]] = [
        StudySubject,
        ResumedStudy,
        CrashesRetried,
        ConfirmationSubject,
        ExportSubject,
    ]
    rows = []
    for make in masters:
        with subject_of(make) as subject:
            rows += strike(subject, every, progress)
    searches = [partial(SearchSubject, searcher=name) for name in SEARCHERS]
    by_kind: dict[str, list[Row]] = {kind: [] for kind in KINDS}
    for make in searches:
        with subject_of(make) as subject:
            for kind, row in zip(KINDS, strike(subject, every, progress), strict=True):
                by_kind[kind].append(row)
    return rows + [
        _sum(f"searches of all {len(searches)} searchers", k, v) for k, v in by_kind.items()
    ]


def strike(subject: Subject, every: int, progress: Progress) -> list[Row]:
    """A row for each of KINDS."""
    rows = []
    for kind, (group, blows) in KINDS.items():
        planned = [
            Blow(blow, operation.number)
            for operation in subject.operations
            for blow in blows
            if blow != "half" or operation.name == "write"
        ][::every]
        if kind == KILLED:
            planned.append(Blow("after", len(subject.operations) - 1))
        failures = []
        for done, blow in enumerate(planned, start=1):
            if problem := survived(subject, blow):
                failures.append(f"{blow.kind} {subject.operations[blow.at]}: {problem}")
            progress(f"{subject.name} {kind}", done, len(planned))
        rows.append(_row(group, f"{subject.name} {kind}", len(planned), failures))
    return rows


def survived(subject: Subject, blow: Blow) -> str:
    """What was wrong after a kill, or nothing."""
    subject.prepared()
    life = subject.lives.live(subject.folder, *subject.begin(), blow=blow)
    if life.code != -9:
        return f"was not killed: {life.code} {life.complaint}"
    return subject.finished_as_undisturbed()


def _row(group: Group, kind: str, tried: int, failures: list[str]) -> Row:
    note = failures[0] if failures else "gone on with: the same to the bit, each told once"
    return Row(group, kind, tried, tried - len(failures), note)


def _sum(name: str, kind: str, rows: list[Row]) -> Row:
    tried, survived = sum(r.tried for r in rows), sum(r.survived for r in rows)
    failed = [row.note for row in rows if row.survived < row.tried]
    note = failed[0] if failed else "gone on with: result and metrics the same to the bit"
    return Row(rows[0].group, f"{name} {kind}", tried, survived, note)
