"""What `oneshot-hpo compare` takes: confirmed studies, their settings, files of baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.numbers.baselines_file import Baselines, read_baselines
from oneshot_hpo.experiments.numbers.sample import Sample
from oneshot_hpo.experiments.study.folder import CONFIRMATION as FOLDER
from oneshot_hpo.experiments.study.folder import check_study, specification_of
from oneshot_hpo.experiments.study.inputs import located
from oneshot_hpo.experiments.study.pairing import TRANSFER, transfer_note
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.summary import reported
from oneshot_hpo.experiments.terminal.hints import command
from oneshot_hpo.hpo import ConfirmationView, read_confirmation, read_study
from oneshot_hpo.hpo.confirmation_view import CONFIRMATION_NAME, DEFAULT
from oneshot_hpo.search_spaces import load_table

TUNED = "tuned"
BASELINE_RESULTS = "results.parquet"


@dataclass(frozen=True)
class Study:
    """A confirmed study: its tuned setting, its default, or one that was named."""

    source: str
    spec: StudySpec
    main: Sample
    """What it is compared by: the tuned setting, or the one that the user named."""
    default: Sample | None
    """To compare it with; None where the default is the main one, or one was named."""
    notes: tuple[str, ...] = ()
    """What the user has to know of it."""


def read_sources(sources: Sequence[str]) -> tuple[list[Study], list[Baselines]]:
    """The studies and baselines that these words name: DIR, DIR:SETTING, FILE, FILE:METHOD.

    UserError: one is not there, is not confirmed, or is named twice.
    """
    if len(set(sources)) < len(sources):
        twice = next(source for source in sources if sources.count(source) > 1)
        raise UserError(f"{twice} is there twice")
    studies, baselines = [], []
    for source in sources:
        path, name = split_source(source)
        if path.is_file() or (path / BASELINE_RESULTS).is_file():
            file = path if path.is_file() else path / BASELINE_RESULTS
            baselines.append(read_baselines(file, name, source))
        else:
            studies.append(_read_study(path, name, source))
    return studies, baselines


def split_source(source: str) -> tuple[Path, str | None]:
    """A path, and what stands after its colon: a setting or a method."""
    if Path(source).exists() or ":" not in source:
        return Path(source), None
    path, _, name = source.rpartition(":")
    return Path(path), name


def _read_study(folder: Path, name: str | None, source: str) -> Study:
    check_study(folder)
    confirm = command("confirm", folder)
    if not (folder / FOLDER / CONFIRMATION_NAME).exists():
        raise UserError(f"{folder} is not confirmed yet: {confirm}")
    confirmation = read_confirmation(folder / FOLDER)
    spec = specification_of(confirmation.header, folder / FOLDER, CONFIRMATION_NAME)
    spec = located(spec, folder)
    tuned = confirmation.tuned
    transfer = transfer_note(spec, folder)
    notes = [] if transfer is None else [f"{folder}: {transfer}"]
    if name is None and tuned is None:
        raise UserError(f"{folder}: its confirmation has not begun: {confirm}")
    if name == TUNED or name is None:
        name, named = tuned, name
    else:
        named = name
    if name is None or name not in confirmation.settings:
        known = ", ".join([TUNED, *confirmation.settings])
        raise UserError(f"{source}: no such setting in {folder / FOLDER}; there are {known}")
    if not confirmation.finished:
        done, planned = len(confirmation.evaluations), confirmation.total_evaluations
        notes.append(f"{folder}: {done} of {planned} runs have ended; for the rest: {confirm}")
    view = read_study(folder)
    if not view.finished:
        notes.append(
            f"{folder}: the study has not ended ({len(view.evaluations)} of "
            f"{view.total_evaluations} evaluations)"
        )
    evaluations = len(view.evaluations)
    incumbent = view.incumbent
    if name == tuned and incumbent is not None and _is_other(confirmation, incumbent[0].config):
        notes.append(f"{folder}: has a better configuration since; to confirm it: {confirm}")
    is_transfer = transfer is not None
    main = _sample(folder, confirmation, name, spec, source, evaluations, is_transfer)
    default = None
    if named is None and name != DEFAULT:
        default = _sample(folder, confirmation, DEFAULT, spec, source, evaluations, is_transfer)
    return Study(source, spec, main, default, tuple(notes))


def _is_other(confirmation: ConfirmationView, config: dict[str, object]) -> bool:
    assert confirmation.tuned is not None
    return confirmation.settings[confirmation.tuned].config != config


def _sample(
    folder: Path,
    confirmation: ConfirmationView,
    name: str,
    spec: StudySpec,
    source: str,
    evaluations: int,
    transfer: bool,
) -> Sample:
    """UserError: no run of the setting has ended, or every one crashed."""
    told = list(confirmation.results_of(name).values())
    if not told:
        raise UserError(f"{source}: no run of {name} has ended yet")
    regrets = [
        float("inf") if result.crashed else reported(result, "test_regret", CONFIRMATION_NAME)
        for _, result in told
    ]
    if np.isinf(regrets).all():
        reason = told[-1][1].exception
        raise UserError(f"{source}: every run of {name} crashed ({reason})")
    seconds = [
        result.timestamps["search_seconds"]
        for _, result in told
        if "search_seconds" in result.timestamps
    ]
    mark = f" on {Path(spec.dataset).stem} ({TRANSFER})" if transfer else ""
    return Sample(
        method=f"{spec.searcher} {_kind(confirmation, name, spec)}{mark}",
        source=source,
        origin=(folder.resolve(), name),
        table=load_table(spec.table).name,
        space=spec.space,
        regrets=np.array(regrets),
        seeds=tuple(run.seed for run, _ in told),
        seconds=float(np.mean(seconds)) if seconds else None,
        budget=confirmation.budget,
        evaluations=evaluations if name == confirmation.tuned else None,
        settings={**spec.search, "epochs": confirmation.budget, "study seed": spec.seed},
    )


def _kind(confirmation: ConfirmationView, name: str, spec: StudySpec) -> str:
    """What sets a setting apart from others of its searcher, in a few words."""
    if not spec.iterations:
        return "as set" if name == DEFAULT else name
    if name != confirmation.tuned:
        return name
    tuned = f"tuned in {spec.config_space}"
    return tuned if name != DEFAULT else f"{DEFAULT}, which stayed the best when {tuned}"
