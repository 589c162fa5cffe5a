"""Files beside the journal: links, checkpoints, exports, copies of settings."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Collection
from pathlib import Path

from oneshot_hpo.experiments.check.findings import Report
from oneshot_hpo.experiments.errors import StudyFileError
from oneshot_hpo.experiments.exports.evaluations import exported_study
from oneshot_hpo.experiments.exports.folder import MARK
from oneshot_hpo.experiments.exports.registry import TOOLS
from oneshot_hpo.experiments.exports.writing import write_export
from oneshot_hpo.experiments.files import strange_files
from oneshot_hpo.experiments.objectives.objective import FOLDER, objective_of
from oneshot_hpo.experiments.study import own_code
from oneshot_hpo.experiments.study.folder import SPECIFICATION, STUDY_NAMES, write_specification
from oneshot_hpo.experiments.study.inputs import INPUTS, is_missing, missing_words
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.pairing import doubt
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.states_to_continue import superfluous_states
from oneshot_hpo.experiments.study.validation import recorded
from oneshot_hpo.experiments.study.yaml_files import YamlError, load_yaml
from oneshot_hpo.foreign import BrokenPlugin, content_of, is_allowed
from oneshot_hpo.hpo import Rerun, StudyView, Trial
from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.checkpoint import (
    CHECKPOINT,
    PREVIOUS,
    TO_CONTINUE,
    CheckpointMismatch,
    DamagedCheckpoint,
    check_fingerprint,
    load_checkpoint,
    remove_checkpoints,
    remove_to_continue,
)
from oneshot_hpo.searchers.command.program import OWN_FOLDER
from oneshot_hpo.searchers.data.datasets import load_dataset


def check_links(report: Report, folder: Path) -> None:
    """Check that none of a study's own files is a link; while one is, nothing is written."""
    for words in strange_files(folder, STUDY_NAMES):
        report.add(f"{words}: the study cannot be resumed until that is repaired")


def check_checkpoints(
    report: Report,
    folder: Path,
    pending: list[Trial] | list[Rerun],
    finished: set[str],
    spec: StudySpec | None,
    kept: Collection[str] = (),
) -> None:
    """Check that trials can continue from their checkpoints, and that no finished trial has one.

    kept: keys of finished trials whose last checkpoint the study keeps.
    """
    trials = folder / "trials"
    by_key = {trial.key: trial for trial in pending}
    sound = 0
    found = {path.parent for path in trials.rglob("checkpoint*.pt")}
    for own in sorted(path for path in found if not _is_of_command(path, trials)):
        is_objective = own.name == FOLDER
        key = str((own.parent if is_objective else own).relative_to(trials))
        if key in kept and not is_objective and not (own / PREVIOUS).exists():
            sound += _check_kept(report, own)
        elif key in finished:
            removal = functools.partial(remove_checkpoints, own)
            report.add(f"{own}: checkpoints of a finished trial", removal)
        elif key not in by_key:
            report.add(f"{own}: checkpoints of a trial that was never submitted")
        else:
            # An objective's checkpoint is of a training: the worker compares what it is of.
            sound += _check_checkpoint(report, own, by_key[key], None if is_objective else spec)
    if sound:
        report.checked.append(f"{sound} checkpoints")


def _check_kept(report: Report, folder: Path) -> int:
    """Check that a checkpoint that is kept can be read; returns the number of sound ones."""
    try:
        load_checkpoint(folder)
    except DamagedCheckpoint as damage:
        report.add(f"{damage}; nothing can be evaluated under it")
        return 0
    return 1


def _is_of_command(folder: Path, trials: Path) -> bool:
    """Whether a folder is one in which a program of the user's keeps what it likes."""
    return OWN_FOLDER in folder.relative_to(trials).parts[2:]


