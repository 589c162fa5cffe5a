"""Options of `oneshot-hpo launch` for a grid."""

from typing import Annotated

import typer

OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="STUDY|KEY=VALUE", help="Of a grid: these studies alone; repeatable, all must fit."
    ),
]
EpochSecondsOption = Annotated[
    float | None,
    typer.Option(min=0, metavar="SECONDS", help="Of a grid: one epoch's, for what it costs."),
]
