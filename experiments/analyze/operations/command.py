"""The command `oneshot-hpo analyze operations`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def operations(
    space: Annotated[
        list[int] | None, typer.Option(help="1, 2 or 3; repeatable. Default: 1, without --all.")
    ] = None,
    all_cells: Annotated[
        bool, typer.Option("--all", help="All cells of the table, of a space or not.")
    ] = False,
    table: Annotated[str, typer.Option(help="digits, nasbench101, or a table's file.")] = "digits",
    top: Annotated[
        float, typer.Option(metavar="PERCENT", help="How many cells are called the best.")
    ] = 5.0,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where figures and numbers go.")
    ] = Path("analysis/operations"),
) -> None:
    """Say which operations make cells good: a figure, its numbers, and what they say."""
    from rich.console import Console

    from experiments.analyze.operations.making import analyse_operations

    spaces = space or ([] if all_cells else [1])
    console = Console(highlight=False)
    analyse_operations(
        console, spaces=spaces, all_cells=all_cells, table=table, top=top, folder=out
    )
