"""The command `oneshot-hpo analyze quality`."""

from __future__ import annotations

from typing import Annotated

import typer

from oneshot_hpo.experiments.cli import options
from oneshot_hpo.experiments.cli.analyze.showing import show


def quality(
    folder: options.AnalysisDirOption = options.ANALYSES,
    space: options.SpaceOption = "1",
    searcher: options.SearcherOption = "random_ws",
    dataset: options.DatasetOption = "digits",
    table: options.TableOption = "digits",
    lengths: Annotated[
        str, typer.Option(metavar="EPOCHS", help="Lengths of training, with commas.")
    ] = "1,3,10,30,100",
    supernets: options.SupernetsOption = 3,
    cells: options.CellsOption = "1000",
    recalibrate: options.CalibrationOption = 0,
    overrides: options.SearchSetOption = None,
    seed: options.SeedOption = 0,
    workers: options.WorkersOption = None,
) -> None:
    """Accuracy, rank correlation and the best of those ranked first, by length of training."""
    from oneshot_hpo.experiments.analyze.plan import SupernetOptions
    from oneshot_hpo.experiments.analyze.quality import analyse_quality
    from oneshot_hpo.experiments.terminal.console import terminal

    console = terminal()
    report = analyse_quality(
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
        lengths=lengths,
    )
    show(console, report)
