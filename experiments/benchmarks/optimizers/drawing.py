"""The figure: regret over cost, a column for each number of workers, a row for each problem."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from oneshot_hpo.experiments.benchmarks.optimizers.summary import Array, Course, names
from oneshot_hpo.experiments.figures.style import (
    legend_below,
    legend_height,
    new_figure,
    plain_log,
    styled,
)

_COLOURS = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#767676"),
    *("#882255", "#117733"),
)
_DASHES: tuple[tuple[float, ...], ...] = ((), (4, 1.5), (1, 1), (6, 1.5, 1, 1.5))
_HEIGHT = 1.7  # of a row, in inches
_LEAST = 1e-3  # of a regret: 0 has no logarithm
_LONG = 44  # characters of a problem's name, of which the end tells more

Known = Mapping[tuple[str, str], Course]


def draw(by_workers: Mapping[int, Known], path: Path) -> None:
    """Write the mean regrets of every problem, and in the first row their geometric mean.

    That is over the problems on which all optimizers ran. The form of the file follows from the
    path's ending. Optimizers have colours first, then dashes.
    """
    problems = sorted({problem for known in by_workers.values() for problem, _ in known})
    optimizers = sorted({one for known in by_workers.values() for _, one in known})
    with styled():
        rows, columns = len(problems) + 1, len(by_workers)
        figure = new_figure(_HEIGHT * rows + legend_height(optimizers))
        panels = figure.subplots(rows, columns, sharex=True, squeeze=False)
        for place, (workers, known) in enumerate(sorted(by_workers.items())):
            column = panels[:, place]
            _draw_means(column[0], known, optimizers)
            column[0].set_title(f"{workers} worker{'s' * (workers != 1)}\nall problems")
            for axes, problem in zip(column[1:], problems, strict=True):
                for one in optimizers:
                    if (problem, one) in known:
                        course = known[problem, one]
                        _line(axes, course.costs, course.regrets, optimizers, one)
                axes.set_title(problem[-_LONG:])
            for axes in column:
                axes.set_xscale("log")
                axes.set_yscale("log")
            column[-1].set_xlabel("cost, in full trainings")
            plain_log(column[-1].xaxis)
        for axes in panels[:, 0]:
            axes.set_ylabel("regret")
        most = max(panels[0], key=lambda axes: len(axes.lines))
        legend_below(figure, most)
        figure.savefig(path)


def _draw_means(axes: Axes, known: Known, optimizers: list[str]) -> None:
    problems, own = names(known)
    common = [problem for problem in problems if all((problem, one) in known for one in own)]
    for one in own:
        each = [known[problem, one] for problem in common]
        if each:
            logs = np.log([np.maximum(course.regrets, _LEAST) for course in each])
            _line(axes, each[0].costs, np.exp(logs.mean(axis=0)), optimizers, one)


def _line(axes: Axes, costs: Array, regrets: Array, optimizers: list[str], one: str) -> None:
    place = optimizers.index(one)
    dashes = _DASHES[place // len(_COLOURS) % len(_DASHES)]
    axes.plot(
        costs,
        np.maximum(regrets, _LEAST),
        color=_COLOURS[place % len(_COLOURS)],
        linestyle=(0, dashes) if dashes else "-",
        label=one,
        linewidth=1.2,
    )
