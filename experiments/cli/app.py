"""The command line. Modules that load torch or hpbandster are imported by the commands alone."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core

from oneshot_hpo.cluster.dask_settings import import_dask_alone
from oneshot_hpo.experiments.cli import analyze as analyze_command
from oneshot_hpo.experiments.cli import atlas as atlas_command
from oneshot_hpo.experiments.cli import baselines as baselines_command
from oneshot_hpo.experiments.cli import check as check_command
from oneshot_hpo.experiments.cli import compare as compare_command
from oneshot_hpo.experiments.cli import confirm as confirm_command
from oneshot_hpo.experiments.cli import data as data_command
from oneshot_hpo.experiments.cli import exports as exports_command
from oneshot_hpo.experiments.cli import figures as figures_command
from oneshot_hpo.experiments.cli import report as report_command
from oneshot_hpo.experiments.cli import table as table_command
from oneshot_hpo.experiments.cli.options import (
    AcceptOption,
    AddressOption,
    EpochSecondsOption,
    FolderArgument,
    OnlyOption,
    SchedulerFileOption,
    TrustOption,
    WorkersOption,
)
from oneshot_hpo.experiments.errors import (
    INTERRUPTED,
    STOPPED,
    USER_ERROR,
    StudyStopped,
    UserError,
    is_user_error,
    one_line,
    printable,
)
from oneshot_hpo.experiments.study import bounds
from oneshot_hpo.experiments.terminal.console import (
    OUTPUT_GONE,
    discard_output,
    open_standard_files,
)

if TYPE_CHECKING:
    from rich.console import Console

# Before anything imports Dask: here, and in the workers' processes, which import this module first.
import_dask_alone()

# The base of usage errors; not public, and not in the package click where typer brings its own.
_ClickException: Any = typer.BadParameter.__mro__[2]


class _Commands(typer.core.TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        """Run a command; who stops one that has no words of its own for it is told so."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    cls=_Commands,
    name="oneshot-hpo",
    help="Tune one-shot architecture search with BOHB, journaled and resumable.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

StudyArgument = Annotated[
    str, typer.Argument(metavar="STUDY", help="A study file, or the name of a shipped study.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a key of the study file, e.g. seed=1 or search.channels=16; repeatable.",
    ),
]
SubmitOption = Annotated[
    bool,
    typer.Option("--submit", help="Run the master itself as a SLURM job, until the study is done."),
]


def main() -> None:
    """Run the command line; a user's error is one line on standard error and exit code 2.

    SIGTERM ends a command as Ctrl-C does. Standard output that is closed, or that nobody reads any
    more, ends it with a line and exit code 1.
    """
    open_standard_files()
    if sys.stdout is None:
        sys.exit(_fail("standard output is closed: send it to a file, or to /dev/null", STOPPED))
    code = _ran()
    try:
        sys.stdout.flush()
    except OSError as error:
        discard_output()
        gone = isinstance(error, BrokenPipeError)
        code = _fail(OUTPUT_GONE if gone else one_line(error), STOPPED)
    sys.exit(code)


def _ran() -> int:
    """Run the command; the exit code, and what went wrong said."""
    code: int
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        _check_arguments()
        code = app(sys.argv[1:] or ["--help"], standalone_mode=False)
    except _ClickException as error:
        problem = error.format_message()
        if "\n" in problem:  # no problem but help, for a group without a command
            print(problem)
            code = USER_ERROR
        else:
            code = _fail(f"{problem} (oneshot-hpo --help)", USER_ERROR)
    except typer.Abort:
        code = INTERRUPTED
    except KeyboardInterrupt:  # no command has begun
        print("stopped", file=sys.stderr)
        code = INTERRUPTED
    except StudyStopped as error:
        code = _fail(one_line(error), STOPPED)
    except ValueError as error:
        if not is_user_error(error):
            raise
        code = _fail(one_line(error), USER_ERROR)
    except SystemExit:  # typer's way to end, without a word, where nobody reads what it prints
        discard_output()
        code = _fail(OUTPUT_GONE, STOPPED)
    except OSError as error:  # a disk that is full, gone or cannot be read
        code = _fail(one_line(error), STOPPED)
    return code


def _check_arguments() -> None:
    """UserError for one that no message, journal or page could show."""
    for argument in sys.argv[1:]:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise UserError(
                f"the argument {argument!r} is not UTF-8: give the file or folder another name"
            ) from None


def _fail(message: str, code: int) -> int:
    print(f"error: {message}", file=sys.stderr)
    return code


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"oneshot-hpo {version('oneshot-hpo')}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Tune one-shot architecture search with BOHB, journaled and resumable."""


