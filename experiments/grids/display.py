"""A grid on the terminal: its studies, how far each is, and what all of them cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from oneshot_hpo.experiments.forecast.command import forecast_members
from oneshot_hpo.experiments.forecast.conditions import COUNTED_SPREAD, GIVEN_SPREAD, Pace
from oneshot_hpo.experiments.forecast.forecasting import SIMULATIONS
from oneshot_hpo.experiments.forecast.planning import Interruptions
from oneshot_hpo.experiments.grids.costs import Cost, cost, counted_paces, hours, measured_paces
from oneshot_hpo.experiments.grids.grid import Grid, Member
from oneshot_hpo.experiments.grids.running import is_done
from oneshot_hpo.experiments.study.opened import open_if_there
from oneshot_hpo.experiments.terminal.hints import say
from oneshot_hpo.experiments.terminal.tables import print_table
from oneshot_hpo.experiments.wording import duration, number, rough
from oneshot_hpo.search_spaces import title_of

_COUNTED = (
    "convolutions counted, at an assumed 2 TFLOP/s; measure one epoch (oneshot-hpo search "
    "--epochs 1) and give --epoch-seconds for a better estimate"
)


def print_members(console: Console, grid: Grid, folder: Path, only: Sequence[str]) -> None:
    """Print the chosen studies, by the names that --only takes, and how far each is."""
    rows = []
    for member in grid.chosen(only):
        study = open_if_there(folder / member.name)
        done = 0 if study is None else len(study.view.evaluations)
        planned = cost(member.spec).evaluations
        finished = "finished" if is_done(grid, study) else ""
        rows.append((member.name, f"{done}/{planned}", finished))
    print_table(console, ("study", "evaluations", ""), [rows], framed=False)


def print_costs(
    console: Console,
    grid: Grid,
    folder: Path,
    only: Sequence[str],
    epoch_seconds: float | None,
    workers: int | None = None,
) -> None:
    """Print the chosen studies, what they cost, and what that estimate rests on.

    workers: instead of the number in the file.
    """
    members = grid.chosen(only)
    groups: dict[str, Cost] = {}
    for member in members:
        space = member.spec.space
        name = (
            member.spec.searcher if space is None else f"{member.spec.searcher}, {title_of(space)}"
        )
        groups[name] = groups.get(name, Cost()) + cost(member.spec, grid.confirm)
    total = sum(groups.values(), Cost())
    rows = [[(name, *_figures(one)) for name, one in groups.items()]]
    if len(groups) > 1:
        rows.append([("all", *_figures(total))])
    headings = ("", "studies", "evaluations", "epochs")
    print_table(console, headings, rows, title=f"{grid.name}: what it costs")

    if grid.confirm is not None:
        say(console, f"with {grid.confirm} fresh seeds for each setting of each study at its end")
    done = [member for member in members if is_done(grid, open_if_there(folder / member.name))]
    if done:
        say(console, f"{len(done)} of {len(members)} studies have finished")

    paces, basis = _paces(grid, folder, epoch_seconds)
    gpu = hours(members, grid.confirm, paces)
    words = f"about {gpu:,.0f}" if gpu >= 10 else f"about {gpu:.1f}" if gpu >= 0.1 else "under 0.1"
    whole = ", if no stop rule ends a study" if any(m.spec.stop.rules for m in members) else ""
    say(console, f"{words} GPU hours{whole}: {basis}")
    _print_times(console, grid, members, paces, basis, workers)


def _print_times(
    console: Console,
    grid: Grid,
    members: Sequence[Member],
    paces: Mapping[str, float],
    basis: str,
    workers: int | None,
) -> None:
    """Print how long the studies take, from simulations; nothing where no workers are known."""
    spread = COUNTED_SPREAD if basis == _COUNTED else GIVEN_SPREAD
    given = {"workers": workers} if workers is not None else {}
    own = [replace(one, spec=one.spec.model_copy(update=given)) for one in members]
    if any(one.spec.workers is None and one.spec.cluster.slurm for one in own):
        return
    if min(paces.values()) <= 0:
        return
    found = forecast_members(
        replace(grid, members=tuple(own)),
        {name: Pace(epoch_seconds=one, spread=spread) for name, one in paces.items()},
        Interruptions(),
        SIMULATIONS,
    )
    wall, hours = found.wall_seconds, found.gpu_hours
    say(
        console,
        f"wall time {duration(wall.low)} to {duration(wall.high)}, {rough(hours.low)} to "
        f"{rough(hours.high)} GPU hours, in nine of ten simulations of the studies one after the "
        "other; oneshot-hpo forecast has more",
    )


def _figures(one: Cost) -> list[str]:
    return [f"{one.studies}", f"{one.evaluations:,}", f"{one.epochs:,.0f}"]


def _paces(grid: Grid, folder: Path, epoch_seconds: float | None) -> tuple[dict[str, float], str]:
    """Seconds an epoch by member, and in words where they come from."""
    if epoch_seconds is not None:
        paces = {member.name: epoch_seconds for member in grid.members}
        return paces, f"at {number(epoch_seconds)} s an epoch, as given"
    paces = measured_paces(grid, folder)
    if paces:
        return paces, f"at the pace of the searches that have finished in {folder}"
    return counted_paces(grid), _COUNTED
