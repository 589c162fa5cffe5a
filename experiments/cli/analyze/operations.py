"""The command `oneshot-hpo analyze operations`."""

from __future__ import annotations

from typing import Annotated

import typer

from oneshot_hpo.experiments.cli import options
from oneshot_hpo.experiments.cli.analyze.showing import show


def operations(
    folder: options.AnalysisDirOption = options.ANALYSES,
    space: Annotated[
        str | None,
        typer.Option(
            help="1, 2, 3 or other search spaces; several with commas. Default: 1, without --all."
        ),
    ] = None,
    all_cells: Annotated[
        bool, typer.Option("--all", help="All cells of the table, in a space or not.")
    ] = False,
    table: options.TableOption = "digits",
    top: Annotated[
        float, typer.Option(metavar="PERCENT", help="Share of the cells that counts as the best.")
    ] = 5.0,
) -> None:
    """Show which operations make cells good, how few suffice, and how skewed accuracies are."""
    from oneshot_hpo.experiments.analyze.operations.making import analyse_operations
    from oneshot_hpo.experiments.terminal.console import terminal

    console = terminal()
    reports = analyse_operations(
        console,
        spaces=space or ("" if all_cells else "1"),
        all_cells=all_cells,
        table=table,
        top=top,
        folder=folder,
    )
    for report in reports:
        show(console, report)
