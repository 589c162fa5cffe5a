"""The command `oneshot-hpo analyze stability`."""

from __future__ import annotations

from typing import Annotated

import typer

from oneshot_hpo.experiments.cli import options
from oneshot_hpo.experiments.cli.analyze.showing import show


def stability(
    folder: options.AnalysisDirOption = options.ANALYSES,
    space: options.SpaceOption = "1",
    searcher: options.SearcherOption = "random_ws",
    dataset: options.DatasetOption = "digits",
    table: options.TableOption = "digits",
    epochs: options.EpochsOption = 30,
    groups: Annotated[
        int,
        typer.Option(
            min=1,
            max=100,
            help="Groups into which the cells are split, each with a supernet of its own; 1: none.",
        ),
    ] = 3,
    supernets: options.SupernetsOption = 5,
    cells: options.CellsOption = "500",
    recalibrate: options.CalibrationOption = 0,
    overrides: options.SearchSetOption = None,
    seed: options.SeedOption = 0,
    workers: options.WorkersOption = None,
) -> None:
    """Do a supernet's ranks agree between epochs, between seeds, and with size alone?"""
    from oneshot_hpo.experiments.analyze.plan import SupernetOptions
    from oneshot_hpo.experiments.analyze.stability import analyse_stability
    from oneshot_hpo.experiments.terminal.console import terminal

    console = terminal()
    report = analyse_stability(
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
        searcher=searcher,
        epochs=epochs,
        groups=groups,
    )
    show(console, report)
