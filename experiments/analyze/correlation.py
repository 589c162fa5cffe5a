"""`oneshot-hpo analyze correlation`: does a supernet rank cells as training them alone does?

NAS-Bench-1Shot1 (Zela et al., ICLR 2020, section 4.3) found no correlation for any searcher.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from oneshot_hpo.experiments.analyze.inputs import (
    numbers,
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
    estimate,
    interval_words,
    kendall,
    resamples,
    spearman,
)
from oneshot_hpo.experiments.analyze.sample import shared_sample
from oneshot_hpo.experiments.analyze.targets import TEST, Target, read_targets
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.terminal.spinner import working
from oneshot_hpo.search_spaces import SpaceId, get_space, heading_of, space_ids, title_of
from oneshot_hpo.searchers.registry import SEARCHERS

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console

NAME = "correlation"


@dataclass(frozen=True)
class FineTuned:
    """Rank correlation of cells that were trained for some batches on what they inherit.

    gain: Spearman's, minus that of the same cells without this training.
    """

    batches: int
    spearman: Estimate
    gain: Estimate


@dataclass(frozen=True)
class Correlation:
    """Rank correlation of a searcher's supernets in a space after an epoch; means over them."""

    space: SpaceId
    searcher: str
    epoch: int
    cells: int
    supernets: int
    spearman: Estimate
    kendall: Estimate
    finetuned: FineTuned | None = None
    against: Target = TEST
    """The errors of the table that the ranks are compared with."""
    among: int | None = None
    """The cells are drawn from so many, the best by test error; None: from all of the space."""


def analyse_correlation(
    console: Console,
    options: SupernetOptions,
    *,
    spaces: str,
    searchers: str,
    epochs: int,
    after: str | None,
    finetune: int = 0,
    against: str = "test",
    among: int | None = None,
) -> AnalysisReport:
    """Train supernets, score cells after several epochs, and publish the rank correlations.

    spaces, searchers: with commas; searchers may be "all". after: the epochs, with commas; None:
    those of `spread`. finetune: score the cells after the last of these epochs once more, each
    after training on so many batches; 0: do not. against: errors of the table, as in
    `read_targets`; what is fine-tuned is compared with the first. among: see `Correlation`.

    UserError, or another of this project's errors: bad input; nothing is written then.
    """
    names = list(SEARCHERS) if searchers == "all" else words(searchers, "--searcher")
    points = spread(epochs) if after is None else numbers(after, "--after")
    if points[-1] > epochs:
        raise UserError(f"--after {points[-1]}: there are {epochs} epochs")
    settings = {name: search_settings(name, options.dataset, options.overrides) for name in names}
    targets = read_targets(against)
    samples, errors = {}, {}
    for number in space_ids(spaces):
        table, space = table_and_space(options.table, number)
        sample = shared_sample(table, space, options.cells, options.seed, among=among)
        samples[number] = sample
        errors[number] = [target.errors(table, space, sample) for target in targets]

    plan = SupernetPlan(options)
    supernets = {
        (number, name): plan.supernets(name, settings[name], number, epochs)
        for number in samples
        for name in names
    }
    for (number, _), own in supernets.items():
        for epoch in points:
            plan.add(own, epoch, samples[number])
        if finetune:
            plan.add(own, points[-1], samples[number], finetune=finetune)

    with plan.run(console):
        found = []
        with working(console, "resampling"):
            for number, sample in samples.items():
                rng = np.random.default_rng([options.seed, get_space(number).entropy, 1])
                weights = resamples(len(sample), rng)
                for name, epoch in itertools.product(names, points):
                    own = supernets[number, name]
                    scores = plan.scores(own, epoch, sample)
                    counts = (number, name, epoch, len(sample), len(own))
                    for target, of_table in zip(targets, errors[number], strict=True):
                        both = rank_correlations(scores, of_table, weights)
                        tuned = None
                        if finetune and epoch == points[-1] and target == targets[0]:
                            after_it = plan.scores(own, epoch, sample, finetune=finetune)
                            tuned = fine_tuned(finetune, scores, after_it, of_table, weights)
                        found.append(Correlation(*counts, *both, tuned, target, among))

        notes = pair_notes(options.dataset, options.table)
        name = NAME if among is None else f"{NAME}_best{among}"
        return publish(
            options.folder / name, rows(found), lambda: draw(found), [*notes, *sentences(found)]
        )


def rank_correlations(
    scores: Sequence[Array], errors: Array, weights: Array
) -> tuple[Estimate, Estimate]:
    """Spearman's and Kendall's correlation of each supernet's scores with the table's errors.

    scores: of each supernet (n,); errors (n,); weights: resamples of the cells (B, n).
    """
    rho = estimate(lambda i, w: spearman(scores[i], errors, w), len(scores), weights, limit=1)
    tau = estimate(lambda i, w: kendall(scores[i], errors, w), len(scores), weights, limit=1)
    return rho, tau


def fine_tuned(
    batches: int, before: Sequence[Array], after: Sequence[Array], errors: Array, weights: Array
) -> FineTuned:
    """Spearman's correlation of scores after fine-tuning, and by how much it is larger.

    before, after: of each supernet (n,); others as in `rank_correlations`.
    """

    def gain(number: int, resampled: Array | None) -> Array:
        tuned, plain = (spearman(scores[number], errors, resampled) for scores in (after, before))
        return tuned - plain

    rho = estimate(lambda i, w: spearman(after[i], errors, w), len(after), weights, limit=1)
    return FineTuned(batches, rho, estimate(gain, len(after), weights, limit=2))


