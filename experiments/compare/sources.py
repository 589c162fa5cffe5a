"""Reads the arguments of `compare`: confirmed studies, their settings, files of baselines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.numbers.baselines_file import Baselines, read_baselines
from oneshot_hpo.experiments.numbers.sample import REGRET, Sample
from oneshot_hpo.experiments.objectives.section import (
    LOSS,
    MEAN,
    TEST,
    VALIDATION,
    loss_name,
    text,
)
from oneshot_hpo.experiments.sequential.rule import standing_of
from oneshot_hpo.experiments.study.config_space import space_words
from oneshot_hpo.experiments.study.folder import CONFIRMATION as FOLDER
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.outcome import Outcome, undecided_note
from oneshot_hpo.experiments.study.pairing import TRANSFER
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.summary import ended_words
from oneshot_hpo.experiments.terminal.hints import command
from oneshot_hpo.hpo import ConfirmationView
from oneshot_hpo.hpo.confirmation_view import CONFIRMATION_NAME, DEFAULT
from oneshot_hpo.search_spaces import load_table

TUNED = "tuned"
BASELINE_RESULTS = "results.parquet"

_FIELDS = {REGRET: "regret", TEST: "test", VALIDATION: "valid", LOSS: "loss"}
"""By measure, the field of an outcome."""


@dataclass(frozen=True)
class Study:
    """A confirmed study: its tuned setting, its default, or one that was named."""

    source: str
    spec: StudySpec
    main: Sample
    """The sample to compare: the tuned setting, or the one that the user named."""
    default: Sample | None
    """The default's sample; None if the default is the main one or the user named a setting."""
    opened: OpenedStudy
    """All that its folder says."""
    notes: tuple[str, ...] = ()
    """Caveats for the user."""


def read_sources(
    sources: Sequence[str], *, all_crashed: bool = False
) -> tuple[list[Study], list[Baselines]]:
    """The studies and baselines that these words name: DIR, DIR:SETTING, FILE, FILE:METHOD.

    all_crashed: whether a setting of which every run crashed is a sample, too.

    UserError: one is missing, is not confirmed, or is named twice.
    """
    if len(set(sources)) < len(sources):
        twice = next(source for source in sources if sources.count(source) > 1)
        raise UserError(f"{twice} is given twice")
    studies, baselines = [], []
    for source in sources:
        path, name = split_source(source)
        if path.is_file() or (path / BASELINE_RESULTS).is_file():
            file = path if path.is_file() else path / BASELINE_RESULTS
            baselines.append(read_baselines(file, name, source))
        else:
            study = OpenedStudy(path, source=source)
            studies.append(confirmed_study(study, name, all_crashed=all_crashed))
    return studies, baselines


def split_source(source: str) -> tuple[Path, str | None]:
    """A path, and the setting or method after its colon."""
    if Path(source).exists() or ":" not in source:
        return Path(source), None
    path, _, name = source.rpartition(":")
    return Path(path), name


def confirmed_study(
    study: OpenedStudy, name: str | None = None, *, all_crashed: bool = False
) -> Study:
    """The samples of a confirmed study: tuned and default, or the setting `name`.

    all_crashed: as in `read_sources`.

    UserError: it is not confirmed, no run of a setting has finished, or there is no such setting.
    """
    folder, view, confirmation = study.folder, study.view, study.confirmation
    confirm = command("confirm", folder)
    if confirmation is None:
        raise UserError(f"{folder} is not confirmed yet: {confirm}")
    if confirmation.header != view.header:
        raise UserError(f"{folder / FOLDER} belongs to another study than {folder}; move it away")

    tuned = confirmation.tuned
    if name is None and tuned is None:
        raise UserError(f"{folder}: its confirmation has not begun: {confirm}")
    main = tuned if name in (None, TUNED) else name
    if main is None or main not in confirmation.settings:
        known = ", ".join([TUNED, *confirmation.settings])
        raise UserError(f"{study.source}: no such setting in {folder / FOLDER}; there are {known}")

    has_default = name is None and main != DEFAULT
    return Study(
        study.source,
        study.located,
        main=_sample(study, confirmation, main, all_crashed),
        default=_sample(study, confirmation, DEFAULT, all_crashed) if has_default else None,
        opened=study,
        notes=tuple(_notes(study, confirmation, main)),
    )


