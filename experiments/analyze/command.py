"""The commands `oneshot-hpo analyze …`, each in a file of its own."""

from __future__ import annotations

import typer

from experiments.analyze.bias import bias
from experiments.analyze.correlation import correlation
from experiments.analyze.operations.command import operations
from experiments.analyze.pruning import pruning
from experiments.analyze.quality import quality
from experiments.analyze.regularisation import regularisation

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
