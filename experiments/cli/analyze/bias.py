"""The command `oneshot-hpo analyze bias`."""

from __future__ import annotations

from oneshot_hpo.experiments.cli import options
from oneshot_hpo.experiments.cli.analyze.showing import show


def bias(
    folder: options.AnalysisDirOption = options.ANALYSES,
    space: options.SpaceOption = "1",
    searcher: options.SearcherOption = "random_ws",
    dataset: options.DatasetOption = "digits",
    table: options.TableOption = "digits",
    epochs: options.EpochsOption = 30,
    supernets: options.SupernetsOption = 3,
    cells: options.CellsOption = "1000",
    recalibrate: options.CalibrationOption = 0,
    overrides: options.SearchSetOption = None,
    seed: options.SeedOption = 0,
    workers: options.WorkersOption = None,
) -> None:
    """Does the supernet prefer large cells, or cells with certain operations?"""
    from oneshot_hpo.experiments.analyze.bias import analyse_bias
    from oneshot_hpo.experiments.analyze.plan import SupernetOptions
    from oneshot_hpo.experiments.terminal.console import terminal

    console = terminal()
    report = analyse_bias(
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
    )
    show(console, report)
