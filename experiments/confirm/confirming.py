"""A confirmation in its study's folder: planned, run, resumed.

<study>/confirm/
  confirmation.jsonl   plan, ask, tell, retry: one event a line, the only truth
  results.csv          every run, without times; made again from it
  trials/<setting>/<number>/, logs/
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from oneshot_hpo.experiments.confirm.display import CONFIRMATION
from oneshot_hpo.experiments.confirm.results import write_results
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.study.environment import check_environment
from oneshot_hpo.experiments.study.folder import CONFIRMATION as FOLDER
from oneshot_hpo.experiments.study.folder import check_writable_study
from oneshot_hpo.experiments.study.inputs import given_inputs, present
from oneshot_hpo.experiments.study.launching import resumable
from oneshot_hpo.experiments.study.loop import StudyRun
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.pools import DaskCluster, check_with_slurm, open_pool, slurm_jobs
from oneshot_hpo.experiments.study.specification import StudySpec, parse_overrides, with_overrides
from oneshot_hpo.experiments.study.trust import NOTHING_SAID, Consent, check_trusted
from oneshot_hpo.experiments.terminal.hints import command, say
from oneshot_hpo.experiments.terminal.progress import display_for
from oneshot_hpo.hpo import Confirmation, StudyView
from oneshot_hpo.hpo.confirmation_view import CONFIRMATION_NAME, DEFAULT
from oneshot_hpo.hpo.plain import plain

SEEDS = 10
"""How many when nobody says."""


@dataclasses.dataclass(frozen=True)
class Planned:
    """A setting that is to be run."""

    name: str
    config: dict[str, object]
    tuned: bool = False


def confirm_study(
    console: Console,
    folder: Path,
    seeds: int | None,
    *,
    setting: str | None = None,
    overrides: Sequence[str] = (),
    workers: int | None = None,
    cluster: DaskCluster | None = None,
    accept_changes: bool = False,
    consent: Consent = NOTHING_SAID,
) -> None:
    """Run a study's default and incumbent, and a named setting, with `seeds` fresh seeds each.

    seeds: None for as many as were planned before, or SEEDS. What was run before is kept, so more
    seeds later add to it. accept_changes: as `resume_study` has it.

    UserError: there is nothing to confirm yet, commands that are not trusted, or bad input; nothing
    is made then. StudyStopped: it cannot go on here.
    """
    check_writable_study(folder)
    study = OpenedStudy(folder)
    given, overrides = given_inputs(overrides)
    values = [override for override in overrides if not override.startswith("cluster.")]
    spec = present(study.spec, folder, given, notes=study.environments)
    spec = with_overrides(spec, [override for override in overrides if override not in values])
    check_trusted(console, [spec], consent)
    workers = workers or spec.workers or 1
    settings = _settings(study.view, folder, spec, setting, values)
    jobs = slurm_jobs(spec, folder / FOLDER)
    if jobs is not None and cluster is None:
        check_with_slurm(jobs)
    changed = check_environment(console, study, accept=accept_changes, given=given, confirming=True)
    again = command("confirm", folder)
    begun = folder / FOLDER / CONFIRMATION_NAME
    with resumable(again, begun), _opened(study) as confirmation:
        if changed is not None:
            confirmation.note(*changed)
        before = confirmation.settings.get(DEFAULT)
        wanted = seeds or (before.seeds if before else SEEDS)
        for planned in settings:
            confirmation.plan(planned.name, planned.config, wanted, tuned=planned.tuned)
        if not confirmation.finished:
            _run(console, confirmation, spec, folder, workers, cluster)
        results = write_results(folder / FOLDER, confirmation)
    say(console, f"every run: {results}")
    say(console, f"what it says: {command('compare', folder)}")


def _settings(
    study: StudyView, folder: Path, spec: StudySpec, name: str | None, values: Sequence[str]
) -> list[Planned]:
    """The default, the incumbent and the setting that the command line names.

    UserError: there is no incumbent yet at the largest budget, or values that cannot be.
    """
    if not study.evaluations:
        raise UserError(f"{folder}: no evaluation has ended yet, there is nothing to confirm")
    if study.incumbent is None:
        reason = study.evaluations[-1][1].exception
        raise UserError(
            f"{folder}: every evaluation crashed ({reason}), there is nothing to confirm"
        )
    trial, _ = study.incumbent
    if trial.budget != study.settings.max_budget:
        raise UserError(
            f"{folder}: no evaluation at the largest budget, {study.settings.max_budget} epochs, "
            "has ended without a crash yet, there is nothing to confirm"
        )
    default = plain(dict(study.space.get_default_configuration()))
    incumbent = trial.key.split("/")[0]
    is_default = trial.config == default
    settings = [Planned(DEFAULT, default, tuned=is_default)]
    if not is_default:
        settings.append(Planned(incumbent, trial.config, tuned=True))
    if name is not None:
        settings.append(Planned(name, default | _values(name, spec, values)))
    elif values:
        raise UserError(f"--set {values[0]}: is for a setting of its own, name it with --setting")
    return settings


def _values(name: str, spec: StudySpec, overrides: Sequence[str]) -> dict[str, object]:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9._-]*", name) or name in (DEFAULT, "tuned"):
        raise UserError(
            f"--setting {name}: a name has letters, digits, '.', '_' and '-', begins with a "
            f"letter, and is not {DEFAULT} or tuned"
        )
    document = parse_overrides(overrides)
    values = document.pop("search", None)
    if document:
        raise UserError(f"--set {next(iter(document))}: a setting has search.KEY=VALUE only")
    if not isinstance(values, dict):
        raise UserError(f"--setting {name}: say its values with --set search.KEY=VALUE")
    spec.checked_settings(values)
    return values


def _opened(study: OpenedStudy) -> Confirmation:
    """The confirmation of a study, begun or not. UserError: it is another study's."""
    own, view = study.folder / FOLDER, study.view
    if study.confirmation is None:
        return Confirmation.create(
            own, header=view.header, seed=view.settings.seed, budget=view.settings.max_budget
        )
    if study.confirmation.header != view.header:
        raise UserError(f"{own} belongs to another study than {study.folder}; move it away")
    return Confirmation.open(own)


def _run(
    console: Console,
    confirmation: Confirmation,
    spec: StudySpec,
    folder: Path,
    workers: int,
    cluster: DaskCluster | None,
) -> None:
    starting = "1 worker is" if workers == 1 else f"{workers} workers are"
    say(console, f"{folder / FOLDER}: {starting} starting")
    title = f"{spec.title}; confirmed"
    with display_for(console, title, workers, CONFIRMATION) as display:
        run = StudyRun(confirmation, spec, folder / FOLDER, display)
        notes = confirmation.notes
        run.run(lambda: open_pool(spec, folder / FOLDER, workers, cluster, notes), workers)
