"""Plans, runs and resumes a study's confirmation, in the study's folder.

<study>/confirm/
  confirmation.jsonl   plan, ask, tell, retry: one event per line, the only source of truth
  results.csv          every run, without times; rewritten from the journal
  trials/<setting>/<number>/, logs/
"""

from __future__ import annotations

import contextlib
import re
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from oneshot_hpo.checks import optional, whole
from oneshot_hpo.experiments.confirm.display import CONFIRMATION
from oneshot_hpo.experiments.confirm.path import PlannedPath, plan_path, planned_path
from oneshot_hpo.experiments.confirm.planning import PlannedSetting, plan_settings, rule_to_begin
from oneshot_hpo.experiments.confirm.results import write_results
from oneshot_hpo.experiments.confirm.until_decided import (
    DecidingConfirmation,
    UntilDecided,
    looks_line,
)
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.numbers.path import is_path_name
from oneshot_hpo.experiments.study import bounds, own_code
from oneshot_hpo.experiments.study.calls import (
    AnyPath,
    for_a_program,
    overrides_of,
    path_or_none,
)
from oneshot_hpo.experiments.study.command_keys import check_values
from oneshot_hpo.experiments.study.document import parse_overrides
from oneshot_hpo.experiments.study.environment import check_environment
from oneshot_hpo.experiments.study.folder import CONFIRMATION as FOLDER
from oneshot_hpo.experiments.study.folder import check_writable_study
from oneshot_hpo.experiments.study.inputs import given_inputs, present
from oneshot_hpo.experiments.study.launching import cluster_at, resumable
from oneshot_hpo.experiments.study.loop import StudyRun
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.pools import DaskCluster, check_with_slurm, open_pool, slurm_jobs
from oneshot_hpo.experiments.study.slurm_master import MasterJob
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.trust import NOTHING_SAID, Consent, check_trusted
from oneshot_hpo.experiments.study.validation import with_overrides
from oneshot_hpo.experiments.terminal.console import console_for
from oneshot_hpo.experiments.terminal.hints import command, say
from oneshot_hpo.experiments.terminal.progress import display_for
from oneshot_hpo.hpo import StudyView, TrialResult
from oneshot_hpo.hpo.confirmation_view import CONFIRMATION_NAME, DEFAULT
from oneshot_hpo.hpo.plain import plain


def confirm_study(
    console: Console,
    folder: Path,
    seeds: int | None,
    *,
    setting: str | None = None,
    overrides: Sequence[str] = (),
    path: bool = False,
    workers: int | None = None,
    cluster: DaskCluster | None = None,
    accept_changes: bool = False,
    consent: Consent = NOTHING_SAID,
    until_decided: UntilDecided | None = None,
    submit: bool = False,
    as_job: bool = False,
) -> None:
    """Run a study's default and incumbent, and a named setting, with `seeds` fresh seeds each.

    seeds: None for the number planned before, or SEEDS. Earlier runs are kept, so a larger number
    adds to them. path: also the settings between default and incumbent, one hyperparameter at a
    time. accept_changes: as in `resume_study`. until_decided: a sequential rule says how many seeds
    the incumbent and the default have; one that has begun continues without it, too. submit: plan
    it, and submit a master that runs it; as_job: this process is such a master.

    UserError: there is nothing to confirm yet, commands are not trusted, or bad input; nothing is
    created then. StudyStopped: the confirmation cannot continue now.
    """
    if as_job:  # SIGTERM ends this job alone: the next master continues the confirmation
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    check_writable_study(folder)
    study = OpenedStudy(folder)
    given, overrides = given_inputs(overrides)
    values = [override for override in overrides if not override.startswith("cluster.")]

    spec = present(study.spec, folder, given, notes=study.environments)
    spec = with_overrides(spec, [override for override in overrides if override not in values])
    check_trusted(console, [spec], consent)
    own_code.check_copies(spec)

    workers = workers or spec.workers or 1
    settings = _settings(study.view, folder, spec, setting, values)
    if path and until_decided is not None:
        raise UserError("--until-decided decides between tuned and default; leave --path out")
    between = _path(study, settings) if path else None
    rule = rule_to_begin(study, settings, seeds, until_decided)
    jobs = slurm_jobs(spec, folder / FOLDER)
    if jobs is not None and cluster is None:
        check_with_slurm(jobs)

    master = _master(spec, folder, workers, overrides) if submit or as_job else None
    if master is not None and submit:
        master.check()

    changed = check_environment(console, study, accept=accept_changes, given=given, confirming=True)

    again = command("confirm", folder)
    begun = folder / FOLDER / CONFIRMATION_NAME
    with resumable(again, begun), _opened(study) as confirmation:
        if changed is not None:
            confirmation.note(*changed)
        wanted = plan_settings(confirmation, settings, seeds, rule)
        if between is not None:
            plan_path(console, confirmation, between, wanted)
        confirmation.know(_replicated(study.view, settings))
        if not confirmation.finished and master is not None and submit:
            confirmation.close()
            say(console, f"{folder / FOLDER}: the master is {master.submit()}")
            say(console, f"to end it: {command('stop', folder)}")
            return
        if not confirmation.finished:
            with master.succession() if master is not None else contextlib.nullcontext():
                _run(console, confirmation, spec, folder, workers, cluster, as_job=as_job)
        if not confirmation.finished:
            return  # the next master continues it
        results = write_results(folder / FOLDER, confirmation)

    say(console, f"every run: {results}")
    if (looks := looks_line(confirmation)) is not None:
        say(console, looks)
    say(console, f"to compare: {command('compare', folder)}")


