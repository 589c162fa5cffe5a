"""The commands `oneshot-hpo export` and `oneshot-hpo import`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oneshot_hpo.experiments.cli.options import SkipBadOption
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.exports.registry import BUNDLE, STUDY_FOLDER, TOOLS
from oneshot_hpo.experiments.terminal.hints import quoted, say
from oneshot_hpo.plugins import require_extra

if TYPE_CHECKING:
    from rich.console import Console

    from oneshot_hpo.experiments.study.opened import OpenedStudy


def export(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR...", help="The study's folder; for a bundle one or several, or a grid's."
        ),
    ],
    tool: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="TOOL",
            help=f"What is to read it: {', '.join(TOOLS)}; {BUNDLE} is a zip for a paper, with "
            f"journals, tables, figures and an appendix; {STUDY_FOLDER} is one study as a bundle "
            "holds it.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Output folder. Default: exports/TOOL in DIR; for DeepCAVE, which names a run by "
            "its folder, exports/deepcave/NAME. Of a bundle its file, which ends in .zip. For "
            f"{STUDY_FOLDER} a new folder, or one with an earlier state of the study.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also replace another study's export.")
    ] = False,
    configspace: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION",
            help="Version of ConfigSpace for configspace.json: 1, or 0.4 as HpBandSter's "
            "fANOVA needs it. Default: 1.",
        ),
    ] = None,
    tracking: Annotated[
        str | None,
        typer.Option(
            metavar="URI",
            help="MLflow's server or database. Default: MLFLOW_TRACKING_URI, else "
            "exports/mlflow/mlflow.db in DIR.",
        ),
    ] = None,
) -> None:
    """Write a study, running or not, for another tool.

    What a warm-started study began with is in it too, as configurations prior-N ([-2, 0, N]): a
    tool may call one of them the best. DeepCAVE needs Python below 3.11, in an environment of its
    own; in Optuna, a trial that may yet be promoted is running.
    """
    if tool == BUNDLE:
        if configspace is not None or tracking is not None:
            raise UserError(f"--configspace and --tracking are not for a {BUNDLE}")
        _export_bundle(folders, out)
        return
    if len(folders) > 1:
        raise UserError(f"--to {tool} takes one study; several go into a {BUNDLE}")
    [folder] = folders
    if tool == STUDY_FOLDER:
        _export_study_folder(folder, out, configspace)
        return

    from oneshot_hpo.experiments.exports.evaluations import exported_study
    from oneshot_hpo.experiments.exports.writing import write_export, writer_options
    from oneshot_hpo.experiments.study.folder import check_writable_study
    from oneshot_hpo.experiments.terminal.ending import ending

    writer_options(tool, configspace)
    if TOOLS[tool].sends:
        if out is not None or force:
            raise UserError(f"--out and --force are not for {tool}: it adds to what is there")
        _send(folder, tool, tracking)
        return
    if tracking is not None:
        raise UserError("--tracking is for mlflow")
    study = exported_study(folder)
    if out is None:
        check_writable_study(folder)
    target = out or _usual_folder(study, tool)
    console = _console()
    with ending("nothing was exported"), console.status(f"exporting to {tool}"):
        write_export(study, target, tool, configspace, force=force)
    _say_exported(console, study, str(target))
    reading = TOOLS[tool].reading.format(folder=str(target), quoted=quoted(target))
    say(console, f"to read it: {reading}")


def _send(folder: Path, tool: str, address: str | None) -> None:
    """Send what is new of a study to a tool's address."""
    from oneshot_hpo import plugins
    from oneshot_hpo.experiments.exports.evaluations import exported_study
    from oneshot_hpo.experiments.study.folder import check_writable_study
    from oneshot_hpo.experiments.terminal.ending import ending

    study = exported_study(folder)
    make_runs = plugins.find("export", tool)
    check_writable_study(folder)
    console = _console()
    with ending("what was sent stays there"), console.status(f"sending to {tool}"):
        runs = make_runs(folder, address)
        runs.bring_up_to_date(study)
    _say_exported(console, study, runs.shown_address)
    reading = TOOLS[tool].reading.format(quoted=quoted(runs.shown_address))
    if runs.shown_address.startswith("http"):
        reading = runs.shown_address
    say(console, f"to read it: {reading}")


