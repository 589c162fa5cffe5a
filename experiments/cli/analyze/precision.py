"""The command `oneshot-hpo analyze precision`."""

from __future__ import annotations

from oneshot_hpo.experiments.cli import options
from oneshot_hpo.experiments.cli.analyze.showing import show


def precision(
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
    """Does the supernet find good cells, or does it leave out bad ones?"""
    from oneshot_hpo.experiments.analyze.plan import SupernetOptions
    from oneshot_hpo.experiments.analyze.precision import analyse_precision
    from oneshot_hpo.experiments.terminal.console import terminal

    console = terminal()
    report = analyse_precision(
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
