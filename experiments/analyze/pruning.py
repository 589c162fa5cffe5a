"""`oneshot-hpo analyze pruning`: is a supernet of fewer cells a better judge of them?

Zhang et al., How Does Supernet Help in Neural Architecture Search? (2021, section 5): the cells
with the worst test errors are left out (optimistic: who could know them?), or random ones; the
supernet is trained on what remains, and ranks that.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from oneshot_hpo.experiments.analyze.inputs import (
    pair_notes,
    search_settings,
    table_and_space,
    words,
)
from oneshot_hpo.experiments.analyze.plan import SupernetOptions, SupernetPlan
from oneshot_hpo.experiments.analyze.publishing import AnalysisReport, publish
from oneshot_hpo.experiments.analyze.ranks import (
    Array,
    Estimate,
    best_of_first,
    estimate,
    interval_words,
    random_best,
    resamples,
    spearman,
)
from oneshot_hpo.experiments.analyze.sample import (
    Sample,
    cell_count,
    mean_test_errors,
    sample_cells,
)
from oneshot_hpo.experiments.analyze.supernet import Supernet
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.search_spaces import EnumerableSpace, SpaceId, Table, heading_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console

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
    """The expectation of `best` over random rankings of the remaining cells, and 95 % of means."""


class _PrunedSupernet(NamedTuple):
    """A supernet, the cells that it scores, and how many cells it was trained on."""

    supernet: Supernet
    sample: Sample
    left: int


def analyse_pruning(
    console: Console, options: SupernetOptions, *, space: SpaceId, epochs: int, shares: str
) -> AnalysisReport:
    """Train supernets on the cells that remain, score some of these, and publish.

    shares: of the cells that are left out, with commas. UserError, or another of this project's
    errors: bad input; nothing is written then.
    """
    settings = search_settings("random_ws", options.dataset, options.overrides)
    table, search_space = table_and_space(options.table, space)
    errors = mean_test_errors(table, search_space)
    count = cell_count(options.cells, len(errors))

    plan = SupernetPlan(options)
    whole = plan.supernets("random_ws", settings, space, epochs)
    pruned: dict[tuple[str, float], list[_PrunedSupernet]] = {}
    for share, kind in itertools.product(left_out(shares, len(errors)), (WORST, RANDOM)):
        pruned[kind, share] = []
        for number, supernet in enumerate(whole):
            entropy = [options.seed, search_space.entropy, number, round(1e6 * share)]
            left = remaining(errors, share, kind, np.random.default_rng(entropy))
            trained = restricted(supernet, table, search_space, left) if share else supernet
            rng = np.random.default_rng([*entropy, 1])
            sample = sample_cells(table, search_space, count, rng, left)
            plan.add([trained], epochs, sample)
            pruned[kind, share].append(_PrunedSupernet(trained, sample, len(left)))

    with plan.run(console):
        found = []
        for (kind, share), own in pruned.items():
            scores = [plan.scores([one.supernet], epochs, one.sample)[0] for one in own]
            table_errors = [one.sample.test_errors for one in own]
            rng = np.random.default_rng([options.seed, search_space.entropy, 2])
            found.append(pruning_of(kind, share, own[0].left, scores, table_errors, rng))

        title = f"{heading_of(space)}, random_ws, {epochs} epochs"
        return publish(
            options.folder / NAME,
            rows(space, epochs, found),
            lambda: draw(title, found),
            [*pair_notes(options.dataset, options.table), *sentences(title, found)],
        )


def restricted(
    supernet: Supernet, table: Table, space: EnumerableSpace, left: NDArray[np.int64]
) -> Supernet:
    """A supernet that is trained on these entries of a table alone, int (K,)."""
    of_configuration = table.entry_of(space)
    if np.array_equal(of_configuration, space.unique.of_configuration):
        return replace(supernet, cells=tuple(left.tolist()))
    configurations = np.flatnonzero(np.isin(of_configuration, left))
    return replace(supernet, configurations=tuple(configurations.tolist()))


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
            limit=1,
        ),
        best=float(np.mean([best_of_first(s, e, k) for s, e in zip(scores, errors, strict=True)])),
        random=random_best(errors, k, rng),
    )


def rows(space: SpaceId, epochs: int, found: Sequence[Pruning]) -> list[dict[str, Any]]:
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
    """For each kind the largest share against the smallest, and the highest correlation."""
    lines = []
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

        best = max(own, key=lambda one: one.spearman.value)
        highest = ""
        if best not in (few, many):
            highest = (
                f" Of these shares, it is highest with {100 * best.share:.0f} %: {best.spearman}."
            )

        shares = f"{100 * many.share:.0f} %", f"{100 * few.share:.0f} %"
        lines.append(
            f"{title}: with {what} {shares[0]} of the cells left out, Spearman's correlation with "
            f"the table is {many.spearman} among {many.cells} of the {many.left} that are left, "
            f"{few.spearman} with {shares[1]} left out: {change} ({rho}; "
            f"{interval_words(rho.supernets)}).{highest} The best of the "
            f"{FIRST} ranked first has {100 * many.best:.2f} % test error ({100 * few.best:.2f} % "
            f"with {shares[1]} left out), of random rankings of what is left "
            f"{100 * many.random.value:.2f} % (95 % of such means: {low:.2f} to {high:.2f} %): "
            f"{chance}."
        )
    return lines


def draw(title: str, found: Sequence[Pruning]) -> Figure:
    """Top 10, correlation and mean accuracies over the share that is left out."""
    from oneshot_hpo.experiments.figures.style import GREY, legend_below, new_figure, plain_log

    figure = new_figure(3.1)
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
    middle.axhline(0, color=GREY, linewidth=0.7)
    middle.set_title("Spearman's ρ with the table,\n95 %")
    right.set_title("mean accuracy (%),\ndashed: by the table")
    for ax in (left, middle, right):
        ax.grid(which="major")
        ax.set_xlabel("cells left out (%)")
    legend_below(figure, left)
    figure.suptitle(f"{title}, mean of {found[0].supernets}", fontsize=8)
    return figure


def _difference(one: Estimate, other: Estimate) -> Estimate:
    """One estimate less an independent one; sides of the intervals add up as deviations do."""
    value = one.value - other.value
    low = math.hypot(one.value - one.low, other.high - other.value)
    high = math.hypot(one.high - one.value, other.value - other.low)
    return Estimate(value, value - low, value + high, one.supernets)


def left_out(text: str, cells: int) -> list[float]:
    """The shares in a list with commas. UserError: they are not, or leave too few cells."""
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