def confirm(
    folder: AnyPath,
    *,
    seeds: int | None = None,
    setting: str | None = None,
    settings: Mapping[str, Any] | None = None,
    path: bool = False,
    workers: int | None = None,
    accept_changes: bool = False,
    address: str | None = None,
    scheduler_file: AnyPath | None = None,
    trust: bool = False,
    show_progress: bool = False,
    until_decided: bool = False,
    max_seeds: int | None = None,
) -> OpenedStudy:
    """Search with a study's incumbent and default again, with fresh seeds; the study, opened.

    Its `confirmation` has every run, `compare` says what they show.

    seeds: searches of each setting; None for as many as were planned before, or 10.
    setting: the name of one more setting, the default with the values {"search": {…}} in settings.
    path: also the settings between default and incumbent, one hyperparameter at a time.
    until_decided: add seeds in blocks until a sequential rule decides, with at most max_seeds, 30
    by default.
    settings: also {"cluster": {…}} for this time, and where {"dataset": …, "table": …} are now.
    The other arguments, and what is raised, as in `launch` and `resume`.
    """
    bounds.check("seeds", seeds, optional(whole(1, bounds.REPETITIONS)))
    bounds.check("max_seeds", max_seeds, optional(whole(1, bounds.REPETITIONS)))
    bounds.check("workers", workers, optional(whole(1, bounds.WORKERS)))
    if max_seeds is not None and not until_decided:
        raise UserError("max_seeds is for until_decided")
    overrides = overrides_of(settings)

    with for_a_program():
        confirm_study(
            console_for(show_progress),
            Path(folder),
            seeds,
            setting=setting,
            overrides=overrides,
            path=path,
            workers=workers,
            cluster=cluster_at(address, path_or_none(scheduler_file), submit=False),
            accept_changes=accept_changes,
            consent=Consent(trust, overrides),
            until_decided=UntilDecided(max_seeds) if until_decided else None,
        )
    return OpenedStudy(Path(folder))


def _settings(
    study: StudyView, folder: Path, spec: StudySpec, name: str | None, values: Sequence[str]
) -> list[PlannedSetting]:
    """The default, the incumbent and the setting that the command line names.

    UserError: there is no incumbent at the largest budget yet, or invalid values.
    """
    if not study.evaluations:
        raise UserError(f"{folder}: no evaluation has finished yet, there is nothing to confirm")
    if study.incumbent is None:
        reason = study.evaluations[-1][1].exception
        raise UserError(
            f"{folder}: every evaluation crashed ({reason}), there is nothing to confirm"
        )
    trial, _ = study.incumbent
    if trial.budget != study.settings.max_budget:
        raise UserError(
            f"{folder}: no evaluation at the largest budget, {study.settings.max_budget} epochs, "
            "has finished without a crash yet, there is nothing to confirm"
        )

    default = plain(dict(study.space.get_default_configuration()))
    incumbent = trial.key.split("/")[0]
    is_default = trial.config == default
    settings = [PlannedSetting(DEFAULT, default, tuned=is_default)]
    if not is_default:
        settings.append(PlannedSetting(incumbent, trial.config, tuned=True))
    if name is not None:
        settings.append(PlannedSetting(name, default | _values(name, spec, values)))
    elif values:
        raise UserError(f"--set {values[0]}: name the setting that has this value with --setting")
    return settings


