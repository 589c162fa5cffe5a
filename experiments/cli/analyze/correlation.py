"""The command `oneshot-hpo analyze correlation`."""

from __future__ import annotations

from typing import Annotated

import typer

from oneshot_hpo.experiments.cli import options
from oneshot_hpo.experiments.cli.analyze.showing import show
from oneshot_hpo.experiments.study import bounds


def correlation(
    folder: options.AnalysisDirOption = options.ANALYSES,
    spaces: options.SpacesOption = "1",
    searchers: Annotated[
        str, typer.Option("--searcher", help="One-shot optimizers with commas, or all.")
    ] = "darts,gdas,pc_darts,random_ws",
    dataset: options.DatasetOption = "digits",
    table: options.TableOption = "digits",
    epochs: options.EpochsOption = 30,
    after: Annotated[
        str | None,
        typer.Option(
            metavar="EPOCHS", help="Epochs after which cells are scored. Default: 1, 3, 10, 30, ..."
        ),
    ] = None,
    supernets: options.SupernetsOption = 3,
    cells: options.CellsOption = "1000",
    recalibrate: options.CalibrationOption = 0,
    finetune: Annotated[
        int,
        typer.Option(
            min=0,
            max=bounds.BATCHES,
            metavar="BATCHES",
            help="Score the cells after the last epoch again, each trained on so many batches.",
        ),
    ] = 0,
    against: Annotated[
        str,
        typer.Option(
            metavar="ERRORS",
            help="Errors of the table: test, valid, or after so many epochs: valid@12; with "
            "commas.",
        ),
    ] = "test",
    among: Annotated[
        int | None,
        typer.Option(min=10, metavar="CELLS", help="Draw from so many best cells of the space."),
    ] = None,
    overrides: options.SearchSetOption = None,
    seed: options.SeedOption = 0,
    workers: options.WorkersOption = None,
) -> None:
    """Rank correlation of one-shot errors with the table's, over the epochs of a search."""
    from oneshot_hpo.experiments.analyze.correlation import analyse_correlation
    from oneshot_hpo.experiments.analyze.plan import SupernetOptions
    from oneshot_hpo.experiments.terminal.console import terminal

    console = terminal()
    report = analyse_correlation(
        console,
        SupernetOptions(
            folder=folder,
            dataset=dataset,
            table=table,
            supernets=supernets,
            cells=cells,
            calibration=recalibrate,
            overrides=overrides or [],
            seed=seed,
            workers=workers,
        ),
        spaces=spaces,
        searchers=searchers,
        epochs=epochs,
        after=after,
        finetune=finetune,
        against=against,
        among=among,
    )
    show(console, report)
