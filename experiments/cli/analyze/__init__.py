"""The commands `oneshot-hpo analyze …`, each in a file of its own."""

from __future__ import annotations

import typer

from oneshot_hpo.experiments.cli.analyze.bias import bias
from oneshot_hpo.experiments.cli.analyze.correlation import correlation
from oneshot_hpo.experiments.cli.analyze.fidelity import fidelity
from oneshot_hpo.experiments.cli.analyze.operations import operations
from oneshot_hpo.experiments.cli.analyze.precision import precision
from oneshot_hpo.experiments.cli.analyze.pruning import pruning
from oneshot_hpo.experiments.cli.analyze.quality import quality
from oneshot_hpo.experiments.cli.analyze.regularisation import regularisation
from oneshot_hpo.experiments.cli.analyze.stability import stability

app = typer.Typer(
    name="analyze", help="What supernets know, and what tables say.", no_args_is_help=True
)


@app.callback()
def common() -> None:
    """What supernets know, and what tables say."""


app.command()(bias)
app.command()(correlation)
app.command()(fidelity)
app.command()(operations)
app.command()(precision)
app.command()(pruning)
app.command()(quality)
app.command()(regularisation)
app.command()(stability)