def _path(study: OpenedStudy, settings: Sequence[PlannedSetting]) -> PlannedPath:
    """The path from the default to the incumbent. UserError: they are the same."""
    default, tuned = settings[0], settings[1 if len(settings) > 1 else 0]
    if not tuned.tuned or tuned is default:
        raise UserError(
            f"--path: in {study.folder} the default stayed the best, so there is no path from it"
        )
    return planned_path(study, dict(default.config), dict(tuned.config), tuned.name)


def _values(name: str, spec: StudySpec, overrides: Sequence[str]) -> dict[str, object]:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9._-]*", name) or (
        name in (DEFAULT, "tuned") or is_path_name(name)
    ):
        raise UserError(
            f"--setting {name}: a name has letters, digits, '.', '_' and '-', begins with a "
            f"letter, and is not {DEFAULT}, tuned or that of a step of a path"
        )
    document = parse_overrides(overrides)
    values = document.pop("search", None)
    if document:
        raise UserError(f"--set {next(iter(document))}: a setting has search.KEY=VALUE only")
    if not isinstance(values, dict):
        raise UserError(f"--setting {name}: give its values with --set search.KEY=VALUE")
    if spec.command is None:
        spec.checked_settings(values)
    else:
        check_values(spec, values)
    return values


def _replicated(
    study: StudyView, settings: Sequence[PlannedSetting]
) -> dict[tuple[str, int], TrialResult]:
    """Results of the study's replicates, as runs of these settings with the same seeds.

    None where they had a part in the choice of the incumbent: only fresh seeds confirm it.
    """
    if study.settings.replicates != "report" or study.settings.incumbent != "validation":
        return {}
    return {
        (planned.name, replicate.number - 1): result
        for replicate, result in study.replicates
        for planned in settings
        if planned.config == replicate.config and replicate.budget == study.settings.max_budget
    }


def _opened(study: OpenedStudy) -> DecidingConfirmation:
    """Open or create a study's confirmation. UserError: it is another study's."""
    own, view = study.folder / FOLDER, study.view
    if study.confirmation is None:
        return DecidingConfirmation.create(
            own, header=view.header, seed=view.settings.seed, budget=view.settings.max_budget
        )
    if study.confirmation.header != view.header:
        raise UserError(f"{own} belongs to another study than {study.folder}; move it away")
    if study.confirmation.budget != view.settings.max_budget:
        raise UserError(
            f"{own} has runs of {study.confirmation.budget} epochs, and {study.folder} was "
            f"extended to {view.settings.max_budget} since: move it away to confirm at these"
        )
    return DecidingConfirmation.open(own)


def _master(spec: StudySpec, folder: Path, workers: int, overrides: Sequence[str]) -> MasterJob:
    """The jobs that run what is planned. UserError: the study has no section for SLURM."""
    cluster = [override for override in overrides if override.startswith("cluster.")]
    options = [word for override in cluster for word in ("--set", override)]
    return MasterJob(spec, folder, [*options, "--workers", str(workers)], verb="confirm")


def _run(
    console: Console,
    confirmation: DecidingConfirmation,
    spec: StudySpec,
    folder: Path,
    workers: int,
    cluster: DaskCluster | None,
    *,
    as_job: bool,
) -> None:
    starting = "1 worker is" if workers == 1 else f"{workers} workers are"
    say(console, f"{folder / FOLDER}: {starting} starting")
    title = f"{spec.title}; confirmed"
    with display_for(console, title, workers, CONFIRMATION) as display:
        run = StudyRun(confirmation, spec, folder / FOLDER, display)
        notes = confirmation.notes
        run.run(
            lambda: open_pool(spec, folder / FOLDER, workers, cluster, notes),
            workers,
            as_job=as_job,
        )
