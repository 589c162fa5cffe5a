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
            help="1, 2, 3 or other search spaces; several with commas. Default: the table's own, "
            "of NAS-Bench-101 space 1; none with --all."
        ),
    ] = None,
    all_cells: Annotated[
        bool, typer.Option("--all", help="All cells of the table, in a space or not.")
    ] = False,
    table: Annotated[
        str,
        typer.Option(
            help="digits, nasbench101, nasbench201:cifar100, transnas-macro, … or a table's file; "
            "several with commas are compared in one figure."
        ),
    ] = "digits",
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
        spaces=space or "",
        all_cells=all_cells,
        table=table,
        top=top,
        folder=folder,
    )
    for report in reports:
        show(console, report)