def _say_exported(console: Console, study: OpenedStudy, where: str) -> None:
    """Say what an export has, and what to know of it."""
    results = [result for _, result in study.view.evaluations]
    counts = f"{where}: {len(results)} of {study.view.total_evaluations} evaluations"
    if crashed := sum(result.crashed for result in results):
        counts += f", {crashed} of them crashed"
    if prior := len(study.prior):
        counts += f"; and {prior} results that the study began with"
    say(console, counts)
    for words in study.caveats:
        say(console, f"note: {words}")


def _export_bundle(folders: list[Path], out: Path | None) -> None:
    """Write studies as a bundle."""
    if out is None:
        raise UserError(f"--to {BUNDLE}: --out FILE.zip has to say where it goes")
    require_extra("figures", f"oneshot-hpo export --to {BUNDLE}")

    from oneshot_hpo.experiments.exports.bundle.writing import write_bundle
    from oneshot_hpo.experiments.terminal.ending import ending
    from oneshot_hpo.experiments.terminal.spinner import working

    console = _console()
    with ending("nothing was exported"), working(console, "reading") as show:
        names = write_bundle(folders, out, lambda name: show(f"drawing {name}"))
    say(console, f"{out}: {', '.join(names)}")
    say(console, f"to check it: {quoted('oneshot-hpo', 'check', out)}")


def _export_study_folder(folder: Path, out: Path | None, configspace: str | None) -> None:
    """Write one study as a bundle holds it."""
    from oneshot_hpo.experiments.exports.bundle.study_folder import write_study_folder
    from oneshot_hpo.experiments.terminal.ending import ending

    if out is None:
        raise UserError(f"--to {STUDY_FOLDER}: --out FOLDER has to say where it goes")
    if configspace is not None:
        raise UserError(f"--configspace is not for a {STUDY_FOLDER}")
    console = _console()
    with ending("nothing was exported"):
        names = write_study_folder(folder, out)
    say(console, f"{out}: {', '.join(names)}")
    say(console, f"to check it: {quoted('oneshot-hpo', 'check', out)}")


def _usual_folder(study: OpenedStudy, tool: str) -> Path:
    """exports/TOOL in the study's folder, or below it one with the study's name."""
    from oneshot_hpo.experiments.exports.folder import MARK

    folder = study.folder / "exports" / tool
    # An export that an earlier version made there is brought up to date there.
    return folder / study.name if TOOLS[tool].named and not (folder / MARK).exists() else folder


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
    skip_bad: SkipBadOption = False,
) -> None:
    """Make a study that knows what an HpBandSter run observed, all of it in the study's space.

    launch --from takes a run of another space, too, and starts the study.
    """
    from oneshot_hpo.experiments.exports.space_file import SPACE
    from oneshot_hpo.experiments.study.folder import resume
    from oneshot_hpo.experiments.warm_start.importing import create_warm_started

    left_out: list[str] | None = [] if skip_bad else None
    made, prior, differing = create_warm_started(run, study, folder, overrides or [], left_out)
    console = _console()
    for problem in left_out or ():
        say(console, f"left out: {problem}")
    if differing:
        say(
            console,
            f"note: {run}/{SPACE} is another space than the study's, though every configuration "
            f"of the run is in both: {'; '.join(differing)}",
        )
    budgets = Counter(observation.budget for observation in prior)
    counts = ", ".join(f"{number} at {budget:g}" for budget, number in sorted(budgets.items()))
    crashed = sum(observation.loss is None for observation in prior)
    say(
        console,
        f"{made}: a study whose model knows {len(prior)} results of {run} (epochs: {counts}"
        + (f"; {crashed} crashed)" if crashed else ")")
        + (f"; {len(left_out)} lines left out" if left_out else ""),
    )
    say(console, f"to run it: {resume(made)}")


def _console() -> Console:
    from oneshot_hpo.experiments.terminal.console import terminal

    return terminal()
