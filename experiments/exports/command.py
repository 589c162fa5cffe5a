"""The commands `oneshot-hpo export` and `oneshot-hpo import`."""

from __future__ import annotations

import importlib
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from experiments.errors import INTERRUPTED, UserError
from experiments.hints import quoted

if TYPE_CHECKING:
    from rich.console import Console

    from experiments.exports.evaluations import ExportedStudy


class _Tool(NamedTuple):
    module: str
    """Its module in this folder."""
    reading: str
    """How an export is read: {folder} is where it is, {quoted} the same for a shell."""


TOOLS = {
    "hpbandster": _Tool(
        "hpbandster", "hpbandster.core.result.logged_results_to_HBS_result({folder!r})"
    ),
    "deepcave": _Tool("deepcave", "deepcave --open, and there the folder {folder}"),
    "optuna": _Tool("optuna", "optuna-dashboard {quoted}/journal.log"),
    "tensorboard": _Tool("tensorboard", "tensorboard --logdir {quoted}"),
    "csv": _Tool("csv_files", "{folder}/trials.csv, {folder}/epochs.csv"),
}
"""What a study can be exported to."""


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The study's folder.")],
    tool: Annotated[
        str, typer.Option("--to", metavar="TOOL", help=f"What is to read it: {', '.join(TOOLS)}.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where to. Default: exports/TOOL in DIR."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also in place of another study's export.")
    ] = False,
) -> None:
    """Write a study, running or not, for another tool."""
    from experiments.exports.evaluations import ExportedStudy
    from experiments.exports.folder import export_folder

    if tool not in TOOLS:
        raise UserError(f"--to {tool}: there are {', '.join(TOOLS)}")
    study = ExportedStudy(folder)
    write = writer(tool)
    target = out or folder / "exports" / tool
    console = _console()
    try:
        with (
            export_folder(target, study, tool, force=force) as new,
            console.status(f"exporting to {tool}"),
        ):
            write(study, new)
    except KeyboardInterrupt:
        print("stopped; nothing was exported", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    results = [result for _, result in study.view.evaluations]
    counts = f"{target}: {len(results)} of {study.view.total_evaluations} evaluations"
    if crashed := sum(result.crashed for result in results):
        counts += f", {crashed} of them crashed"
    _say(console, counts)
    reading = TOOLS[tool].reading.format(folder=str(target), quoted=quoted(target))
    _say(console, f"to read it: {reading}")


def import_(
    run: Annotated[
        Path, typer.Argument(metavar="RUN_DIR", help="A folder with configs.json and results.json.")
    ],
    study: Annotated[
        str, typer.Argument(metavar="STUDY", help="A study file, or the name of a shipped study.")
    ],
    folder: Annotated[
        Path | None,
        typer.Option("--dir", metavar="DIR", help="New folder. Default: studies/NAME, here."),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="As for launch; repeatable."),
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out lines that cannot be used; name them.")
    ] = False,
) -> None:
    """Make a study that knows what an HpBandSter run observed."""
    from experiments.exports.warm_start import create_warm_started
    from experiments.study_folder import resume

    left_out: list[str] | None = [] if skip_bad else None
    made, prior = create_warm_started(run, study, folder, overrides or [], left_out)
    console = _console()
    for problem in left_out or ():
        _say(console, f"left out: {problem}")
    budgets = Counter(observation.budget for observation in prior)
    counts = ", ".join(f"{number} at {budget:g}" for budget, number in sorted(budgets.items()))
    crashed = sum(observation.loss is None for observation in prior)
    _say(
        console,
        f"{made}: a study whose model knows {len(prior)} results of {run} (epochs: {counts}"
        + (f"; {crashed} crashed)" if crashed else ")")
        + (f"; {len(left_out)} lines left out" if left_out else ""),
    )
    _say(console, f"to run it: {resume(made)}")


def writer(tool: str) -> Callable[[ExportedStudy, Path], None]:
    """The function that writes for a tool; UserError if a package that it needs is missing."""
    name = f"experiments.exports.{TOOLS[tool].module}"
    try:
        write: Callable[[ExportedStudy, Path], None] = importlib.import_module(name).write
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != tool:
            raise
        raise UserError(
            f"--to {tool} needs the package {error.name}: pip install 'oneshot-hpo[export]'"
        ) from None
    return write


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, soft_wrap=True)


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False)
