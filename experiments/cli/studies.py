"""A study's life: launch, resume, extend, stop, status and show."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oneshot_hpo.experiments.cli.options import (
    AcceptOption,
    AddressOption,
    AsPriorOption,
    EpochSecondsOption,
    FolderArgument,
    FromOption,
    OnlyOption,
    SchedulerFileOption,
    SkipBadOption,
    StudyArgument,
    StudySetOption,
    SubmitOption,
    TrustOption,
    WorkersOption,
)
from oneshot_hpo.experiments.errors import UserError, printable
from oneshot_hpo.experiments.study import bounds

if TYPE_CHECKING:
    from oneshot_hpo.experiments.study.launching import Foreseen


def launch(
    study: StudyArgument,
    folder: Annotated[
        Path | None,
        typer.Option("--dir", metavar="DIR", help="New folder. Default: studies/NAME, here."),
    ] = None,
    workers: WorkersOption = None,
    overrides: StudySetOption = None,
    submit: SubmitOption = False,
    address: AddressOption = None,
    scheduler_file: SchedulerFileOption = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print the SLURM script, or a grid's cost; run nothing."),
    ] = False,
    only: OnlyOption = None,
    epoch_seconds: EpochSecondsOption = None,
    forecast: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep a forecast, the output of oneshot-hpo forecast --json, for the report.",
        ),
    ] = None,
    trust: TrustOption = False,
    sources: FromOption = None,
    as_prior: AsPriorOption = False,
    skip_bad: SkipBadOption = False,
) -> None:
    """Run a new study in a new folder, or a grid of studies, begun or not.

    With --from, its model begins with what other studies observed, in spaces of their own.
    """
    from oneshot_hpo.experiments.grids.grid import load_grid
    from oneshot_hpo.experiments.grids.launching import run_grid
    from oneshot_hpo.experiments.study import launching
    from oneshot_hpo.experiments.study.sources import Wanted
    from oneshot_hpo.experiments.study.trust import Consent
    from oneshot_hpo.experiments.terminal.console import terminal

    if (as_prior or skip_bad) and not sources:
        raise UserError("--as-prior and --skip-bad are about the studies that --from names")
    consent = Consent(trust, overrides or ())
    foreseen = _foreseen(forecast)
    grid = load_grid(study, overrides or [])
    if grid is not None:
        if sources:
            raise UserError(f"--from is for a single study; {study} is a grid")
        cluster = launching.cluster_at(address, scheduler_file, submit=submit)
        run_grid(
            terminal(),
            grid,
            folder,
            only or [],
            epoch_seconds,
            dry_run=dry_run,
            submit=submit,
            workers=workers,
            cluster=cluster,
            consent=consent,
            foreseen=foreseen,
        )
        return
    if only or epoch_seconds is not None:
        raise UserError(f"--only and --epoch-seconds are for a grid; {study} is a single study")
    settings = [*(overrides or []), *([] if workers is None else [f"workers={workers}"])]
    if dry_run:
        if sources:
            raise UserError("--dry-run prints a script, which does not depend on --from")
        script = launching.slurm_script(
            terminal(), study, folder, settings, submit=submit, consent=consent
        )
        typer.echo(printable(script, kept="\n\t") if sys.stdout.isatty() else script, nl=False)
    else:
        cluster = launching.cluster_at(address, scheduler_file, submit=submit)
        launching.launch_study(
            terminal(),
            study,
            folder,
            settings,
            submit=submit,
            cluster=cluster,
            consent=consent,
            wanted=Wanted(sources or (), as_prior, skip_bad),
            foreseen=foreseen,
        )


def _foreseen(path: Path | None) -> Foreseen:
    """What reads the forecast of a study from a file; without a file there is none."""
    from oneshot_hpo.experiments.study.launching import not_foreseen

    if path is None:
        return not_foreseen

    from oneshot_hpo.experiments.forecast.kept import read_kept

    return functools.partial(read_kept, path)


def resume(
    folder: FolderArgument,
    workers: WorkersOption = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="cluster.KEY=VALUE for now, dataset=PATH or table=PATH for where these are now; "
            "repeatable.",
        ),
    ] = None,
    submit: SubmitOption = False,
    address: AddressOption = None,
    scheduler_file: SchedulerFileOption = None,
    accept_changes: AcceptOption = False,
    retry_crashed: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY|all",
            help="Run an evaluation that crashed again, e.g. 0-0-3/9; repeatable.",
        ),
    ] = None,
    trust: TrustOption = False,
    as_job: Annotated[bool, typer.Option("--as-job", hidden=True)] = False,
    trusted: Annotated[str | None, typer.Option("--trusted", hidden=True)] = None,
) -> None:
    """Continue a study that was stopped or killed."""
    from oneshot_hpo.experiments.study import launching
    from oneshot_hpo.experiments.study.trust import Consent
    from oneshot_hpo.experiments.terminal.console import terminal

    cluster = launching.cluster_at(address, scheduler_file, submit=submit)
    launching.resume_study(
        terminal(),
        folder,
        workers,
        overrides or [],
        submit=submit,
        as_job=as_job,
        cluster=cluster,
        accept_changes=accept_changes,
        retry_crashed=retry_crashed or [],
        consent=Consent(trust, overrides or (), trusted),
    )


def extend(
    folder: FolderArgument,
    iterations: Annotated[
        int,
        typer.Option(min=0, max=bounds.ITERATIONS, metavar="N", help="N brackets more."),
    ] = 0,
    max_budget: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=bounds.EPOCHS,
            metavar="B",
            help="A rung of B epochs on top: eta times the largest budget.",
        ),
    ] = None,
    stop: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RULE=VALUE",
            help="Another stop rule, e.g. gpu_hours=20, or null for none; repeatable.",
        ),
    ] = None,
    add: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE,…",
            help="A configuration for the next bracket, with the default's other values; "
            "repeatable.",
        ),
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="Give up a trial, e.g. 0-0-3/9; repeatable."),
    ] = None,
) -> None:
    """Extend a study, finished or not; resume then continues it."""
    from oneshot_hpo.experiments.study.extending import extend_study, typed_values
    from oneshot_hpo.experiments.terminal.console import terminal

    extend_study(
        terminal(),
        folder,
        iterations=iterations,
        max_budget=max_budget,
        stop=typed_values("--stop", stop or []),
        add=[typed_values("--add", text.split(",")) for text in add or []],
        drop=drop or [],
    )


def stop(folder: FolderArgument) -> None:
    """End a study's master and all its jobs; resume continues the study."""
    from oneshot_hpo.experiments.study.status import stop_study
    from oneshot_hpo.experiments.terminal.console import terminal

    stop_study(terminal(), folder)


