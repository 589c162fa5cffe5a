"""The commands `oneshot-hpo table …`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oneshot_hpo.experiments.cli.options import SpaceOption, WorkersOption, typed
from oneshot_hpo.experiments.study import bounds

if TYPE_CHECKING:
    from oneshot_hpo.search_spaces import Table

app = typer.Typer(name="table", help="Tables of trained cells.", no_args_is_help=True)


@app.callback()
def common() -> None:
    """Tables of trained cells."""


TableArgument = Annotated[
    str,
    typer.Argument(
        parser=typed,
        metavar="NAME",
        help="digits, digits-201, nasbench101, nasbench201, transnas-micro, transnas-macro, or a "
        "table's file.",
    ),
]
TableDatasetOption = Annotated[
    str | None,
    typer.Option(
        "--dataset", help="Of NAS-Bench-201 cifar10, cifar100 or imagenet16; of TransNAS a task."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]


@app.command()
def show(
    name: TableArgument,
    dataset: TableDatasetOption = None,
    budget: Annotated[
        int | None, typer.Option(help="Epochs of training. Default: the most.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a table holds: architectures, metrics, best, median, noise, what is imputed."""
    from oneshot_hpo.experiments.data.table_facts import table_facts, table_lines

    facts = table_facts(name, _opened(name, dataset), budget)
    _print(facts, table_lines(facts), as_json)


@app.command()
def query(
    name: TableArgument,
    architecture: Annotated[
        str,
        typer.Argument(
            metavar="ARCHITECTURE",
            help="As its space writes it: |nor_conv_3x3~0|+|…~0|…~1|+|…~0|…~1|…~2| in "
            "nasbench201, 64-41414-1_02_333 or 64-1234-basic in transnas; a hash in nasbench101.",
        ),
    ],
    dataset: TableDatasetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show all that a table says of one architecture, and where each number comes from."""
    from oneshot_hpo.experiments.data.table_facts import architecture_facts, architecture_lines

    facts = architecture_facts(name, _opened(name, dataset), architecture)
    _print(facts, architecture_lines(facts), as_json)


def _opened(name: str, dataset: str | None) -> Table:
    from oneshot_hpo.search_spaces import load_table

    table = load_table(name)
    return table if dataset is None else table.on(dataset)


def _print(facts: Mapping[str, Any], lines: Iterable[str], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    from oneshot_hpo.experiments.terminal.console import terminal
    from oneshot_hpo.experiments.terminal.hints import say

    console = terminal()
    for line in lines:
        say(console, line)


@app.command()
def scores(
    out: Annotated[Path, typer.Option(metavar="FILE.npz", help="The file of scores to write.")],
    space: SpaceOption = "1",
    dataset: Annotated[
        str, typer.Option(help="Images of the one batch, as for `table build`.")
    ] = "digits",
    images: Annotated[
        int, typer.Option(min=2, max=bounds.IMAGES, help="Images of the batch.")
    ] = 64,
    seed: Annotated[int, typer.Option(min=0, help="Seed of weights and of the batch.")] = 0,
    channels: Annotated[int, typer.Option(min=1, help="Channels of the first stack.")] = 8,
    stacks: Annotated[int, typer.Option(min=1, help="Stacks of cells.")] = 3,
    cells_per_stack: Annotated[int, typer.Option(min=1, help="Cells in a stack.")] = 1,
    workers: WorkersOption = None,
    device: Annotated[
        str | None, typer.Option(help="cpu or cuda. Default: cuda if there is a GPU.")
    ] = None,
) -> None:
    """Score untrained networks of a space's unique cells, for `baselines run --scores`.

    Synflow, NASWOT, Jacobian covariance, gradient norm, parameters, NN-Degree. A stopped run
    resumes.
    """
    from oneshot_hpo.experiments import machine
    from oneshot_hpo.experiments.data.score_build import ScorePlan, build_scores
    from oneshot_hpo.experiments.terminal.console import terminal
    from oneshot_hpo.experiments.terminal.ending import REPEATABLE, ending
    from oneshot_hpo.searchers.network.scratch import ScratchSettings
    from oneshot_hpo.searchers.zero_cost import ScoreSettings

    plan = ScorePlan(
        space=space,
        dataset=dataset,
        network=ScratchSettings(channels=channels, stacks=stacks, cells_per_stack=cells_per_stack),
        scores=ScoreSettings(images=images, seed=seed),
        device=device or ("cuda" if machine.gpus() else "cpu"),
    )
    with ending(REPEATABLE):
        build_scores(plan, out, workers=workers or machine.default_workers(), console=terminal())


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
