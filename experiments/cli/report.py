"""The command `oneshot-hpo report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oneshot_hpo.experiments.errors import UserError


def report(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder of a study, or of a grid.")
    ],
    baselines: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[BASELINES]...",
            help="Runs of baselines to compare with: results.parquet, or their folder.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Output file. Default: report/index.html in DIR."),
    ] = None,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Keep the page, also an open one, up to date until it ends."),
    ] = False,
) -> None:
    """Write a study or a grid, running or not, as one HTML page; print where it is."""

    from oneshot_hpo.experiments.numbers.sources import is_grid
    from oneshot_hpo.experiments.report.grid import write_grid_report
    from oneshot_hpo.experiments.report.reporting import write_report
    from oneshot_hpo.experiments.report.watching import watch_report
    from oneshot_hpo.experiments.terminal.console import terminal
    from oneshot_hpo.experiments.terminal.ending import ending

    if is_grid(folder) and (baselines or watch):
        raise UserError(f"{folder} is a grid: baselines and --watch are for a study of it")
    if watch:
        with ending("the page shows the study as it was then"):
            watch_report(folder, baselines or [], out, typer.echo)
        return
    with terminal(stderr=True).status("drawing the figures"):
        if is_grid(folder):
            path = write_grid_report(folder, out)
        else:
            path = write_report(folder, baselines or [], out)
    typer.echo(path)
