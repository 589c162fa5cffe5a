"""The command `oneshot-hpo analyze quality`."""

from __future__ import annotations

from typing import Annotated

import typer

from oneshot_hpo.experiments.cli import options


def quality(
    folder: options.AnalysisDirOption = options.ANALYSES,
    space: options.SpaceOption = 1,
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
    import numpy as np

    from oneshot_hpo.experiments.analyze import running
    from oneshot_hpo.experiments.analyze.quality import NAME, draw, quality_of, rows, sentences
    from oneshot_hpo.experiments.analyze.ranks import resamples
    from oneshot_hpo.experiments.analyze.sample import shared_sample
    from oneshot_hpo.experiments.analyze.supernet import Supernet, Wanted
    from oneshot_hpo.experiments.terminal.console import terminal

    console = terminal()
    settings = running.search_settings(searcher, dataset, overrides or [])
    trained, search_space = running.table_of(table, space)
    sample = shared_sample(trained, search_space, cells, seed)
    jobs = {
        Supernet(
            searcher=searcher,
            settings=settings,
            space=space,
            dataset=dataset,
            epochs=epochs,
            seed=seed + k,
        ): [Wanted.of(epochs, recalibrate, sample)]
        for epochs in running.numbers(lengths, "--lengths")
        for k in range(supernets)
    }
    with running.analysis_folder(folder):
        running.score_all(console, folder, jobs, workers)
        weights = resamples(len(sample), np.random.default_rng([seed, space, 1]))
        found = []
        for epochs in dict.fromkeys(net.epochs for net in jobs):
            nets = [net for net in jobs if net.epochs == epochs]
            scores = [running.found_scores(folder, net, *jobs[net]) for net in nets]
            rng = np.random.default_rng([seed, space, 2])
            found.append(quality_of(epochs, scores, sample.test_errors, weights, rng))
        title = f"Space {space}, {searcher}"
        running.publish(
            console,
            folder,
            NAME,
            rows(space, searcher, found),
            lambda: draw(title, searcher, found),
            [*running.pair_notes(dataset, table), *sentences(title, found)],
        )