def rows(found: Sequence[Correlation]) -> list[dict[str, Any]]:
    """A row for each, for the CSV."""
    table = []
    for one in found:
        row: dict[str, Any] = {
            "space": one.space,
            "searcher": one.searcher,
            "epoch": one.epoch,
            "cells": one.cells,
            "supernets": one.supernets,
            "against": one.against.key,
        }
        for name, value in (("spearman", one.spearman), ("kendall", one.kendall)):
            row |= {name: value.value, f"{name}_low": value.low, f"{name}_high": value.high}
        if any(other.finetuned for other in found):
            row |= _tuned_columns(one.finetuned)
        table.append(row)
    return table


def _tuned_columns(tuned: FineTuned | None) -> dict[str, Any]:
    """The columns of fine-tuning, empty for an epoch without it."""
    columns: dict[str, Any] = {"finetune_batches": tuned.batches if tuned else None}
    for name in ("spearman", "gain"):
        value: Estimate | None = getattr(tuned, name, None)
        for end, part in (("", "value"), ("_low", "low"), ("_high", "high")):
            columns[f"finetuned_{name}{end}"] = getattr(value, part, None)
    return columns


def sentences(found: Sequence[Correlation]) -> list[str]:
    """A sentence for each searcher and target: the correlation after the last epoch scored."""
    lines = []
    for key in dict.fromkeys(map(_compared, found)):
        own = [one for one in found if _compared(one) == key]
        last = own[-1]
        best = max(own, key=lambda one: one.spearman.value)
        agreed = last.spearman.sign if last.spearman.sign == last.kendall.sign else 0

        verdict = {
            1: "it ranks them as training alone does, to this degree",
            0: "a correlation is not shown",
            -1: "it ranks them the wrong way round",
        }[agreed]

        which = "cells" if last.among is None else f"of the {last.among} best cells"
        line = (
            f"{heading_of(last.space)}, {last.searcher}, after epoch {last.epoch}: ranks of "
            f"{last.cells} {which} by the supernet's error and by the table's {last.against.words} "
            f"correlate by Spearman's {last.spearman}, Kendall's {last.kendall} "
            f"({interval_words(last.supernets)}): {verdict}."
        )

        if best is not last:
            line += (
                f" Of the epochs scored, Spearman's is highest after {best.epoch}: {best.spearman}."
            )
        if last.finetuned is not None:
            line += f" {_tuned_words(last.finetuned)}"
        lines.append(line)
    return lines


def _compared(one: Correlation) -> tuple[SpaceId, str, Target]:
    return one.space, one.searcher, one.against


def _tuned_words(tuned: FineTuned) -> str:
    verdict = {
        1: "fine-tuning improves the ranks",
        0: "that fine-tuning changes the ranks is not shown",
        -1: "fine-tuning makes the ranks worse",
    }[tuned.gain.sign]
    return (
        f"After {tuned.batches} batches of training on inherited weights Spearman's is "
        f"{tuned.spearman}, a difference of {tuned.gain}: {verdict}."
    )


def draw(found: Sequence[Correlation]) -> Figure:
    """Spearman above, Kendall below, a column for each space, a line for each searcher.

    It is that of the first target alone.
    """
    from matplotlib.ticker import NullLocator

    from oneshot_hpo.experiments.figures.colours import look
    from oneshot_hpo.experiments.figures.style import (
        GREY,
        legend_below,
        line_style,
        new_figure,
    )
    from oneshot_hpo.experiments.numbers.methods import Method

    found = [one for one in found if one.against == found[0].against]
    spaces = list(dict.fromkeys(one.space for one in found))
    epochs = sorted({one.epoch for one in found})
    searchers = list(dict.fromkeys(one.searcher for one in found))
    width = min(6.75, 1.2 + 2.8 * len(spaces))
    figure = new_figure(4.6, width)
    axes = figure.subplots(2, len(spaces), sharex=True, sharey="row", squeeze=False)
    for column, space in enumerate(spaces):
        for row, (name, title) in enumerate(
            (("spearman", "Spearman's ρ"), ("kendall", "Kendall's τ"))
        ):
            ax = axes[row, column]
            for searcher in searchers:
                own = [o for o in found if (o.space, o.searcher) == (space, searcher)]
                x = [one.epoch for one in own]
                values = [getattr(one, name) for one in own]
                style = look(Method(searcher, "tuned"))
                ax.plot(x, [v.value for v in values], label=searcher, **line_style(style))
                ax.fill_between(
                    x,
                    [v.low for v in values],
                    [v.high for v in values],
                    color=style.colour,
                    alpha=0.15,
                    linewidth=0,
                )
            ax.axhline(0, color=GREY, linewidth=0.7)
            ax.grid(which="major")
            ax.set_xscale("log")
            ax.set_xticks(epochs, map(str, epochs))
            ax.xaxis.set_minor_locator(NullLocator())
            if column == 0:
                ax.set_ylabel(title)
        axes[0, column].set_title(f"{title_of(space)}, {found[0].cells} cells")
        axes[1, column].set_xlabel("epoch")
    legend_below(figure, axes[0, 0])
    return figure


def spread(epochs: int) -> list[int]:
    """1, 3, 10, 30, 100, ... up to the last epoch, which is among them."""
    steps = [m * 10**p for p in range(6) for m in (1, 3)]
    return sorted({*(step for step in steps if step < epochs), epochs})
