"""`oneshot-hpo launch` for a grid."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from oneshot_hpo.experiments.grids.display import print_costs, print_members
from oneshot_hpo.experiments.grids.grid import Grid
from oneshot_hpo.experiments.grids.running import RunOptions, check_folder, launch_grid
from oneshot_hpo.experiments.study.launching import Foreseen, not_foreseen
from oneshot_hpo.experiments.study.pools import DaskCluster
from oneshot_hpo.experiments.study.trust import Consent


def run_grid(
    console: Console,
    grid: Grid,
    folder: Path | None,
    only: Sequence[str],
    epoch_seconds: float | None,
    *,
    dry_run: bool,
    submit: bool,
    workers: int | None,
    cluster: DaskCluster | None,
    consent: Consent,
    foreseen: Foreseen = not_foreseen,
) -> None:
    """Print what it costs, then run the chosen studies that are not done; raises as launch_grid.

    dry_run: print the cost and the studies, and run nothing.
    """
    folder = folder if folder is not None else Path("studies") / grid.name
    check_folder(folder, grid)
    if dry_run:
        print_members(console, grid, folder, only)
    print_costs(console, grid, folder, only, epoch_seconds, workers)
    if not dry_run:
        options = RunOptions(submit, cluster, workers, consent, foreseen)
        launch_grid(console, grid, folder, only, options)
