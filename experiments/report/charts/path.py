"""The path from default to tuned, one hyperparameter at a time."""

from __future__ import annotations

import math

import numpy as np
import plotly.graph_objects as go

from oneshot_hpo.experiments.compare.comparing import SEED
from oneshot_hpo.experiments.compare.statistics import median_interval
from oneshot_hpo.experiments.compare.units import interval, points, unit
from oneshot_hpo.experiments.numbers.path import (
    AblationPath,
    Step,
    ablation_path,
    order_words,
    step_words,
)
from oneshot_hpo.experiments.numbers.sample import Sample
from oneshot_hpo.experiments.objectives.section import LOSS
from oneshot_hpo.experiments.pages.chart import Chart, plain
from oneshot_hpo.experiments.study.opened import OpenedStudy

TITLE = "From default to tuned, one hyperparameter at a time"


def chart(study: OpenedStudy) -> Chart:
    """Medians along the path with their intervals. NotEnoughData: there is no path yet."""
    path = ablation_path(study)
    samples = [path.default, *(step.sample for step in path.steps)]
    names = ["default", *(plain(", ".join(step.changed)) for step in path.steps)]
    scale = 1 if path.default.measure == LOSS else 100
    medians = [scale * float(np.median(sample.values)) for sample in samples]
    known = [value if math.isfinite(value) else None for value in medians]
    above, below = _errors(samples, scale)

    figure = go.Figure(
        go.Scatter(
            x=[f"{number}: {name}" if number else name for number, name in enumerate(names)],
            y=known,
            error_y={"type": "data", "symmetric": False, "array": above, "arrayminus": below},
            mode="lines+markers",
            text=["", *(plain(said(step)) for step in path.steps)],
            hovertemplate="%{x}<br>median %{y:.2f}<br>%{text}<extra></extra>",
            line={"color": "#0072b2"},
            marker={"size": 9},
        )
    )
    words = unit(path.default.measure)
    title = f"{path.default.measure}, {words}" if words else path.default.measure
    figure.update_layout(yaxis={"title": title, "rangemode": "tozero"}, xaxis={"type": "category"})
    return Chart("path", TITLE, caption(path), figure, height=400, broad=True)


def caption(path: AblationPath) -> str:
    """How to read the path, and what each step brought."""
    seeds = path.default.values.size
    return (
        f"Medians over {seeds} fresh seeds, the same at every step, with 95 % intervals. "
        f"{order_words(path.order)} " + " ".join(said(step) for step in path.steps)
    )


def said(step: Step) -> str:
    """What a step brought, in a sentence."""
    verdicts = {"better": "better", "worse": "worse", "not shown": "no difference shown"}
    words = f"{step_words(step.changed)}: {verdicts[step.comparison.verdict]}"
    measure = step.sample.measure
    if math.isfinite(step.gain):
        words += f", median gain {points(step.gain, measure)}"
        if step.gain_interval is not None:
            words += f" ({interval(step.gain_interval, measure)})"
    else:
        words += ", searches crashed"
    p_value = step.comparison.p_value
    return f"{words}, p {'< 0.001' if p_value < 0.001 else f'= {p_value:.3f}'}."


def _errors(samples: list[Sample], scale: float) -> tuple[list[float], list[float]]:
    """Lengths of the intervals above and below the medians; 0 where there is none."""
    above, below = [], []
    for sample in samples:
        median = float(np.median(sample.values))
        bounds = median_interval(sample.values, np.random.default_rng(SEED))
        ends = (median, median) if bounds is None else (bounds.low, bounds.high)
        lengths = ends[1] - median, median - ends[0]
        shown = [scale * value if math.isfinite(value) else 0.0 for value in lengths]
        above.append(shown[0])
        below.append(shown[1])
    return above, below
