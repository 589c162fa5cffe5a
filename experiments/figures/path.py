"""The path from default to tuned, one hyperparameter at a time: medians with intervals."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from oneshot_hpo.experiments.compare.comparing import SEED
from oneshot_hpo.experiments.compare.statistics import median_interval
from oneshot_hpo.experiments.compare.units import unit
from oneshot_hpo.experiments.figures.style import CRASH, GREY, new_figure
from oneshot_hpo.experiments.numbers.path import AblationPath, step_words
from oneshot_hpo.experiments.objectives.section import LOSS


def draw_path(path: AblationPath) -> Figure:
    """A row for each setting, the default on top; filled where the step is significant."""
    samples = [path.default, *(step.sample for step in path.steps)]
    labels = ["default", *(step_words(step.changed) for step in path.steps)]
    shown = [True, *(step.comparison.shown for step in path.steps)]
    scale = 1 if path.default.measure == LOSS else 100
    figure = new_figure(0.9 + 0.3 * len(samples))
    ax = figure.subplots()

    known = []
    for row, (sample, is_shown) in enumerate(zip(samples, shown, strict=True)):
        median = scale * float(np.median(sample.values))
        if not math.isfinite(median):
            ax.text(
                0.01, row, "crash", color=CRASH, va="center", transform=ax.get_yaxis_transform()
            )
            continue
        bounds = median_interval(sample.values, np.random.default_rng(SEED))
        if bounds is not None and math.isfinite(bounds.high):
            ax.plot([scale * bounds.low, scale * bounds.high], [row, row], color=GREY, zorder=1)
        face = "#0072b2" if is_shown else "white"
        ax.plot(median, row, "o", color="#0072b2", markerfacecolor=face, zorder=2)
        known.append((median, row))

    if known:
        ax.plot(*zip(*known, strict=True), color="#0072b2", linewidth=0.8, zorder=0)
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.grid(axis="x")
    words = unit(path.default.measure)
    ax.set_xlabel(f"{path.default.measure}{f' ({words})' if words else ''}, median, 95 % interval")
    return figure
