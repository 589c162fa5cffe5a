"""The command `oneshot-hpo analyze correlation`."""

from __future__ import annotations

from typing import Annotated

import typer

from oneshot_hpo.experiments.cli import options


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
        typer.Option(metavar="EPOCHS", help="Epochs looked at. Default: 1, 3, 10, 30, ..."),
    ] = None,
    supernets: options.SupernetsOption = 3,
    cells: options.CellsOption = "1000",
    recalibrate: options.CalibrationOption = 0,
    overrides: options.SearchSetOption = None,
    seed: options.SeedOption = 0,
    workers: options.WorkersOption = None,
) -> None:
    """Rank correlation of one-shot errors with the table's, over the epochs of a search."""
    import numpy as np

    from oneshot_hpo.experiments.analyze import running
    from oneshot_hpo.experiments.analyze.correlation import (
        NAME,
        Correlation,
        draw,
        rank_correlations,
        rows,
        sentences,
        spread,
    )
    from oneshot_hpo.experiments.analyze.ranks import resamples
    from oneshot_hpo.experiments.analyze.sample import shared_sample
    from oneshot_hpo.experiments.analyze.supernet import Supernet, Wanted
    from oneshot_hpo.experiments.errors import UserError
    from oneshot_hpo.experiments.terminal.console import terminal
    from oneshot_hpo.searchers.registry import SEARCHERS

    names = list(SEARCHERS) if searchers == "all" else running.words(searchers, "--searcher")
    points = spread(epochs) if after is None else running.numbers(after, "--after")
    if points[-1] > epochs:
        raise UserError(f"--after {points[-1]}: there are {epochs} epochs")
    console = terminal()
    settings = {name: running.search_settings(name, dataset, overrides or []) for name in names}
    samples = {}
    for number in running.numbers(spaces, "--space"):
        trained, space = running.table_of(table, number)
        samples[number] = shared_sample(trained, space, cells, seed)
    jobs = {
        Supernet(
            searcher=name,
            settings=settings[name],
            space=number,
            dataset=dataset,
            epochs=epochs,
            seed=seed + k,
        ): [Wanted.of(epoch, recalibrate, sample) for epoch in points]
        for number, sample in samples.items()
        for name in names
        for k in range(supernets)
    }
    found = []
    with running.analysis_folder(folder):
        running.score_all(console, folder, jobs, workers)
        with console.status("resampling"):
            for number, sample in samples.items():
                weights = resamples(len(sample), np.random.default_rng([seed, number, 1]))
                for name in names:
                    nets = [n for n in jobs if (n.searcher, n.space) == (name, number)]
                    for place, epoch in enumerate(points):
                        scores = [running.found_scores(folder, n, jobs[n][place]) for n in nets]
                        both = rank_correlations(scores, sample.test_errors, weights)
                        found.append(
                            Correlation(number, name, epoch, len(sample), len(nets), *both)
                        )
        said = [*running.pair_notes(dataset, table), *sentences(found)]
        running.publish(console, folder, NAME, rows(found), lambda: draw(found), said)
