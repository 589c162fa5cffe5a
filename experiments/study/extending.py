"""Extends a study: what it still has to do, and which rules end it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ConfigSpace import ConfigurationSpace
from rich.console import Console

from oneshot_hpo.experiments.errors import UserError, one_line
from oneshot_hpo.experiments.objectives.objective import FOLDER
from oneshot_hpo.experiments.study.extensions import difference, extended, words
from oneshot_hpo.experiments.study.folder import (
    CONFIRMATION,
    check_writable_study,
    resume,
    write_specification,
)
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.stop_noise import needed_noise
from oneshot_hpo.experiments.study.stop_rules import StopRules
from oneshot_hpo.experiments.study.summary import without_rule
from oneshot_hpo.experiments.study.trial import RESULT
from oneshot_hpo.experiments.study.yaml_files import YamlError, load_yaml
from oneshot_hpo.experiments.terminal.ending import resumable
from oneshot_hpo.experiments.terminal.hints import say, say_paragraph
from oneshot_hpo.hpo import Extension, Study, StudyError, StudyView, Trial
from oneshot_hpo.hpo.bohb.encoding import completed_configuration
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME
from oneshot_hpo.searchers.checkpoint import remove_checkpoints, remove_to_continue

_OPTIONS = "--iterations, --max-budget, --stop, --add or --drop"


def extend_study(
    console: Console,
    folder: Path,
    *,
    iterations: int,
    max_budget: int | None,
    stop: Mapping[str, Any],
    add: Sequence[Mapping[str, Any]],
    drop: Sequence[str],
) -> None:
    """Extend a study that no master works on; `resume` then continues it.

    iterations: brackets more. max_budget: the budget of a rung on top. stop: limits by rule, None
    for no limit; other rules stay as they are. add: configurations for the next bracket, with the
    default's other values. drop: keys of trials to give up.

    UserError, StudyError: bad input, or a master works on the study; nothing is changed then.
    StudyStopped: the disk is full, say.
    """
    check_writable_study(folder)
    study = OpenedStudy(folder)
    dropped = [_pending(study, key) for key in dict.fromkeys(drop)]
    extension = Extension(
        iterations=iterations,
        max_budget=max_budget,
        stop=study.spec.stop.with_limits(stop) if stop else {},
        add=[_configuration(study.view.space, values) for values in add],
        drop=[(trial.id, trial.budget) for trial in dropped],
    )
    if extension.is_empty:
        raise UserError(f"say how {folder} is to be extended: {_OPTIONS}")
    spec = extended(study.spec, [extension], f"{folder} cannot be extended")
    noise = needed_noise(spec, folder / CONFIRMATION)
    _check(study.view, folder, extension)

    with resumable(resume(folder), folder / JOURNAL_NAME), Study.open(folder) as master:
        _check(master, folder, extension)  # another master may have ended since
        how = difference(master, extension, study.spec.workers or 1)
        master.extend(extension)
        spec = OpenedStudy(folder).spec
        write_specification(folder, spec)
        for trial in dropped:
            _remove(study.trial_folder(trial))
        reached = _reached_rule(master, StopRules(master, spec, noise))

    left = master.total_evaluations - len(master.evaluations)
    say(console, f"{folder}: extended ({words(extension)}); evaluations left: {left:,}")
    if how:
        say_paragraph(console, how)
    if reached is not None:
        rule, reason = reached
        say_paragraph(console, f"No trial will start: the stop rule {rule} is reached ({reason}).")
        say(console, f"without that rule: {without_rule(rule, folder)}")
    say(console, f"to continue: {resume(folder)}")


def _reached_rule(study: Study, rules: StopRules) -> tuple[str, str] | None:
    """The stop rule that lets no trial of a study start, and what was reached; None: none does.

    It is the one that ended the study, unless the rules have changed since; else one whose limit
    lies behind the study already.
    """
    before = study.stop_reached
    return rules.reached() if before is None else (before.rule, before.reason)


def _check(study: StudyView, folder: Path, extension: Extension) -> None:
    """Raise UserError, with the folder, if a study cannot be extended so."""
    try:
        study.check_extension(extension)
    except StudyError as error:
        raise UserError(f"{folder} cannot be extended: {one_line(error)}") from None


def _pending(study: OpenedStudy, key: str) -> Trial:
    """The trial with this key. UserError: there is none, or it has finished."""
    pending = {trial.key: trial for trial in study.view.pending}
    if key in pending:
        return pending[key]
    finished = any(trial.key == key for trial, _ in study.view.evaluations)
    fault = "it has finished" if finished else f"{study.folder} has no such trial"
    there = f"can be dropped: {', '.join(pending)}" if pending else "none is pending"
    raise UserError(f"--drop {key}: {fault} ({there})")


def _configuration(space: ConfigurationSpace, values: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with these values, and the default's others. UserError: there is none."""
    try:
        return completed_configuration(space, values)
    except StudyError as error:
        typed = ",".join(f"{name}={value}" for name, value in values.items())
        raise UserError(f"--add {typed}: {one_line(error)}") from None


def typed_values(option: str, pairs: Sequence[str]) -> dict[str, Any]:
    """The values of NAME=VALUE pairs, by name. UserError: one of them is none, or comes twice."""
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = (part.strip() for part in pair.partition("="))
        if not (name and equals and text):
            raise UserError(f"{option} {pair}: must be NAME=VALUE")
        if name in values:
            raise UserError(f"{option} {pair}: {name} comes twice")
        try:
            values[name] = load_yaml(text)
        except YamlError as error:
            raise UserError(f"{option} {pair}: {one_line(error)}") from None
    return values


def _remove(folder: Path) -> None:
    """Remove what a worker left of a dropped trial, which would have continued from it."""
    (folder / RESULT).unlink(missing_ok=True)
    remove_to_continue(folder)
    for own in (folder, folder / FOLDER):
        remove_checkpoints(own)