def _check_checkpoint(
    report: Report, folder: Path, trial: Trial | Rerun, spec: StudySpec | None
) -> int:
    """Check a trial's checkpoints; returns the number of sound ones."""
    from oneshot_hpo.searchers.fingerprint import fingerprint  # loads torch

    sound = 0
    for name in (CHECKPOINT, PREVIOUS):
        try:
            state = load_checkpoint(folder, name)
            if state is None:
                continue
            if spec is not None:
                wanted = fingerprint(
                    spec.searcher,
                    spec.search_settings.with_config(trial.config),
                    get_space(spec.required_space),
                    objective_of(spec.objective).search_images(load_dataset(spec.required_dataset)),
                    max(1, round(spec.schedule_of(trial.budget))),
                    trial.seed,
                )
                absent = spec.search_settings.absent_values()
                check_fingerprint(folder, state["fingerprint"], wanted, absent)
        except DamagedCheckpoint as damage:
            report.add(f"{damage}; the trial continues from the other one, or starts again")
        except (CheckpointMismatch, KeyError) as mismatch:
            report.add(f"{folder / name}: {mismatch}")
        else:
            sound += 1
    return sound


def check_states(report: Report, folder: Path, study: StudyView) -> None:
    """Check that a state where a promoted trial would go on stays only as long as one may."""
    trials = folder / "trials"
    superfluous = superfluous_states(study)
    for own in sorted(path.parent for path in trials.rglob(TO_CONTINUE)):
        if not _is_of_command(own, trials) and str(own.relative_to(trials)) in superfluous:
            words = f"{own / TO_CONTINUE}: no trial will go on there any more"
            report.add(words, functools.partial(remove_to_continue, own))


def check_specification(report: Report, folder: Path, spec: StudySpec) -> None:
    """Check that study.yaml agrees with the journal's header."""
    path = folder / SPECIFICATION
    try:
        words = f"{path} differs from the journal's header, which counts"
        # Keys that an earlier version did not write get the same values as in the header.
        same = recorded(load_yaml(path.read_text(encoding="utf-8")), str(path)) == spec
    except StudyFileError:
        same = False
    except FileNotFoundError:
        same, words = False, f"{path} is missing"
    except (OSError, UnicodeDecodeError, YamlError) as error:
        same, words = False, f"{path} cannot be read ({error})"
    if not same:
        report.add(words, lambda: write_specification(folder, spec))


def check_code(report: Report, spec: StudySpec) -> bool:
    """Check the study's copies of files of code; returns whether its code may run here."""
    for reference in own_code.files(spec):
        try:
            content_of(reference)
        except BrokenPlugin as fault:
            report.add(str(fault))
    strange = [one for one in own_code.references(spec).values() if not is_allowed(one)]
    if strange:
        named = ", ".join(one.label for one in strange)
        report.notes.append(
            f"its code was not trusted and did not run ({named}): results and checkpoints were not "
            "compared with it"
        )
    return not strange


def check_inputs(report: Report, study: OpenedStudy) -> StudySpec:
    """Check that data set and table exist, and note whether they belong together.

    Returns the specification with the current paths of both.
    """
    spec = study.located
    for key in INPUTS:
        if is_missing(spec, key):
            report.add(missing_words(spec, key, study.folder))
    words = study.transfer
    if words is None and not is_missing(spec, "table"):
        words = doubt(spec.dataset, spec.table)
    if words is not None:
        report.notes.append(words)
    return spec


def check_exports(report: Report, study: OpenedStudy, *, running: bool) -> None:
    """Check that exports in their usual place have every evaluation.

    running: a master works on the study, so an export that lacks evaluations is no fault.
    """
    exports, evaluations = study.folder / "exports", len(study.view.evaluations)
    for path in sorted([*exports.glob(f"*/{MARK}"), *exports.glob(f"*/*/{MARK}")]):
        where = path.parent
        if where.name.startswith("."):
            continue  # an export that is not finished
        try:
            mark = json.loads(path.read_bytes())
            tool, identity, number = mark["tool"], mark["study"], mark["evaluations"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            report.add(f"{where}: {MARK} cannot be read ({error})")
            continue
        if identity != study.identity:
            report.add(f"{where} is an export of another study")
        elif number != evaluations and tool in TOOLS and not running:
            words = f"{where} has {number} evaluations of {evaluations}"
            report.add(words, _export(study.folder, where, tool, mark.get("configspace")))
        else:
            report.checked.append(f"an export for {tool}")


def _export(folder: Path, where: Path, tool: str, configspace: str | None) -> Callable[[], None]:
    return lambda: write_export(exported_study(folder), where, tool, configspace)
