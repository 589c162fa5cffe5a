"""Runs all checks of a study, and mends what is safe to mend."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from oneshot_hpo.experiments.check.files import (
    check_checkpoints,
    check_code,
    check_exports,
    check_inputs,
    check_links,
    check_specification,
    check_states,
)
from oneshot_hpo.experiments.check.findings import Finding, Report
from oneshot_hpo.experiments.check.journals import checked_confirmation, checked_study
from oneshot_hpo.experiments.check.leftovers import check_leftovers
from oneshot_hpo.experiments.check.results import check_results
from oneshot_hpo.experiments.confirm.results import RESULTS, results_of, write_results
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.study.folder import (
    CONFIRMATION,
    check_study,
    check_writable_study,
)
from oneshot_hpo.experiments.study.inputs import is_missing
from oneshot_hpo.experiments.study.kept_weights import kept_keys
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.terminal.hints import say
from oneshot_hpo.hpo import Study
from oneshot_hpo.hpo.journal.lock import is_held


def verify(folder: Path) -> Report:
    """Check everything in a study's folder; nothing is changed.

    UserError, or another of this project's errors: there is no study, or a newer version wrote it.
    """
    check_study(folder)
    report = Report()
    running = any(map(is_held, (folder, folder / CONFIRMATION)))
    check_links(report, folder)
    study = checked_study(report, folder)
    if study is None:
        report.is_readable = False
        return report
    view = study.view
    spec = _specification(report, study)
    finished = {trial.key for trial, _ in view.evaluations}
    check_results(report, folder, view.evaluations, _with(spec, "table"))
    kept = set() if spec is None else kept_keys(spec.keep, view)
    check_checkpoints(report, folder, view.pending, finished, _with(spec, "dataset"), kept)
    check_states(report, folder, view)
    check_exports(report, study, running=running)
    _check_confirmation(report, study, spec)
    if not running:
        check_leftovers(report, folder)
    return report


def mend(report: Report, folder: Path) -> list[Finding]:
    """Mend what is safe to mend in a readable study, as its master; returns what was mended.

    UserError, StudyLocked: a master works on the study or its confirmation, or one of its files is
    a link.
    """
    check_writable_study(folder)
    if is_held(folder / CONFIRMATION):
        raise UserError(f"{folder / CONFIRMATION} is held by a master; stop it first")
    mended = []
    with Study.open(folder):
        for finding in report.findings:
            if finding.mend is not None:
                finding.mend()
                mended.append(finding)
    return mended


def show(console: Console, folder: Path, report: Report, mended: Sequence[Finding] = ()) -> None:
    """Print each finding on a line, and what was checked."""
    for finding in report.findings:
        can = "" if finding.mend is None else ": mended" if finding in mended else " (--mend)"
        say(console, f"{finding.words}{can}")
    for note in report.notes:
        say(console, f"note: {note}")
    number = len(report.findings)
    words = "sound" if not number else "1 problem" if number == 1 else f"{number} problems"
    if mended:
        words += f", {len(mended)} mended"
    if not report.is_readable:
        words += "; nothing else can be checked, and nothing is mended"
    looked = f"; checked: {', '.join(report.checked)}" if report.checked else ""
    say(console, f"{folder}: {words}{looked}")


def _specification(report: Report, study: OpenedStudy) -> StudySpec | None:
    if "specification" not in study.view.header:
        return None
    try:
        spec = study.spec
    except ValueError as error:
        report.add(str(error))
        return None
    check_specification(report, study.folder, spec)
    return check_inputs(report, study) if check_code(report, spec) else None


def _with(spec: StudySpec | None, key: str) -> StudySpec | None:
    """The specification, for checks that need one of its inputs; None if that is missing."""
    return None if spec is None or is_missing(spec, key) else spec


def _check_confirmation(report: Report, study: OpenedStudy, spec: StudySpec | None) -> None:
    own = study.folder / CONFIRMATION
    view = checked_confirmation(report, study)
    if view is None:
        return
    if view.header != study.view.header:
        report.add(f"{own} is the confirmation of another study")
        return
    check_results(report, own, view.evaluations, _with(spec, "table"))
    finished = {run.key for run, _ in view.evaluations}
    check_checkpoints(report, own, view.pending, finished, _with(spec, "dataset"))
    results = own / RESULTS
    if results.exists() and results.read_bytes() != results_of(view):
        words = f"{results} differs from the confirmation's journal"
        report.add(words, lambda: write_results(own, view))
