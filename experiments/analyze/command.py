"""The commands `oneshot-hpo analyze …`, each in a file of its own."""

from __future__ import annotations

import typer

from experiments.analyze.commands.bias import bias
from experiments.analyze.commands.correlation import correlation
from experiments.analyze.commands.pruning import pruning
from experiments.analyze.commands.quality import quality
from experiments.analyze.commands.regularisation import regularisation
from experiments.analyze.operations.command import operations

app = typer.Typer(
    name="analyze", help="What supernets know, and what tables say.", no_args_is_help=True
)


@app.callback()
def common() -> None:
    """What supernets know, and what tables say."""


app.command()(bias)
app.command()(correlation)
app.command()(operations)
app.command()(pruning)
app.command()(quality)
app.command()(regularisation)
