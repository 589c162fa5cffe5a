"""The command line. Modules that load torch or hpbandster are imported by the commands alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from experiments import table_command
from experiments.data import command as data_command
from experiments.errors import (
    INTERRUPTED,
    STOPPED,
    USER_ERROR,
    StudyStopped,
    UserError,
    is_user_error,
    one_line,
)

if TYPE_CHECKING:
    from rich.console import Console

    from experiments.study_file import StudySpec
    from hpo import Study

# The base of usage errors; not public, and not in the package click where typer brings its own.
_ClickException: Any = typer.BadParameter.__mro__[2]

app = typer.Typer(
    name="oneshot-hpo",
    help="Tune one-shot architecture search with BOHB, journaled and resumable.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

StudyArgument = Annotated[
    str, typer.Argument(metavar="STUDY", help="A study file, or the name of a shipped study.")
]
FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The study's folder.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a key of the study file, e.g. seed=1 or search.channels=16; repeatable.",
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(min=1, help="Worker processes. Default: one per GPU, else one per core."),
]


def main() -> None:
    """Run the command line; a user's error is one line on standard error and exit code 2."""
    try:
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
    except StudyStopped as error:
        code = _fail(one_line(error), STOPPED)
    except ValueError as error:
        if not is_user_error(error):
            raise
        code = _fail(one_line(error), USER_ERROR)
    sys.exit(code)


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
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print the workers' SLURM script and submit nothing."),
    ] = False,
) -> None:
    """Run a new study in a new folder."""
    from experiments.pools import check_with_slurm, slurm_jobs
    from experiments.study_file import complete, freeze, load_study
    from experiments.study_folder import check_vacant, create_study

    settings = [*(overrides or []), *([] if workers is None else [f"workers={workers}"])]
    spec = load_study(study, settings)
    folder = folder if folder is not None else Path("studies") / spec.name
    check_vacant(folder)
    spec = freeze(complete(spec, study))
    jobs = slurm_jobs(spec, folder)
    if dry_run:
        if jobs is None:
            raise UserError("--dry-run is for SLURM: the study has no section cluster.slurm")
        typer.echo(jobs.script, nl=False)
        return
    if jobs is not None:
        check_with_slurm(jobs)
    with _resumable(folder):
        _run(create_study(folder, spec), spec, folder, workers)


@app.command()
def resume(
    folder: FolderArgument,
    workers: WorkersOption = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="cluster.KEY=VALUE for now; repeatable."),
    ] = None,
) -> None:
    """Go on with a study that was stopped or killed."""
    from experiments.study_file import with_overrides
    from experiments.study_folder import (
        SPECIFICATION,
        check_study,
        specification_of,
        write_specification,
    )
    from hpo import Study

    check_study(folder)
    with _resumable(folder):
        study = Study.open(folder)
        spec = specification_of(study.header, folder)
        if not (folder / SPECIFICATION).exists():
            write_specification(folder, spec)
        spec = with_overrides(spec, overrides or [])
        _run(study, spec, folder, workers)


@app.command()
def status(
    folder: FolderArgument,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep it up to date until the study ends.")
    ] = False,
) -> None:
    """Show how a study stands; changes nothing."""
    from experiments.status import show_status, watch_status

    if watch:
        watch_status(_console(), folder)
    else:
        show_status(_console(), folder)


@app.command()
def show(study: StudyArgument, overrides: SetOption = None) -> None:
    """Print a study's full specification with every default, as a study file."""
    from experiments.study_file import complete, load_study
    from experiments.yaml_files import dump_yaml

    spec = complete(load_study(study, overrides or []), study)
    typer.echo(dump_yaml(spec.model_dump(mode="json", exclude={"versions"})), nl=False)


@app.command()
def search(
    searcher: Annotated[str, typer.Option(help="The one-shot optimizer.")] = "darts",
    space: Annotated[int, typer.Option(help="Search space: 1, 2 or 3.")] = 1,
    dataset: Annotated[
        str, typer.Option(help="digits, cifar10, or a path (.npz, cifar-10-batches-py).")
    ] = "digits",
    table: Annotated[str, typer.Option(help="digits, nasbench101, or a table's file.")] = "digits",
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of the supernet.")] = 50,
    seed: Annotated[int, typer.Option(min=0, help="Everything random follows from it.")] = 0,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="search.SETTING=VALUE; repeatable."),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--dir", metavar="DIR", help="Keep checkpoints here, or continue from them."),
    ] = None,
) -> None:
    """Run one search, without a study."""
    from experiments.search import run_single_search

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


app.add_typer(data_command.app)
app.add_typer(table_command.app)


def _run(study: Study, spec: StudySpec, folder: Path, workers: int | None) -> None:
    """Work on an open study and show it; at its end the tuned configuration and the default."""
    from experiments.pools import open_pool
    from experiments.progress import display_for
    from experiments.run_study import StudyRun
    from experiments.summary import print_summary

    console = _console()
    workers = workers or spec.workers or 1
    with study:
        if not study.finished:
            starting = "1 worker is" if workers == 1 else f"{workers} workers are"
            console.print(f"{folder}: {starting} starting", soft_wrap=True)
            with display_for(console, spec.title, workers) as display:
                run = StudyRun(study, spec, folder, display)
                run.run(lambda: open_pool(spec, folder, workers), workers)
        print_summary(console, study, folder)


@contextmanager
def _resumable(folder: Path) -> Iterator[None]:
    """What ends a study early in here is followed by the command that goes on with it."""
    from experiments.study_folder import resume as resume_command
    from hpo.journal import JOURNAL_NAME

    going_on = f"to go on: {resume_command(folder)}"
    try:
        yield
    except KeyboardInterrupt:
        if (folder / JOURNAL_NAME).exists():
            print(f"stopped; every finished evaluation is kept; {going_on}", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    except (StudyStopped, OSError) as stop:
        raise StudyStopped(f"{one_line(stop)}; once that is mended, {going_on}") from stop


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False)


if __name__ == "__main__":
    main()
