"""The command `oneshot-hpo analyze regularisation`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oneshot_hpo.experiments.cli import options
from oneshot_hpo.experiments.study import bounds

SHIPPED = "ablation-cutout,ablation-weight-decay,ablation-learning-rate,ablation-order"


def regularisation(
    studies: Annotated[
        str,
        typer.Argument(metavar="GRIDS", help="Shipped ablation studies, or folders; with commas."),
    ] = SHIPPED,
    folder: options.AnalysisDirOption = options.ANALYSES,
    space: options.SpaceOption = 1,
    dataset: options.DatasetOption = "digits",
    table: options.TableOption = "digits",
    epochs: Annotated[
        int,
        typer.Option(
            min=2, max=bounds.EPOCHS, help="Of a shipped study: stands for its 50 epochs."
        ),
    ] = 12,
    seeds: Annotated[
        int,
        typer.Option(min=1, max=bounds.REPETITIONS, help="Of a shipped study: of each setting."),
    ] = 10,
    overrides: options.SearchSetOption = None,
    seed: options.SeedOption = 0,
    workers: options.WorkersOption = None,
) -> None:
    """Trajectories of one-shot and table error under cutout, weight decay, learning rate, order."""

    from oneshot_hpo.experiments.analyze import running
    from oneshot_hpo.experiments.analyze.regularisation import NAME, draw, rows, sentence
    from oneshot_hpo.experiments.analyze.trajectories import (
        Ablation,
        finished,
        grid_ablation,
        plan_ablation,
        read_ablation,
        run_one,
        share_done,
    )
    from oneshot_hpo.experiments.study.cell_errors import CellErrors
    from oneshot_hpo.experiments.terminal.console import terminal

    console = terminal()
    found: list[Ablation] = []
    plans = []
    for word in running.words(studies, "GRIDS"):
        if Path(word).is_dir():
            found.append(grid_ablation(Path(word), space))
        else:
            running.table_of(table, space)
            plans.append(plan_ablation(word, space, dataset, epochs, seeds, seed, overrides or []))
    with running.analysis_folder(folder):
        if plans:
            home = folder / "searches"
            searches = {one.name: one for plan in plans for one in plan.searches}
            tasks = {
                name: (run_one, search, home / name)
                for name, search in searches.items()
                if not finished(home / name)
            }
            title = f"{len(searches)} searches"
            running.run_tasks(
                console,
                folder,
                tasks,
                workers,
                title,
                len(searches),
                lambda name: share_done(searches[name], home / name),
            )
            cells = CellErrors(table, space)
            found += [read_ablation(plan, home, cells) for plan in plans]
        notes = running.pair_notes(dataset, table) if plans else []
        running.publish(
            console,
            folder,
            NAME,
            rows(space, found),
            lambda: draw(space, found),
            [*notes, *(sentence(space, one) for one in found)],
        )
