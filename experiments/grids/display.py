"""What a grid is, what it costs, and how far it is, on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from oneshot_hpo.experiments.grids.costs import Cost, cost, counted_paces, hours, measured_paces
from oneshot_hpo.experiments.grids.grid import Grid
from oneshot_hpo.experiments.grids.running import is_done
from oneshot_hpo.experiments.study.opened import open_if_there
from oneshot_hpo.experiments.wording import number


def print_members(console: Console, grid: Grid, folder: Path, only: Sequence[str]) -> None:
    """Print the chosen studies, by the names that --only takes, and how far each is."""
    table = Table(box=None, padding=(0, 2), header_style="dim")
    table.add_column("study", overflow="fold")
    table.add_column("evaluations", justify="right")
    table.add_column("")
    for member in grid.chosen(only):
        study = open_if_there(folder / member.name)
        done = 0 if study is None else len(study.view.evaluations)
        planned = cost(member.spec).evaluations
        ended = "ended" if is_done(grid, study) else ""
        table.add_row(member.name, f"{done}/{planned}", ended)
    console.print(table)


def print_costs(
    console: Console, grid: Grid, folder: Path, only: Sequence[str], epoch_seconds: float | None
) -> None:
    """Print the chosen studies, what they cost, and on what basis that is said."""
    members = grid.chosen(only)
    table = Table(title=f"{grid.name}: what it costs", title_justify="left")
    table.add_column("")
    for heading in ("studies", "evaluations", "epochs"):
        table.add_column(heading, justify="right")
    groups: dict[str, Cost] = {}
    for member in members:
        name = f"{member.spec.searcher}, space {member.spec.space}"
        groups[name] = groups.get(name, Cost()) + cost(member.spec, grid.confirm)
    total = sum(groups.values(), Cost())
    for name, one in groups.items():
        table.add_row(name, *_figures(one))
    if len(groups) > 1:
        table.add_section()
        table.add_row("all", *_figures(total))
    console.print(table)
    if grid.confirm is not None:
        console.print(f"with {grid.confirm} fresh seeds for each setting of each study at its end")
    done = [member for member in members if is_done(grid, open_if_there(folder / member.name))]
    if done:
        console.print(f"{len(done)} of {len(members)} studies have ended")
    paces, basis = _paces(grid, folder, epoch_seconds)
    gpu = hours(members, grid.confirm, paces)
    words = f"about {gpu:,.0f}" if gpu >= 10 else f"about {gpu:.1f}" if gpu >= 0.1 else "under 0.1"
    console.print(f"{words} GPU hours: {basis}", markup=False, soft_wrap=True)


def _figures(one: Cost) -> list[str]:
    return [f"{one.studies}", f"{one.evaluations:,}", f"{one.epochs:,.0f}"]


def _paces(grid: Grid, folder: Path, epoch_seconds: float | None) -> tuple[dict[str, float], str]:
    """Seconds an epoch by member, and where they are from."""
    if epoch_seconds is not None:
        paces = {member.name: epoch_seconds for member in grid.members}
        return paces, f"at {number(epoch_seconds)} s an epoch, as you say"
    paces = measured_paces(grid, folder)
    if paces:
        return paces, f"at the pace of the searches that have ended in {folder}"
    return counted_paces(grid), (
        "convolutions counted, at an assumed 2 TFLOP/s; measure one epoch (oneshot-hpo search "
        "--epochs 1) and say --epoch-seconds for a better figure"
    )
