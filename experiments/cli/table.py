"""The commands `oneshot-hpo table …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oneshot_hpo.experiments.cli.options import SpaceOption, WorkersOption
from oneshot_hpo.experiments.study import bounds

app = typer.Typer(name="table", help="Tables of trained cells.", no_args_is_help=True)


@app.callback()
def common() -> None:
    """Tables of trained cells."""


@app.command()
def build(
    out: Annotated[Path, typer.Option(metavar="FILE.npz", help="The table to write.")],
    space: SpaceOption = "1",
    dataset: Annotated[
        str,
        typer.Option(
            help="digits, cifar10, a folder cifar-10-batches-py, or an .npz file with arrays "
            "images and labels."
        ),
    ] = "digits",
    budget: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            max=bounds.EPOCHS,
            help="Epochs of training; once per budget. Default: 1, 2 and 4.",
        ),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, max=1_000, help="Seeds per cell and budget.")] = 3,
    cells: Annotated[
        int | None,
        typer.Option(min=1, help="Number of cells, drawn at random. Default: all."),
    ] = None,
    cells_seed: Annotated[int, typer.Option(min=0, help="Seed of the draw of --cells.")] = 0,
    channels: Annotated[int, typer.Option(min=1, help="Channels of the first stack.")] = 8,
    stacks: Annotated[int, typer.Option(min=1, help="Stacks of cells.")] = 3,
    cells_per_stack: Annotated[int, typer.Option(min=1, help="Cells in a stack.")] = 1,
    learning_rate: Annotated[float, typer.Option(min=0, help="Adam's, at the start.")] = 0.01,
    batch_size: Annotated[int, typer.Option(min=2, max=bounds.IMAGES, help="Images a step.")] = 50,
    workers: WorkersOption = None,
    device: Annotated[
        str | None, typer.Option(help="cpu or cuda. Default: cuda if there is a GPU.")
    ] = None,
) -> None:
    """Train the unique cells of a space from scratch; a stopped build resumes.

    A study needs a table of all cells; a table of some shows what training all would give.
    """

    from oneshot_hpo.experiments import machine
    from oneshot_hpo.experiments.data.table_build import BuildPlan, build_table
    from oneshot_hpo.experiments.terminal.console import terminal
    from oneshot_hpo.experiments.terminal.ending import REPEATABLE, ending
    from oneshot_hpo.searchers.network.scratch import ScratchSettings

    plan = BuildPlan(
        space=space,
        dataset=dataset,
        budgets=tuple(sorted(set(budget or (1, 2, 4)))),
        repeats=repeats,
        settings=ScratchSettings(
            channels=channels,
            stacks=stacks,
            cells_per_stack=cells_per_stack,
            learning_rate=learning_rate,
            batch_size=batch_size,
        ),
        device=device or ("cuda" if machine.gpus() else "cpu"),
        cells=cells,
        cells_seed=cells_seed,
    )
    console = terminal()
    with ending(REPEATABLE):
        build_table(plan, out, workers=workers or machine.default_workers(), console=console)
