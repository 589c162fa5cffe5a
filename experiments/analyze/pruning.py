"""`oneshot-hpo analyze pruning`: is a supernet of fewer cells a better judge of them?

Zhang et al., How Does Supernet Help in Neural Architecture Search? (2021, section 5): the cells
with the worst test errors are left out (optimistic: who could know them?), or random ones; the
supernet is trained on what remains, and ranks that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from experiments.analyze import options
from experiments.analyze.ranks import (
    Array,
    Estimate,
    best_of_first,
    estimate,
    random_best,
    resamples,
    spearman,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "pruning"
FIRST = 10
WORST, RANDOM = "worst", "random"
_COLOURS = {WORST: "#0072b2", RANDOM: "#d55e00"}


@dataclass(frozen=True)
class Pruning:
    """Supernets of a space of which a share of the cells is left out; means over them."""

    kind: str
    """WORST by the table, or RANDOM."""
    share: float
    left: int
    """Cells of the space that are left."""
    cells: int
    """How many of them were scored for each supernet."""
    supernets: int
    supernet_error: float
    """One-shot validation error, mean over the cells."""
    table_error: float
    """Test error, mean over the cells."""
    spearman: Estimate
    best: float
    """Lowest test error among the FIRST that the supernet ranks first."""
    random: Estimate
    """The same of random rankings of what is left, expectation and 95 % of such means."""


def remaining(
    errors: Array, share: float, kind: str, rng: np.random.Generator
) -> NDArray[np.int64]:
    """The unique cells that are left, ascending; errors (U,) of all of them."""
    count = len(errors) - round(share * len(errors))
    if kind == WORST:
        return np.sort(np.argsort(errors, kind="stable")[:count])
    return np.sort(rng.choice(len(errors), count, replace=False))


def pruning_of(
    kind: str,
    share: float,
    left: int,
    scores: Sequence[Array],
    errors: Sequence[Array],
    rng: np.random.Generator,
) -> Pruning:
    """From each supernet's scores (n,) and the table's errors (n,) of the same cells."""
    size = len(errors[0])
    k = min(FIRST, size)
    return Pruning(
        kind=kind,
        share=share,
        left=left,
        cells=size,
        supernets=len(scores),
        supernet_error=float(np.mean([one.mean() for one in scores])),
        table_error=float(np.mean([one.mean() for one in errors])),
        spearman=estimate(
            lambda i, w: spearman(scores[i], errors[i], w),
            len(scores),
            resamples(size, rng),
            rng,
        ),
        best=float(np.mean([best_of_first(s, e, k) for s, e in zip(scores, errors, strict=True)])),
        random=random_best(errors, k, rng),
    )


def pruning(
    folder: options.DirOption = options.DEFAULT_DIR,
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
    overrides: options.SetOption = None,
    seed: options.SeedOption = 0,
    workers: options.WorkersOption = None,
) -> None:
    """Leave cells out, the worst or random ones, and train the supernet on what remains."""
    from rich.console import Console

    from experiments.analyze import running
    from experiments.analyze.sample import cell_count, mean_test_errors, sample_cells
    from experiments.analyze.supernet import Supernet, Wanted

    console = Console(highlight=False)
    settings = running.search_settings("random_ws", dataset, overrides or [])
    trained, search_space = running.table_of(table, space)
    errors = mean_test_errors(trained, search_space)
    count = cell_count(cells, search_space.num_cells)
    plan = {}
    for share in _shares(shares, len(errors)):
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
                wanted = Wanted(epochs, recalibrate, tuple(sample.configurations.tolist()))
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
            sentences(title, found),
        )


def rows(space: int, epochs: int, found: Sequence[Pruning]) -> list[dict[str, Any]]:
    """A row for each kind and share, for the CSV."""
    return [
        {
            "space": space,
            "epochs": epochs,
            "left_out": one.kind,
            "share": one.share,
            "cells_left": one.left,
            "cells": one.cells,
            "supernets": one.supernets,
            "supernet_error": one.supernet_error,
            "table_error": one.table_error,
            "spearman": one.spearman.value,
            "spearman_low": one.spearman.low,
            "spearman_high": one.spearman.high,
            f"best_of_{FIRST}": one.best,
            f"random_best_of_{FIRST}": one.random.value,
            f"random_best_of_{FIRST}_low": one.random.low,
            f"random_best_of_{FIRST}_high": one.random.high,
        }
        for one in found
    ]


def sentences(title: str, found: Sequence[Pruning]) -> list[str]:
    """The largest share of each kind beside the smallest one."""
    said = []
    for kind in dict.fromkeys(one.kind for one in found):
        own = [one for one in found if one.kind == kind]
        few, many = own[0], own[-1]
        rho = _difference(many.spearman, few.spearman)
        change = {1: "higher", 0: "a difference is not shown", -1: "lower"}[rho.sign]
        low, high = 100 * many.random.low, 100 * many.random.high
        chance = (
            "better than by chance"
            if many.best < many.random.low
            else "worse than by chance"
            if many.best > many.random.high
            else "a difference from chance is not shown"
        )
        what = "the worst" if kind == WORST else "random"
        shares = f"{100 * many.share:.0f} %", f"{100 * few.share:.0f} %"
        said.append(
            f"{title}: with {what} {shares[0]} of the cells left out, Spearman's correlation with "
            f"the table is {many.spearman} among {many.cells} of the {many.left} that are left, "
            f"{few.spearman} with {shares[1]} left out: {change} ({rho}). The best of the {FIRST} "
            f"ranked first has {100 * many.best:.2f} % test error ({100 * few.best:.2f} % with "
            f"{shares[1]} left out), of random rankings of what is left "
            f"{100 * many.random.value:.2f} % (95 % of such means: {low:.2f} to {high:.2f} %): "
            f"{chance}."
        )
    return said


def draw(title: str, found: Sequence[Pruning]) -> Figure:
    """Top 10, correlation and mean accuracies over the share that is left out."""
    from experiments.figures.drawing.style import GREY, new_figure, plain_log

    figure = new_figure(2.9)
    left, middle, right = figure.subplots(1, 3)
    for kind, marker in ((WORST, "o"), (RANDOM, "s")):
        own = [one for one in found if one.kind == kind]
        x = [100 * one.share for one in own]
        line = {"color": _COLOURS[kind], "marker": marker, "markersize": 4}
        label = f"{kind} left out"
        left.plot(x, [100 * one.best for one in own], label=label, **line)
        dashed = line | {"linestyle": "--", "markerfacecolor": "white", "linewidth": 0.9}
        left.plot(x, [100 * one.random.value for one in own], **dashed)
        left.fill_between(
            x,
            [100 * one.random.low for one in own],
            [100 * one.random.high for one in own],
            color=_COLOURS[kind],
            alpha=0.12,
            linewidth=0,
        )
        middle.plot(x, [one.spearman.value for one in own], **line)
        middle.fill_between(
            x,
            [one.spearman.low for one in own],
            [one.spearman.high for one in own],
            color=_COLOURS[kind],
            alpha=0.15,
            linewidth=0,
        )
        right.plot(x, [100 * (1 - one.supernet_error) for one in own], **line)
        right.plot(x, [100 * (1 - one.table_error) for one in own], **dashed)
    left.set_yscale("log")
    plain_log(left.yaxis)
    left.set_title(f"test error of the best of first {FIRST} (%),\ndashed: random rankings, 95 %")
    left.legend(loc="best")
    middle.axhline(0, color=GREY, linewidth=0.7)
    middle.set_title("Spearman's ρ with the table,\n95 %")
    right.set_title("mean accuracy (%),\ndashed: by the table")
    for ax in (left, middle, right):
        ax.grid(which="major")
        ax.set_xlabel("cells left out (%)")
    figure.suptitle(f"{title}, mean of {found[0].supernets}", fontsize=8)
    return figure


def _difference(one: Estimate, other: Estimate) -> Estimate:
    """Of two independent estimates; lengths of their intervals' sides add up as deviations do."""
    value = one.value - other.value
    low = math.hypot(one.value - one.low, other.high - other.value)
    high = math.hypot(one.high - one.value, other.value - other.low)
    return Estimate(value, value - low, value + high)


def _shares(text: str, cells: int) -> list[float]:
    from experiments.analyze.running import words
    from experiments.errors import UserError

    try:
        shares = sorted(float(word) for word in words(text, "--shares"))
    except ValueError:
        shares = [-1.0]
    if shares[0] < 0 or shares[-1] > 1 - FIRST / cells:
        raise UserError(
            f"--shares must be numbers from 0 with commas that leave {FIRST} cells of {cells}, "
            f"not {text!r}"
        )
    return shares
