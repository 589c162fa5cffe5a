"""The command `oneshot-hpo analyze pruning`."""

from __future__ import annotations

from typing import Annotated

import typer

from oneshot_hpo.experiments.cli import options


def pruning(
    folder: options.AnalysisDirOption = options.ANALYSES,
    space: options.SpaceOption = 1,
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
    import numpy as np

    from oneshot_hpo.experiments.analyze import running
    from oneshot_hpo.experiments.analyze.pruning import (
        NAME,
        RANDOM,
        WORST,
        draw,
        left_out,
        pruning_of,
        remaining,
        rows,
        sentences,
    )
    from oneshot_hpo.experiments.analyze.sample import cell_count, mean_test_errors, sample_cells
    from oneshot_hpo.experiments.analyze.supernet import Supernet, Wanted
    from oneshot_hpo.experiments.terminal.console import terminal

    console = terminal()
    settings = running.search_settings("random_ws", dataset, overrides or [])
    trained, search_space = running.table_of(table, space)
    errors = mean_test_errors(trained, search_space)
    count = cell_count(cells, search_space.num_cells)
    plan = {}
    for share in left_out(shares, len(errors)):
        for kind in (WORST, RANDOM):
            for k in range(supernets):
                entropy = [seed, space, k, round(1e6 * share)]
                left = remaining(errors, share, kind, np.random.default_rng(entropy))
                net = Supernet(
                    searcher="random_ws",
                    settings=settings,
                    space=space,
                    dataset=dataset,
                    epochs=epochs,
                    seed=seed + k,
                    cells=tuple(left.tolist()) if share else None,
                )
                rng = np.random.default_rng([*entropy, 1])
                sample = sample_cells(trained, search_space, count, rng, left)
                wanted = Wanted.of(epochs, recalibrate, sample)
                plan[kind, share, k] = net, wanted, sample.test_errors, len(left)
    jobs: dict[Supernet, list[Wanted]] = {}
    for net, wanted, _, _ in plan.values():
        jobs.setdefault(net, []).append(wanted)
    with running.analysis_folder(folder):
        running.score_all(console, folder, jobs, workers)
        found = []
        for kind, share in dict.fromkeys((kind, share) for kind, share, _ in plan):
            own = [plan[kind, share, k] for k in range(supernets)]
            scores = [running.found_scores(folder, net, wanted) for net, wanted, _, _ in own]
            table_errors = [test for _, _, test, _ in own]
            rng = np.random.default_rng([seed, space, 2])
            found.append(pruning_of(kind, share, own[0][3], scores, table_errors, rng))
        title = f"Space {space}, random_ws, {epochs} epochs"
        running.publish(
            console,
            folder,
            NAME,
            rows(space, epochs, found),
            lambda: draw(title, found),
            [*running.pair_notes(dataset, table), *sentences(title, found)],
        )
