"""The command `oneshot-hpo atlas`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from oneshot_hpo.experiments.cli.options import space_id


def atlas(
    space: Annotated[
        Any,
        typer.Option(
            parser=space_id,
            metavar="SPACE",
            help="1, 2, 3 or a name. Default: the first study's, else 1.",
        ),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(
            help="digits, digits-201, nasbench101, … or a table's file. Default: the first "
            "study's, else digits."
        ),
    ] = None,
    study: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Mark every cell that a study found; repeatable."),
    ] = None,
    cell: Annotated[
        list[str] | None,
        typer.Option(metavar="HASH", help="Mark a cell: the beginning of its hash; repeatable."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Output file. Default: atlas-space1-digits.html, here."),
    ] = None,
) -> None:
    """Write a search space as one HTML page; print where it is."""
    from oneshot_hpo.experiments.atlas.making import write_atlas

    typer.echo(
        write_atlas(space=space, table=table, folders=study or [], cells=cell or [], out=out)
    )
