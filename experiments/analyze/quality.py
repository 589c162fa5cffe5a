"""`oneshot-hpo analyze quality`: what longer training of a supernet improves.

Zhang et al., How Does Supernet Help in Neural Architecture Search? (2021, section 4.1): average
accuracy of the cells, rank correlation, and the best of the cells that the supernet ranks first,
for supernets that were trained for different numbers of epochs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from oneshot_hpo.experiments.analyze.inputs import (
    numbers,
    pair_notes,
    search_settings,
    table_and_space,
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
from oneshot_hpo.experiments.analyze.sample import shared_sample
from oneshot_hpo.search_spaces import SpaceId, heading_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console

NAME = "quality"
FIRST = (1, 10)
"""k of the best among the k cells ranked first, as in the paper."""


@dataclass(frozen=True)
class Quality:
    """Quality of supernets trained for `epochs` epochs; means over them, errors in [0, 1]."""

    epochs: int
    cells: int
    supernets: int
    supernet_error: float
    """One-shot validation error, mean over the cells."""
    table_error: float
    """Test error, mean over the cells."""
    spearman: Estimate
    best: dict[int, float]
    """By k: the lowest test error among the k cells that the supernet ranks first."""
    random: dict[int, Estimate]
    """By k: the expectation over random rankings, and 95 % of means over `supernets` of them."""

    def verdict(self, k: int) -> int:
        """1 where the best of the first k is better than random rankings give, -1 worse, else 0."""
        found, chance = self.best[k], self.random[k]
        return 1 if found < chance.low else -1 if found > chance.high else 0


def analyse_quality(
    console: Console, options: SupernetOptions, *, space: SpaceId, searcher: str, lengths: str
) -> AnalysisReport:
    """Train supernets for several lengths, score the same cells with each, and publish.

    lengths: epochs, with commas. UserError, or another of this project's errors: bad input;
    nothing is written then.
    """
    settings = search_settings(searcher, options.dataset, options.overrides)
    table, search_space = table_and_space(options.table, space)
    sample = shared_sample(table, search_space, options.cells, options.seed)

    plan = SupernetPlan(options)
    supernets = {
        epochs: plan.supernets(searcher, settings, space, epochs)
        for epochs in numbers(lengths, "--lengths")
    }
    for epochs, own in supernets.items():
        plan.add(own, epochs, sample)

    with plan.run(console):
        weights = resamples(
            len(sample), np.random.default_rng([options.seed, search_space.entropy, 1])
        )
        found = []
        for epochs, own in supernets.items():
            scores = plan.scores(own, epochs, sample)
            rng = np.random.default_rng([options.seed, search_space.entropy, 2])
            found.append(quality_of(epochs, scores, sample.test_errors, weights, rng))

        title = f"{heading_of(space)}, {searcher}"
        return publish(
            options.folder / NAME,
            rows(space, searcher, found),
            lambda: draw(title, searcher, found),
            [*pair_notes(options.dataset, options.table), *sentences(title, found)],
        )


def quality_of(
    epochs: int, scores: Sequence[Array], errors: Array, weights: Array, rng: np.random.Generator
) -> Quality:
    """From each supernet's scores (n,), the table's errors (n,), resamples of the cells (B, n)."""
    return Quality(
        epochs=epochs,
        cells=len(errors),
        supernets=len(scores),
        supernet_error=float(np.mean(scores)),
        table_error=float(errors.mean()),
        spearman=estimate(
            lambda i, w: spearman(scores[i], errors, w), len(scores), weights, limit=1
        ),
        best={k: float(np.mean([best_of_first(s, errors, k) for s in scores])) for k in FIRST},
        random={k: random_best([errors] * len(scores), k, rng) for k in FIRST},
    )


def rows(space: SpaceId, searcher: str, found: Sequence[Quality]) -> list[dict[str, Any]]:
    """A row for each length, for the CSV."""
    table = []
    for one in found:
        row: dict[str, Any] = {
            "space": space,
            "searcher": searcher,
            "epochs": one.epochs,
            "cells": one.cells,
            "supernets": one.supernets,
            "supernet_error": one.supernet_error,
            "table_error": one.table_error,
            "spearman": one.spearman.value,
            "spearman_low": one.spearman.low,
            "spearman_high": one.spearman.high,
        }
        for k in FIRST:
            chance = one.random[k]
            row |= {f"best_of_{k}": one.best[k], f"random_best_of_{k}": chance.value}
            row |= {f"random_best_of_{k}_low": chance.low, f"random_best_of_{k}_high": chance.high}
        table.append(row)
    return table


def sentences(title: str, found: Sequence[Quality]) -> list[str]:
    """The longest training compared with the shortest, and with random rankings."""
    short, long = found[0], found[-1]
    lines = [
        f"{title}: cells have {100 * (1 - long.supernet_error):.1f} % validation accuracy in the "
        f"supernet after {long.epochs} epochs ({100 * (1 - short.supernet_error):.1f} % after "
        f"{short.epochs}), {100 * (1 - long.table_error):.1f} % test accuracy when trained alone "
        f"(mean of {long.cells} cells); Spearman's correlation is {long.spearman}, "
        f"{short.spearman} after {short.epochs} ({interval_words(long.supernets)})."
    ]

    for k in FIRST:
        better = [str(one.epochs) for one in found if one.verdict(k) > 0]
        worse = [str(one.epochs) for one in found if one.verdict(k) < 0]
        what = "The cell ranked first has" if k == 1 else f"The best of the {k} ranked first has"

        line = (
            f"{what} {100 * long.best[k]:.2f} % test error after {long.epochs} epochs, in a random "
            f"ranking {100 * long.random[k].value:.2f} % (95 % of such means: "
            f"{100 * long.random[k].low:.2f} to {100 * long.random[k].high:.2f} %): "
        )
        line += {
            1: "better than by chance",
            0: "a difference is not shown",
            -1: "worse than by chance",
        }[long.verdict(k)]

        if len(found) > 1:
            line += f"; better than by chance after {_listed(better)}"
            if worse:
                line += f", worse after {_listed(worse)}"
        lines.append(f"{line}.")
    return lines


def draw(title: str, searcher: str, found: Sequence[Quality]) -> Figure:
    """Accuracies, correlation, and the best of those ranked first, over the length of training."""
    from matplotlib.ticker import NullLocator

    from oneshot_hpo.experiments.figures.colours import look
    from oneshot_hpo.experiments.figures.style import GREY, line_style, new_figure, plain_log
    from oneshot_hpo.experiments.numbers.methods import Method

    figure = new_figure(2.7)
    left, middle, right = figure.subplots(1, 3)
    x = [one.epochs for one in found]
    style = look(Method(searcher, "tuned"))
    line = line_style(style)

    left.plot(x, [100 * (1 - one.supernet_error) for one in found], label="supernet", **line)
    left.axhline(100 * (1 - found[0].table_error), color=GREY, dashes=(4, 2), label="table")
    left.set_title("mean accuracy of the cells (%)")
    left.legend(loc="best")

    rho = [one.spearman for one in found]
    middle.plot(x, [one.value for one in rho], **line)
    band = {"color": style.colour, "alpha": 0.15, "linewidth": 0}
    middle.fill_between(x, [one.low for one in rho], [one.high for one in rho], **band)
    middle.axhline(0, color=GREY, linewidth=0.7)
    middle.set_title("Spearman's ρ with the table")

    for k, colour, marker in zip(FIRST, ("#0072b2", "#d55e00"), "os", strict=True):
        best = [100 * one.best[k] for one in found]
        right.plot(x, best, color=colour, marker=marker, markersize=4, label=f"best of first {k}")
        chance = found[0].random[k]
        right.axhline(100 * chance.value, color=colour, dashes=(4, 2), linewidth=0.9)
        right.axhspan(100 * chance.low, 100 * chance.high, color=colour, alpha=0.1, linewidth=0)
    right.set_yscale("log")
    plain_log(right.yaxis)
    right.set_title("test error of the best (%),\ndashed: random rankings, 95 %")
    right.legend(loc="best")

    for ax in (left, middle, right):
        ax.set_xscale("log")
        ax.set_xticks(x, map(str, x))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.grid(which="major")
        ax.set_xlabel("epochs of training")
    figure.suptitle(f"{title}, {found[0].cells} cells, mean of {found[0].supernets}", fontsize=8)
    return figure


def _listed(epochs: Sequence[str]) -> str:
    return f"{', '.join(epochs)} epochs" if epochs else "none of the lengths"
