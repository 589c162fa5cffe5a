"""The commands `oneshot-hpo analyze …`."""

from __future__ import annotations

import typer

from experiments.analyze.operations import command as operations_command

app = typer.Typer(
    name="analyze", help="What supernets and benchmarks are like.", no_args_is_help=True
)
app.command()(operations_command.operations)


@app.callback()
def common() -> None:
    """What supernets and benchmarks are like."""
