"""Regret of incumbents over evaluations and three clocks, on logarithmic axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from oneshot_hpo.experiments.figures.colours import Look, looks
from oneshot_hpo.experiments.numbers.regret import AXES, Axis, Curve, RegretCurves, regret_curves
from oneshot_hpo.experiments.numbers.sources import Sources
from oneshot_hpo.experiments.numbers.study_runs import cost_of
from oneshot_hpo.experiments.pages import chart_style as style
from oneshot_hpo.experiments.pages.chart import Chart, plain
from oneshot_hpo.experiments.report.charts.hover import noted
from oneshot_hpo.experiments.report.charts.trials import Trials
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.outcome import Outcome

__all__ = ["AXES", "TITLES", "chart"]

TITLES = {
    "evaluations": "Test regret over evaluations",
    "seconds": "Test regret over seconds of search and training",
    "simulated": "Test regret over simulated time",
    "real": "Test regret over real time",
}
_X = {
    "evaluations": "evaluations, 1 at the largest budget",
    "seconds": "seconds of search, and of training each cell found",
    "simulated": "simulated seconds of training",
    "real": "seconds of search of one worker",
}
_CAPTIONS = {
    "evaluations": "Each point is an evaluation of the study, in the order of results; the line is "
    "the incumbent, which is chosen on validation. Confirmed settings are shown where their search "
    "ends, with median and quartiles over seeds.",
    "seconds": "One clock for one-shot and black-box optimizers: the search seconds of one worker, "
    "and the table's training seconds of each cell that a search found or a baseline evaluated. "
    "Searches ran on this study's workers, trainings on the machine of the table's makers.",
    "simulated": "Median and quartiles of the incumbents of baselines over the training time "
    "recorded in the table.",
    "real": "Each point is an evaluation of the study; the line is the incumbent over the search "
    "time of all evaluations together. Confirmed settings run epoch by epoch from their own start.",
}


def chart(sources: Sources, axis: Axis, trials: Trials) -> Chart:
    """The regret of a study, its confirmation and baselines. NotEnoughData: there is no curve."""
    space = sources.one_space
    panel = regret_curves(sources, space, axis, "test")
    figure = go.Figure()

    floor = panel.floor
    if axis != "simulated":
        points, floor = _evaluations(trials, axis, floor)
        figure.add_trace(points)

    looked = looks([curve.method for curve in panel.curves])
    for curve in panel.curves:
        figure.add_traces(_curve(curve, looked[curve.method], floor))

    figure.update_layout(
        xaxis={"type": "log", "title": {"text": _X[axis]}, "exponentformat": "power"},
        yaxis={
            "type": "log",
            "title": {"text": "test regret, percentage points"},
            "exponentformat": "power",
            "dtick": "D2",
        },
        hovermode="closest",
    )
    return Chart(
        f"regret-{axis}",
        TITLES[axis],
        _caption(panel, axis, floor, trials.source),
        figure,
        height=460,
        broad=axis == "evaluations" and bool(sources.baselines),
    )


def _caption(panel: RegretCurves, axis: Axis, floor: float, study: OpenedStudy) -> str:
    words = [_CAPTIONS[axis]]
    if panel.reaches_zero:
        words.append(f"A regret of 0 is drawn at {100 * floor:.2g}.")
    return noted(" ".join(words), panel.notes, study)


def _evaluations(trials: Trials, axis: Axis, floor: float) -> tuple[go.Scatter, float]:
    """Every evaluation that did not crash, at what was spent by then; and the chart's floor."""
    study = trials.source
    spent, x, y, keys = 0.0, [], [], []
    for trial, result in study.view.evaluations:
        cost = cost_of(study, trial, result, axis)
        if cost is None:  # the chart is of baselines then
            continue
        spent += cost
        if not result.crashed and spent > 0:
            x.append(spent)
            y.append(Outcome.from_result(result).reported("regret"))
            keys.append(trial.key)

    floor = min([floor, *(value / 2 for value in y if value > 0)])
    return (
        go.Scatter(
            name="each evaluation",
            x=style.numbers(x),
            y=style.percents(np.maximum(y, floor)),
            mode="markers",
            marker={"color": style.QUIET, "symbol": "circle-open", "size": 7},
            customdata=trials.anchors(keys),
            hovertext=trials.hover(keys),
            hoverinfo="text",
        ),
        floor,
    )


def _curve(curve: Curve, look: Look, floor: float) -> list[dict[str, Any]]:
    spread = curve.spread
    x = style.numbers(spread.x)
    low, middle, high = (
        style.percents(np.maximum(part, floor)) for part in (spread.low, spread.median, spread.high)
    )

    said = [
        f"<b>{plain(curve.label)}</b><br>"
        f"median {_points(m)}, quartiles {_points(a)} to {_points(b)}"
        for m, a, b in zip(spread.median, spread.low, spread.high, strict=True)
    ]
    name = curve.label
    common = {"name": plain(name), "legendgroup": name, "hovertext": said, "hoverinfo": "text"}

    if len(x) == 1:
        error = {
            "type": "data",
            "symmetric": False,
            "array": _differences(high, middle),
            "arrayminus": _differences(middle, low),
            "color": look.colour,
        }
        point = {"type": "scatter", "x": x, "y": middle, "mode": "markers", "error_y": error}
        return [point | common | {"marker": style.marker(look) | {"size": 11}}]

    traces = []
    if spread.count > 1:
        stepped = {"shape": "hv"}
        traces = style.band(x, low, high, look.colour, legendgroup=name, line=stepped)
    main = {"type": "scatter", "x": x, "y": middle, "mode": "lines"}
    return [*traces, main | common | {"line": style.line(look) | {"shape": "hv"}}]


def _points(value: float) -> str:
    return f"{100 * value:.2f}" if np.isfinite(value) else "a crash"


def _differences(one: list[float | None], two: list[float | None]) -> list[float]:
    return [0 if a is None or b is None else a - b for a, b in zip(one, two, strict=True)]