def _notes(study: OpenedStudy, confirmation: ConfirmationView, name: str) -> Iterator[str]:
    """Caveats of a study for the comparison, a sentence each."""
    folder, view = study.folder, study.view
    confirm = command("confirm", folder)
    for words in study.caveats:
        yield f"{folder}: {words}"
    runs = [result for _, result in confirmation.results_of(name).values()]
    if (undecided := undecided_note(runs)) is not None:
        yield f"{folder}: {name}: {undecided}"
    measure = measure_of(confirmation)
    if measure != REGRET:
        yield f"{folder}: there is no table, so no regret: each number is the {measure} of a run"
    objective = view.header.get("specification", {}).get("objective", MEAN)
    if measure != LOSS and loss_name(objective) == LOSS:
        yield f"{folder}: its objective is {text(objective)}; compared is the {measure}"
    rule = standing_of(confirmation)
    if rule is not None:
        yield (
            f"{folder}: its sequential rule decides how many seeds {confirmation.tuned} and "
            f"{DEFAULT} have; comparisons of these with others are not adjusted for that"
        )
    if not confirmation.finished and rule is None:
        done, planned = len(confirmation.evaluations), confirmation.total_evaluations
        yield f"{folder}: {done} of {planned} runs have finished; for the rest: {confirm}"
    if not view.finished:
        yield (
            f"{folder}: the study has not finished ({len(view.evaluations)} of "
            f"{view.total_evaluations} evaluations)"
        )
    elif view.stop_reached is not None:
        yield f"{folder}: {ended_words(view)}"
    if (
        name == confirmation.tuned
        and view.incumbent is not None
        and view.incumbent[0].config != confirmation.settings[name].config
    ):
        yield f"{folder} has found a better configuration since; to confirm it: {confirm}"


def _sample(
    study: OpenedStudy, confirmation: ConfirmationView, name: str, all_crashed: bool
) -> Sample:
    """The sample of a setting. UserError: no run has finished, or every run crashed."""
    runs = list(confirmation.results_of(name).values())
    standing = standing_of(confirmation) if name in (confirmation.tuned, DEFAULT) else None
    if standing is not None and standing.looks:
        runs = [(run, result) for run, result in runs if run.number < standing.seeds]
    if not runs:
        raise UserError(f"{study.source}: no run of {name} has finished yet")
    outcomes = [Outcome.from_result(result) for _, result in runs]
    known = values_of(confirmation, name)
    values = [known[run.number] for run, _ in runs]
    if np.isinf(values).all() and not all_crashed:
        reason = runs[-1][1].exception
        raise UserError(f"{study.source}: every run of {name} crashed ({reason})")

    spec = study.located
    seconds = [
        outcome.seconds + (outcome.objective_seconds or 0.0)
        for outcome in outcomes
        if outcome.seconds is not None
    ]
    mark = "" if study.transfer is None else f" on {Path(spec.required_dataset).stem} ({TRANSFER})"
    mark += "" if study.on_test is None else ", selected on test"
    tuned = space_words(spec.config_space) if name == confirmation.tuned else {}
    return Sample(
        method=f"{spec.searcher} {_kind(confirmation, name, spec)}{mark}",
        source=study.source,
        origin=(study.folder.resolve(), name),
        table=None if spec.table is None else load_table(spec.table).name,
        space=spec.space,
        values=np.array(values),
        measure=measure_of(confirmation),
        seeds=tuple(run.seed for run, _ in runs),
        seconds=float(np.mean(seconds)) if seconds else None,
        budget=confirmation.budget,
        evaluations=len(study.view.evaluations) if name == confirmation.tuned else None,
        settings={
            **spec.default_settings,
            **{f"{key} tuned": words for key, words in tuned.items()},
            "epochs": confirmation.budget,
            "study seed": spec.seed,
        },
        standing=standing,
    )


def values_of(confirmation: ConfirmationView, name: str) -> dict[int, float]:
    """What a setting is compared by, by number of the seed; infinite for a crash."""
    field = _FIELDS[measure_of(confirmation)]
    return {
        number: float("inf")
        if result.crashed
        else Outcome.from_result(result).reported(field, CONFIRMATION_NAME)
        for number, (_, result) in confirmation.results_of(name).items()
    }


def measure_of(confirmation: ConfirmationView) -> str:
    """What runs are compared by: the test regret, or the next best that a run has."""
    outcomes = [Outcome.from_result(result) for _, result in confirmation.evaluations]
    for measure, field in _FIELDS.items():
        if any(getattr(outcome, field) is not None for outcome in outcomes):
            return measure
    return REGRET


def _kind(confirmation: ConfirmationView, name: str, spec: StudySpec) -> str:
    """What distinguishes a setting from others of its searcher, in a few words."""
    if not spec.iterations:
        return "as set" if name == DEFAULT else name
    if name != confirmation.tuned:
        return name
    tuned = f"tuned in {spec.space_label}"
    return tuned if name != DEFAULT else f"{DEFAULT}, which stayed the best when {tuned}"
