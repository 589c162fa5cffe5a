"""Launches or resumes a study, in this process or in a master that runs as a SLURM job."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from oneshot_hpo.experiments.errors import (
    StudyFailed,
    UserError,
    one_line,
)
from oneshot_hpo.experiments.study import own_code
from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.environment import check_environment
from oneshot_hpo.experiments.study.folder import (
    SPECIFICATION,
    check_vacant,
    check_writable_study,
    create_study,
    write_specification,
)
from oneshot_hpo.experiments.study.folder import resume as resume_command
from oneshot_hpo.experiments.study.inputs import given_inputs, located
from oneshot_hpo.experiments.study.loop import StudyRun
from oneshot_hpo.experiments.study.notices import announced
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.pairing import doubt
from oneshot_hpo.experiments.study.pools import DaskCluster, check_with_slurm, open_pool, slurm_jobs
from oneshot_hpo.experiments.study.slurm_master import MasterJob
from oneshot_hpo.experiments.study.sources import NO_SOURCES, Beginning, Wanted
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.stop_rules import stop_rules
from oneshot_hpo.experiments.study.summary import print_summary
from oneshot_hpo.experiments.study.trial import RESULT
from oneshot_hpo.experiments.study.trust import (
    NOTHING_SAID,
    Consent,
    check_code_trusted,
    check_trusted,
)
from oneshot_hpo.experiments.study.validation import load_study, with_overrides
from oneshot_hpo.experiments.terminal.ending import StopWithAdvice, resumable
from oneshot_hpo.experiments.terminal.hints import command, say
from oneshot_hpo.experiments.terminal.progress import display_for
from oneshot_hpo.hpo import Study, StudyView, Trial
from oneshot_hpo.hpo.extension import DROPPED
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME

Foreseen = Callable[[StudySpec], Mapping[str, Any] | None]
"""The forecast of a frozen study, which its journal keeps; None: there is none. UserError: it is
that of another study."""


def not_foreseen(spec: StudySpec) -> None:
    """No forecast."""


def slurm_script(
    console: Console,
    source: str,
    folder: Path | None,
    settings: Sequence[str],
    *,
    submit: bool,
    consent: Consent,
) -> str:
    """The job script that a launch submits first: the master's with `submit`, else the workers'.

    NotTrusted: the study names code that would have to run for its script.
    """
    spec, folder = study_and_folder(source, folder, settings)
    check_code_trusted(console, [spec], consent)
    spec = freeze(complete(spec, source))
    jobs = slurm_jobs(spec, folder)
    if jobs is None:
        raise UserError("--dry-run is for SLURM: the study has no section cluster.slurm")
    return MasterJob(spec, folder).script if submit else jobs.script


def cluster_at(
    address: str | None, scheduler_file: Path | None, *, submit: bool
) -> DaskCluster | None:
    """The Dask cluster that the command line names, if any. UserError: options contradict."""
    if address is None and scheduler_file is None:
        return None
    if address is not None and scheduler_file is not None:
        raise UserError("--address and --scheduler-file both name the cluster: give one of them")
    if submit:
        raise UserError("--submit starts workers of its own: leave --address out")
    return DaskCluster(address, scheduler_file)


def launch_study(
    console: Console,
    source: str,
    folder: Path | None,
    settings: Sequence[str],
    *,
    submit: bool,
    cluster: DaskCluster | None,
    consent: Consent,
    wanted: Wanted = NO_SOURCES,
    foreseen: Foreseen = not_foreseen,
) -> Path:
    """Create a study and run it, or submit a master that does; returns its folder.

    cluster: a Dask cluster whose workers are used instead of the study's own. wanted: the studies
    and runs with whose results its model begins. foreseen: the forecast that the study keeps in its
    journal.

    UserError: bad input, commands that are not trusted, or jobs that SLURM refuses; nothing is
    created then. StudyStopped: the study cannot continue now.
    """
    spec, folder = study_and_folder(source, folder, settings)
    check_vacant(folder)
    check_code_trusted(console, [spec], consent)
    spec = freeze(complete(spec, source))
    check_trusted(console, [spec], consent)
    beginning = _beginning(console, wanted, spec)
    launch_frozen(
        console,
        spec,
        folder,
        submit=submit,
        cluster=cluster,
        beginning=beginning,
        forecast=foreseen(spec),
    )
    return folder


def launch_frozen(
    console: Console,
    spec: StudySpec,
    folder: Path,
    *,
    submit: bool,
    cluster: DaskCluster | None,
    beginning: Beginning | None = None,
    forecast: Mapping[str, Any] | None = None,
) -> None:
    """Like `launch_study`, with a specification that is complete, frozen and trusted."""
    jobs = slurm_jobs(spec, folder)
    if jobs is not None and cluster is None:
        check_with_slurm(jobs)
    if submit:
        master = MasterJob(spec, folder)
        master.check()
        with _resumable(folder):
            create_study(folder, spec, beginning, forecast=forecast).close()
            _say_doubt(console, spec)
            _submit(console, master, folder)
    else:
        with _resumable(folder):
            study = create_study(folder, spec, beginning, forecast=forecast)
            _say_doubt(console, spec)
            _run(console, study, spec, folder, cluster=cluster)


def _beginning(console: Console, wanted: Wanted, spec: StudySpec) -> Beginning | None:
    """What the study begins with, which is said; None without sources. Raises like `take_over`."""
    if not wanted.folders:
        return None
    from oneshot_hpo.experiments.warm_start.display import say_beginning
    from oneshot_hpo.experiments.warm_start.taking import take_over

    beginning = take_over(wanted, spec)
    say_beginning(console, beginning)
    return beginning


def _say_doubt(console: Console, spec: StudySpec) -> None:
    """Print a note if it is not certain that data set and table belong together."""
    if (words := doubt(spec.dataset, spec.table)) is not None:
        say(console, f"note: {words}")


def resume_study(
    console: Console,
    folder: Path,
    workers: int | None,
    overrides: Sequence[str],
    *,
    submit: bool,
    as_job: bool,
    cluster: DaskCluster | None,
    accept_changes: bool = False,
    retry_crashed: Sequence[str] = (),
    consent: Consent = NOTHING_SAID,
) -> None:
    """Resume a study; `as_job`: this process is a master in a SLURM job, with a successor.

    overrides: how workers run, or new paths of the study's data set or table. accept_changes:
    resume even if package versions, data or table have changed.
    retry_crashed: keys of crashed evaluations to run again, or "all".

    Raises like `launch_study`.
    """
    if as_job:  # SIGTERM ends this job alone: the next master continues the study
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    check_writable_study(folder)

    given, overrides = given_inputs(overrides)
    begun = OpenedStudy(folder)
    spec = located(begun.spec, folder, given, notes=begun.environments)
    spec = with_overrides(spec, overrides)
    spec = spec.model_copy(update={"workers": workers or spec.workers})
    check_trusted(console, [spec], consent)
    own_code.check_copies(spec)
    for line in own_code.changes(spec, folder):
        say(console, line)
    if cluster is None:
        slurm_jobs(spec, folder)  # raises early for a path that SLURM cannot handle

    changed = check_environment(console, begun, accept=accept_changes, given=given)

    with _resumable(folder), contextlib.closing(Study.open(folder)) as study:
        again = _crashed(study, folder, retry_crashed)
        if changed is not None:
            study.note(*changed)
        for trial in again:
            # The result goes first: a trial with a result in its folder is not run.
            (folder / "trials" / trial.key / RESULT).unlink(missing_ok=True)
            study.retry_crash(trial)
        # A kill may have come between an extension and its study.yaml.
        if not (folder / SPECIFICATION).exists() or begun.view.extensions:
            write_specification(folder, begun.spec)
        if not (submit or as_job):
            _run(console, study, spec, folder, cluster=cluster)
            return

        options = [word for override in overrides for word in ("--set", override)]
        master = MasterJob(spec, folder, [*options, "--workers", str(spec.workers)])
        if as_job:
            with master.succession():
                _run(console, study, spec, folder, as_job=True)
        else:
            study.close()
            _submit(console, master, folder)


def _crashed(study: StudyView, folder: Path, keys: Sequence[str]) -> list[Trial]:
    """The crashed evaluations with these keys. UserError: a key is not one of them."""
    trials = {trial.key: trial for trial, result in study.evaluations if result.crashed}
    crashed = {trial.key: result for trial, result in study.evaluations if result.crashed}
    if "all" in keys:  # those that the user dropped are run again only by name
        keys = [key for key, result in crashed.items() if result.exception != DROPPED] or keys
    for key in keys:
        if key not in crashed:
            there = f"; these did: {', '.join(crashed)}" if crashed else ""
            what = "no evaluation" if key == "all" else f"no evaluation {key}"
            raise UserError(f"--retry-crashed {key}: {what} of {folder} crashed{there}")
    return [trials[key] for key in dict.fromkeys(keys)]


def study_and_folder(
    source: str, folder: Path | None, settings: Sequence[str]
) -> tuple[StudySpec, Path]:
    """The study of a file with overrides, and its folder: `folder`, else studies/NAME."""
    spec = load_study(source, settings)
    folder = folder if folder is not None else Path("studies") / spec.name
    return spec, folder


def _submit(console: Console, master: MasterJob, folder: Path) -> None:
    say(console, f"{folder}: the master is {master.submit()}")
    say(console, f"to see it: {command('status', folder, '--watch')}")
    say(console, f"to end it: {command('stop', folder)}")


def _run(
    console: Console,
    study: Study,
    spec: StudySpec,
    folder: Path,
    *,
    as_job: bool = False,
    cluster: DaskCluster | None = None,
) -> None:
    """Run an open study and show its progress, then the tuned configuration and the default."""
    workers = spec.workers or 1
    is_work_left = not study.finished
    notices = announced(console, spec, folder) if is_work_left else contextlib.nullcontext()

    with notices, study:
        if is_work_left:
            stop = stop_rules(study, spec, folder)
            starting = "1 worker is" if workers == 1 else f"{workers} workers are"
            say(console, f"{folder}: {starting} starting")
            with display_for(console, spec.title, workers) as display:
                run = StudyRun(study, spec, folder, display, stop)
                pool = lambda: open_pool(spec, folder, workers, cluster, study.notes)  # noqa: E731
                run.run(pool, workers, as_job=as_job)
        opened = OpenedStudy(folder)
        print_summary(console, study, folder, opened.caveats, opened.kept_weights, opened.shrunken)
        if study.incumbent is None:
            last = study.evaluations[-1][1].exception
            raise StudyFailed(
                f"every evaluation crashed, the last one: {last}", "all", finished=True
            )


@contextmanager
def _resumable(folder: Path) -> Iterator[None]:
    """Like `terminal.ending.resumable`, with advice on crashed evaluations."""
    again = resume_command(folder)
    with resumable(again, folder / JOURNAL_NAME):
        try:
            yield
        except StudyFailed as failure:
            raise StopWithAdvice(_what_to_do(failure, again)) from failure


def _what_to_do(failure: StudyFailed, again: str) -> str:
    keys = " ".join(f"--retry-crashed {key}" for key in failure.crashed)
    words = f"{one_line(failure)}; once that is repaired, to run the crashed again: {again} {keys}"
    return words if failure.finished else f"{words}; to resume without them: {again}"
