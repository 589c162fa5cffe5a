"""The command `oneshot-hpo report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.options import FolderArgument


def report(
    folder: FolderArgument,
    baselines: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[BASELINES]...",
            help="Runs of baselines to set beside it: results.parquet, or their folder.",
        ),
    ] = None,
) -> None:
    """Write a study, running or not, as one HTML page; print where it is."""
    from rich.console import Console

    from experiments.report.reporting import write_report

    with Console(stderr=True).status("drawing the figures"):
        path = write_report(folder, baselines or [])
    typer.echo(path)
