"""Checks that a journal is complete and that a replay makes the same decisions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from oneshot_hpo.experiments import machine
from oneshot_hpo.experiments.check.findings import Report
from oneshot_hpo.experiments.study.folder import CONFIRMATION
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.wording import counted
from oneshot_hpo.hpo import Confirmation, ConfirmationView, CorruptJournal, has_confirmation
from oneshot_hpo.hpo.confirmation_view import CONFIRMATION_NAME
from oneshot_hpo.hpo.confirmation_view import EVENTS as CONFIRMATION_EVENTS
from oneshot_hpo.hpo.journal.events import Kinds
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME
from oneshot_hpo.hpo.study_events import EVENTS
from oneshot_hpo.hpo.verify import Difference, differences, faults

_SHOWN = 3


def checked_study(report: Report, folder: Path) -> OpenedStudy | None:
    """The study in `folder`; None if its journal cannot be read or replayed.

    Raises NewerJournal.
    """
    path = folder / JOURNAL_NAME
    # To mend, the study is opened, which cuts the line off.
    if not _is_whole(report, path, EVENTS, lambda: None):
        return None
    try:
        study = OpenedStudy(folder)
        found = differences(folder)
    except CorruptJournal as fault:
        report.add(str(fault))
        return None
    view = study.view
    report.checked.append(f"{len(view.evaluations)} of {view.total_evaluations} evaluations")
    if view.extensions:
        report.checked.append(counted(len(view.extensions), "extension"))
    report.checked.append("every decision replayed")
    why = _other_versions(view.header) if found else ""
    for difference in found[:_SHOWN]:
        report.add(f"{path}, line {difference.line}: {_words(difference)}{why}")
    if len(found) > _SHOWN:
        report.add(f"{path}: and {len(found) - _SHOWN} more proposals that differ here")
    return study


def checked_confirmation(report: Report, study: OpenedStudy) -> ConfirmationView | None:
    """The study's confirmation; None: it has not begun, or cannot be read or replayed."""
    folder = study.folder / CONFIRMATION
    if not has_confirmation(folder):
        return None
    path = folder / CONFIRMATION_NAME
    torn = lambda: Confirmation.open(folder).close()  # noqa: E731
    if not _is_whole(report, path, CONFIRMATION_EVENTS, torn):
        return None
    try:
        view = study.confirmation
    except CorruptJournal as fault:
        report.add(str(fault))
        return None
    assert view is not None
    report.checked.append(f"{len(view.evaluations)} of {view.total_evaluations} confirming runs")
    return view


def _is_whole(report: Report, path: Path, kinds: Kinds, cut: Callable[[], None]) -> bool:
    """Whether every line of a journal can be read; `cut` mends a torn last line."""
    found, torn = faults(path, kinds)
    for fault in found:
        report.add(str(fault))
    if torn:
        report.add(f"{path}: the last line is torn ({torn} bytes)", cut)
    return not found


def _words(difference: Difference) -> str:
    journaled, proposed = difference.journaled, difference.proposed
    named = [
        f"{key} is {journaled.get(key)} where {proposed.get(key)} is proposed here"
        for key in sorted(journaled.keys() | proposed.keys())
        if journaled.get(key) != proposed.get(key)
    ]
    return ", ".join(named)


def _other_versions(header: dict[str, Any]) -> str:
    """Packages whose version differs here, as a likely cause."""
    recorded = header.get("specification", {}).get("versions", {})
    here = machine.versions()
    other = [
        f"{name} {was} → {here[name]}"
        for name, was in recorded.items()
        if here.get(name, was) != was
    ]
    return f" (other package versions: {', '.join(other)})" if other else ""
