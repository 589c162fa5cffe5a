"""The command `oneshot-hpo compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compare(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Confirmed studies (DIR), one setting of one (DIR:NAME, DIR:default), results of "
            "baselines (FILE.parquet, or FILE.parquet:METHOD). The first is compared with each.",
        ),
    ],
    table: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also a table, method by space: .csv, .md or .tex (booktabs)."
        ),
    ] = None,
    margin: Annotated[
        str | None,
        typer.Option(
            metavar="POINTS|noise",
            help="A difference that does not matter: also say whether they are the same within it. "
            "noise: that of a training, from the table.",
        ),
    ] = None,
) -> None:
    """Say whether tuned is better than default, by how much, and how sure that is."""

    from oneshot_hpo.experiments.compare import comparing
    from oneshot_hpo.experiments.compare.display import print_spaces
    from oneshot_hpo.experiments.compare.margin import read_margin
    from oneshot_hpo.experiments.compare.tables import check_suffix, write_table
    from oneshot_hpo.experiments.terminal.console import terminal

    if table is not None:
        check_suffix(table)
    spaces = comparing.compare(*sources, margin=read_margin(margin))
    console = terminal()
    print_spaces(console, spaces)
    if table is not None:
        write_table(table, spaces)
        console.print(f"table: {table}", markup=False, soft_wrap=True)
