"""The command `oneshot-hpo search`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oneshot_hpo.experiments.cli.options import (
    DatasetOption,
    EpochsOption,
    SearcherOption,
    SearchSetOption,
    SeedOption,
    SpaceOption,
    TableOption,
)


def search(
    searcher: SearcherOption = "darts",
    space: SpaceOption = "1",
    dataset: DatasetOption = "digits",
    table: TableOption = "digits",
    epochs: EpochsOption = 50,
    seed: SeedOption = 0,
    overrides: SearchSetOption = None,
    folder: Annotated[
        Path | None,
        typer.Option("--dir", metavar="DIR", help="Keep checkpoints here, or continue from them."),
    ] = None,
) -> None:
    """Run one search, without a study."""
    from oneshot_hpo.experiments.study.single_search import run_single_search
    from oneshot_hpo.experiments.terminal.console import terminal
    from oneshot_hpo.experiments.terminal.ending import ending

    kept = "nothing is kept" if folder is None else "the same command resumes from the last epoch"
    with ending(kept, on_failure="once that is repaired, run the command again"):
        run_single_search(
            terminal(),
            searcher=searcher,
            space=space,
            dataset=dataset,
            table=table,
            epochs=epochs,
            seed=seed,
            overrides=overrides or [],
            folder=folder,
        )
