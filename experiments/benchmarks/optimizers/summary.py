"""Regrets of many runs as tables: by problem, ranks over problems, and the cost of a regret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from oneshot_hpo.experiments.benchmarks.optimizers.runs import Found, Run
from oneshot_hpo.experiments.compare.method_ranks import MethodRanks, method_ranks

Array = NDArray[np.float64]

UNKNOWN = 1.0
"""The regret before a first result: that of the median row."""
STOCK = "hpbandster"
"""The optimizer whose final regret the others' costs are measured at."""


def regret_at(curve: Sequence[tuple[float, float]], costs: Array) -> Array:
    """The incumbent's regret at each of some costs."""
    times = [cost for cost, _ in curve]
    regrets = np.array([UNKNOWN, *(regret for _, regret in curve)])
    found: Array = regrets[np.searchsorted(times, costs, side="right")]
    return found


@dataclass(frozen=True, eq=False)
class Course:
    """Mean regrets of an optimizer on a problem, over its seeds."""

    costs: Array
    regrets: Array
    seeds: int
    idle: float

    @property
    def final(self) -> float:
        """The mean regret at the end."""
        return float(self.regrets[-1])

    def cost_of(self, regret: float) -> float:
        """The least cost with this mean regret or a lower one from then on; infinite if none."""
        above = np.flatnonzero(self.regrets > regret)
        if not len(above):
            return float(self.costs[0])
        if above[-1] == len(self.costs) - 1:
            return float("inf")
        return float(self.costs[above[-1] + 1])


def courses(found: Mapping[Run, Found], workers: int, cost: float) -> dict[tuple[str, str], Course]:
    """By problem and optimizer, what runs with these workers and this cost found."""
    grid = np.geomspace(min(1.0, cost), cost, 200)
    by_pair: dict[tuple[str, str], list[Found]] = {}
    for run, one in found.items():
        if (run.workers, run.cost) == (workers, cost):
            by_pair.setdefault((run.problem, run.optimizer), []).append(one)
    return {
        pair: Course(
            costs=grid,
            regrets=np.mean([regret_at(one.trace.curve, grid) for one in each], axis=0),
            seeds=len(each),
            idle=float(np.mean([one.trace.idle for one in each])),
        )
        for pair, each in by_pair.items()
    }


def ranks(known: Mapping[tuple[str, str], Course], share: float = 1.0) -> MethodRanks | None:
    """Mean ranks of the optimizers over the problems on which all of them ran, by mean regret.

    share: of the cost at which they are compared. None: fewer than two optimizers, or no problem.
    """
    problems, optimizers = names(known)
    values = np.array(
        [
            [
                _at(known[problem, one], share) if (problem, one) in known else np.nan
                for one in optimizers
            ]
            for problem in problems
        ]
    )
    try:
        return method_ranks(optimizers, values)
    except ValueError:
        return None


def names(known: Mapping[tuple[str, str], Course]) -> tuple[list[str], list[str]]:
    """The problems, and the optimizers."""
    return sorted({problem for problem, _ in known}), sorted({one for _, one in known})


def regret_table(known: Mapping[tuple[str, str], Course]) -> Table:
    """A row for each problem, a column for each optimizer: the final mean regret, in percent."""
    problems, optimizers = names(known)
    table = Table("problem", *optimizers)
    for problem in problems:
        present = [known[problem, one].final for one in optimizers if (problem, one) in known]
        cells = []
        for one in optimizers:
            course = known.get((problem, one))
            text = "" if course is None else f"{100 * course.final:.2f}"
            is_best = course is not None and course.final == min(present)
            cells.append(f"[bold]{text}[/]" if is_best else text)
        table.add_row(problem, *cells)
    return table


def rank_table(known: Mapping[tuple[str, str], Course], found: MethodRanks) -> Table:
    """A row for each optimizer, the best first: mean and median rank, cost of STOCK's regret, idle
    time.

    The cost is a share of the whole, the median over problems on which both ran.
    """
    table = Table("optimizer", "mean rank", "median regret %", f"cost of {STOCK}'s regret", "idle")
    problems, _ = names(known)
    for name, rank in zip(found.methods, found.ranks, strict=True):
        own = [known[problem, name] for problem in problems if (problem, name) in known]
        shares = [
            known[problem, name].cost_of(stock.final) / stock.costs[-1]
            for problem in problems
            if (problem, name) in known and (stock := known.get((problem, STOCK))) is not None
        ]
        table.add_row(
            name,
            f"{rank:.2f}",
            f"{100 * np.median([course.final for course in own]):.2f}",
            f"{np.median(shares):.2f}" if shares else "",
            f"{np.mean([course.idle for course in own]):.1%}",
        )
    return table


def rank_sentence(found: MethodRanks) -> str:
    """What the ranks allow to say."""
    if found.critical_difference is None:
        return f"ranks over {found.conditions} problem"
    text = f"ranks over {found.conditions} problems"
    text += f"; critical difference {found.critical_difference:.2f}"
    return text if found.p_value is None else f"{text}, Friedman's p = {found.p_value:.2g}"


def _at(course: Course, share: float) -> float:
    place = np.searchsorted(course.costs, share * course.costs[-1])
    return float(course.regrets[min(int(place), len(course.costs) - 1)])