@app.command()
def launch(
    study: StudyArgument,
    folder: Annotated[
        Path | None,
        typer.Option("--dir", metavar="DIR", help="New folder. Default: studies/NAME, here."),
    ] = None,
    workers: WorkersOption = None,
    overrides: SetOption = None,
    submit: SubmitOption = False,
    address: AddressOption = None,
    scheduler_file: SchedulerFileOption = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print the SLURM script, or a grid's cost; run nothing."),
    ] = False,
    only: OnlyOption = None,
    epoch_seconds: EpochSecondsOption = None,
    trust: TrustOption = False,
) -> None:
    """Run a new study in a new folder, or a grid of studies, begun or not."""
    from oneshot_hpo.experiments.grids.grid import load_grid
    from oneshot_hpo.experiments.grids.launching import run_grid
    from oneshot_hpo.experiments.study import launching
    from oneshot_hpo.experiments.study.trust import Consent

    consent = Consent(trust, overrides or ())
    grid = load_grid(study, overrides or [])
    if grid is not None:
        cluster = launching.cluster_at(address, scheduler_file, submit=submit)
        run_grid(
            _console(),
            grid,
            folder,
            only or [],
            epoch_seconds,
            dry_run=dry_run,
            submit=submit,
            workers=workers,
            cluster=cluster,
            consent=consent,
        )
        return
    if only or epoch_seconds is not None:
        raise UserError(f"--only and --epoch-seconds are for a grid; {study} is a single study")
    settings = [*(overrides or []), *([] if workers is None else [f"workers={workers}"])]
    if dry_run:
        script = launching.slurm_script(study, folder, settings, submit=submit)
        typer.echo(printable(script, kept="\n\t") if sys.stdout.isatty() else script, nl=False)
    else:
        cluster = launching.cluster_at(address, scheduler_file, submit=submit)
        launching.launch_study(
            _console(), study, folder, settings, submit=submit, cluster=cluster, consent=consent
        )


@app.command()
def resume(
    folder: FolderArgument,
    workers: WorkersOption = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="cluster.KEY=VALUE for now, dataset=PATH or table=PATH for where these lie now; "
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
    """Go on with a study that was stopped or killed."""
    from oneshot_hpo.experiments.study import launching
    from oneshot_hpo.experiments.study.trust import Consent

    cluster = launching.cluster_at(address, scheduler_file, submit=submit)
    launching.resume_study(
        _console(),
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


@app.command()
def stop(folder: FolderArgument) -> None:
    """End a study's master and all its jobs; resume goes on with it."""
    from oneshot_hpo.experiments.study.status import stop_study

    stop_study(_console(), folder)


@app.command()
def status(
    folder: FolderArgument,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep it up to date until the study ends.")
    ] = False,
) -> None:
    """Show how a study stands; changes nothing."""
    from oneshot_hpo.experiments.study.status import show_status, watch_status

    if watch:
        watch_status(_console(), folder)
    else:
        show_status(_console(), folder)


@app.command()
def show(study: StudyArgument, overrides: SetOption = None) -> None:
    """Print a study's full specification with every default, or a grid, as a file to edit."""
    from oneshot_hpo.experiments.grids.grid import load_grid
    from oneshot_hpo.experiments.study.specification import WRITTEN, complete, load_study
    from oneshot_hpo.experiments.study.yaml_files import dump_yaml

    grid = load_grid(study, overrides or [])
    if grid is not None:
        typer.echo(dump_yaml(dict(grid.document)), nl=False)
        return
    spec = complete(load_study(study, overrides or []), study)
    typer.echo(dump_yaml(spec.model_dump(mode="json", exclude=set(WRITTEN))), nl=False)


@app.command()
def search(
    searcher: Annotated[str, typer.Option(help="The one-shot optimizer.")] = "darts",
    space: Annotated[int, typer.Option(help="Search space: 1, 2 or 3.")] = 1,
    dataset: Annotated[
        str, typer.Option(help="digits, cifar10, or a path (.npz, cifar-10-batches-py).")
    ] = "digits",
    table: Annotated[str, typer.Option(help="digits, nasbench101, or a table's file.")] = "digits",
    epochs: Annotated[
        int, typer.Option(min=1, max=bounds.EPOCHS, help="Epochs of the supernet.")
    ] = 50,
    seed: Annotated[int, typer.Option(min=0, help="Everything random follows from it.")] = 0,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="search.SETTING=VALUE, or transfer=true for another data set's table; repeatable.",
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--dir", metavar="DIR", help="Keep checkpoints here, or continue from them."),
    ] = None,
) -> None:
    """Run one search, without a study."""
    from oneshot_hpo.experiments.study.single_search import run_single_search

    try:
        run_single_search(
            _console(),
            searcher=searcher,
            space=space,
            dataset=dataset,
            table=table,
            epochs=epochs,
            seed=seed,
            overrides=overrides or [],
            folder=folder,
        )
    except KeyboardInterrupt:
        if folder is not None:
            print("stopped; the same command goes on from the last epoch", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None


app.add_typer(analyze_command.app)
app.command()(atlas_command.atlas)
app.add_typer(baselines_command.app)
app.command()(check_command.check)
app.command()(compare_command.compare)
app.command()(confirm_command.confirm)
app.add_typer(data_command.app)
app.command()(figures_command.figures)
app.command()(report_command.report)
app.add_typer(table_command.app)
app.command()(exports_command.export)
app.command("import")(exports_command.import_)


def _console() -> Console:
    from oneshot_hpo.experiments.terminal.console import terminal

    return terminal()


if __name__ == "__main__":
    main()