def status(
    folder: FolderArgument,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep it up to date until the study ends.")
    ] = False,
) -> None:
    """Show the state of a study; changes nothing."""
    from oneshot_hpo.experiments.study.status import show_status, watch_status
    from oneshot_hpo.experiments.terminal.console import terminal

    if watch:
        watch_status(terminal(), folder)
    else:
        show_status(terminal(), folder)


def show(
    study: StudyArgument, overrides: StudySetOption = None, trust: TrustOption = False
) -> None:
    """Print a study's full specification with every default, or a grid, as a file to edit."""
    from oneshot_hpo.experiments.grids.grid import load_grid
    from oneshot_hpo.experiments.study import own_code
    from oneshot_hpo.experiments.study.completion import complete
    from oneshot_hpo.experiments.study.document import CONFIG_SPACE
    from oneshot_hpo.experiments.study.specification import WRITTEN
    from oneshot_hpo.experiments.study.trust import Consent, check_code_trusted
    from oneshot_hpo.experiments.study.validation import load_study
    from oneshot_hpo.experiments.study.yaml_files import dump_yaml
    from oneshot_hpo.experiments.terminal.console import terminal

    grid = load_grid(study, overrides or [])
    if grid is not None:
        typer.echo(dump_yaml(dict(grid.document)), nl=False)
        return
    spec = load_study(study, overrides or [])
    check_code_trusted(terminal(stderr=True), [spec], Consent(trust, overrides or ()))
    spec = complete(spec, study)

    from oneshot_hpo.experiments.study.config_space import space_lines  # ConfigSpace takes a second
    from oneshot_hpo.experiments.study.scaled_rate import rate_lines

    written = own_code.as_written(spec, Path(study).parent)
    for key, value in (spec.model_dump(mode="json", exclude=set(WRITTEN)) | written).items():
        typer.echo(dump_yaml({key: value}), nl=False)
        lines = {CONFIG_SPACE: space_lines, "search": rate_lines}.get(key, lambda spec: [])(spec)
        typer.echo("".join(f"# {line}\n" for line in lines), nl=False)
