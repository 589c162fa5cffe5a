"""The command `oneshot-hpo analyze bias`."""

from __future__ import annotations

from oneshot_hpo.experiments.cli import options


def bias(
    folder: options.AnalysisDirOption = options.ANALYSES,
    space: options.SpaceOption = 1,
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
    import numpy as np

    from oneshot_hpo.experiments.analyze import running
    from oneshot_hpo.experiments.analyze.bias import (
        NAME,
        draw,
        grouped_configurations,
        operation_bias,
        rows,
        sentences,
        size_bias,
    )
    from oneshot_hpo.experiments.analyze.ranks import resamples
    from oneshot_hpo.experiments.analyze.sample import of_configurations, shared_sample
    from oneshot_hpo.experiments.analyze.supernet import Supernet, Wanted
    from oneshot_hpo.experiments.terminal.console import terminal
    from oneshot_hpo.search_spaces import OPERATIONS

    console = terminal()
    settings = running.search_settings(searcher, dataset, overrides or [])
    trained, search_space = running.table_of(table, space)
    sample = shared_sample(trained, search_space, cells, seed)
    per_group = max(1, len(sample) // (search_space.num_blocks * len(OPERATIONS)))
    groups = grouped_configurations(
        search_space, per_group, np.random.default_rng([seed, space, 3])
    )
    grouped = of_configurations(trained, search_space, np.concatenate(list(groups.values())))
    wanted = [Wanted.of(epochs, recalibrate, part) for part in (sample, grouped)]
    jobs = {
        Supernet(
            searcher=searcher,
            settings=settings,
            space=space,
            dataset=dataset,
            epochs=epochs,
            seed=seed + k,
        ): wanted
        for k in range(supernets)
    }
    with running.analysis_folder(folder):
        running.score_all(console, folder, jobs, workers)
        scores = [[running.found_scores(folder, net, one) for net in jobs] for one in wanted]
        rng = np.random.default_rng([seed, space, 2])
        size = size_bias(
            scores[0],
            sample.test_errors,
            sample.parameters,
            resamples(len(sample), rng),
        )
        places = {
            key: np.searchsorted(grouped.configurations, members) for key, members in groups.items()
        }
        operations = operation_bias(scores[1], grouped.test_errors, places, rng)
        title = f"Space {space}, {searcher} after {epochs} epochs"
        running.publish(
            console,
            folder,
            NAME,
            rows(space, searcher, epochs, len(sample), size, operations),
            lambda: draw(title, len(sample), size, operations),
            [*running.pair_notes(dataset, table), *sentences(title, size, operations)],
        )
