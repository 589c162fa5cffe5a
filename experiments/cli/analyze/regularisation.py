"""The command `oneshot-hpo analyze regularisation`."""

from __future__ import annotations

from typing import Annotated

import typer

from oneshot_hpo.experiments.cli import options
from oneshot_hpo.experiments.cli.analyze.showing import show
from oneshot_hpo.experiments.study import bounds

SHIPPED = "ablation-cutout,ablation-weight-decay,ablation-learning-rate,ablation-order"


def regularisation(
    studies: Annotated[
        str,
        typer.Argument(metavar="GRIDS", help="Shipped ablation studies, or folders; with commas."),
    ] = SHIPPED,
    folder: options.AnalysisDirOption = options.ANALYSES,
    space: options.SpaceOption = "1",
    dataset: options.DatasetOption = "digits",
    table: options.TableOption = "digits",
    epochs: Annotated[
        int,
        typer.Option(min=2, max=bounds.EPOCHS, help="For a shipped study: replaces its epochs."),
    ] = 12,
    seeds: Annotated[
        int,
        typer.Option(
            min=1, max=bounds.REPETITIONS, help="For a shipped study: seeds of each setting."
        ),
    ] = 10,
    searchers: Annotated[
        str,
        typer.Option("--searcher", help="For a shipped study: those to search with; with commas."),
    ] = "darts",
    overrides: options.SearchSetOption = None,
    seed: options.SeedOption = 0,
    workers: options.WorkersOption = None,
) -> None:
    """Trajectories of one-shot and table error under cutout, weight decay, learning rate, order."""
    from oneshot_hpo.experiments.analyze.regularisation import analyse_regularisation
    from oneshot_hpo.experiments.terminal.console import terminal

    console = terminal()
    report = analyse_regularisation(
        console,
        grids=studies,
        folder=folder,
        space=space,
        dataset=dataset,
        table=table,
        epochs=epochs,
        seeds=seeds,
        seed=seed,
        overrides=overrides or [],
        searchers=searchers,
        workers=workers,
    )
    show(console, report)
