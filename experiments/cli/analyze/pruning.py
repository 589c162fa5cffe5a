"""The command `oneshot-hpo analyze pruning`."""

from __future__ import annotations

from typing import Annotated

import typer

from oneshot_hpo.experiments.cli import options
from oneshot_hpo.experiments.cli.analyze.showing import show


def pruning(
    folder: options.AnalysisDirOption = options.ANALYSES,
    space: options.SpaceOption = "1",
    dataset: options.DatasetOption = "digits",
    table: options.TableOption = "digits",
    shares: Annotated[
        str, typer.Option(help="Shares of the cells that are left out, in [0, 1), with commas.")
    ] = "0,0.25,0.5,0.75,0.9",
    epochs: options.EpochsOption = 20,
    supernets: options.SupernetsOption = 3,
    cells: options.CellsOption = "1000",
    recalibrate: options.CalibrationOption = 0,
    overrides: options.SearchSetOption = None,
    seed: options.SeedOption = 0,
    workers: options.WorkersOption = None,
) -> None:
    """Leave cells out, the worst or random ones, and train the supernet on what remains."""
    from oneshot_hpo.experiments.analyze.plan import SupernetOptions
    from oneshot_hpo.experiments.analyze.pruning import analyse_pruning
    from oneshot_hpo.experiments.terminal.console import terminal

    console = terminal()
    report = analyse_pruning(
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
        space=space,
        epochs=epochs,
        shares=shares,
    )
    show(console, report)
