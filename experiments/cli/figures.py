"""The command `oneshot-hpo figures`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.terminal.hints import say
from oneshot_hpo.plugins import require_extra


def figures(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Studies, running or not, with their confirmations (DIR), one setting of one "
            "(DIR:NAME), folders of grids, results of baselines (FILE.parquet, or "
            "FILE.parquet:METHOD).",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Output folder. Default of one study: DIR/report/figures."
        ),
    ] = None,
) -> None:
    """Write every figure of studies and baselines as PDF and PNG."""
    require_extra("figures", "oneshot-hpo figures")

    from oneshot_hpo.experiments.numbers.sources import read_figure_sources
    from oneshot_hpo.experiments.study.folder import check_writable_study
    from oneshot_hpo.experiments.terminal.console import terminal
    from oneshot_hpo.experiments.terminal.ending import ending
    from oneshot_hpo.experiments.terminal.spinner import working

    console = terminal()
    with working(console, "reading"):
        found = read_figure_sources(sources)
    if out is None and len(found.studies) != 1:
        count = len(found.studies) or "no"
        raise UserError(f"--out FOLDER has to say where figures of {count} studies go")
    if out is None:
        check_writable_study(found.studies[0].folder)
    folder = out or found.studies[0].folder / "report" / "figures"
    with ending("the figures written so far are whole"), working(console, "") as show:
        from oneshot_hpo.experiments.figures.making import make_figures

        made = make_figures(found, folder, lambda name: show(f"drawing {name}"))

    say(console, f"{len(made.written)} figures in {folder}, each as PDF and PNG:")
    for path in made.written:
        say(console, f"  {path.name}")
    for name, reason in made.left_out.items():
        say(console, f"left out: {name}: {reason}")
    for note in made.notes:
        say(console, f"note: {note}")
