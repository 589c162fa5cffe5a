"""Draws when each trial ran, in parallel with which others."""

from __future__ import annotations

from collections import defaultdict

import plotly.graph_objects as go

from oneshot_hpo.experiments.numbers.timeline import Bar, timeline
from oneshot_hpo.experiments.pages import chart_style as style
from oneshot_hpo.experiments.pages.chart import Chart, plain
from oneshot_hpo.experiments.pages.values import epochs
from oneshot_hpo.experiments.report.charts.trials import Trials

TITLE = "Trials over time"
_UNITS = ((2 * 86400, 86400, "days"), (2 * 3600, 3600, "hours"), (300, 60, "minutes"))


def chart(trials: Trials) -> Chart:
    """A bar per trial. NotEnoughData: none has finished."""
    found = timeline(trials.source)
    unit, name = next(((u, n) for least, u, n in _UNITS if found.end >= least), (1, "seconds"))
    together: dict[tuple[int, str], list[Bar]] = defaultdict(list)
    for bar in found.bars:
        together[found.budgets.index(bar.budget), bar.state].append(bar)

    figure = go.Figure()
    for (place, state), bars in sorted(together.items()):
        keys = [bar.key for bar in bars]
        words = {"finished": "", "crashed": ", crashed", "unfinished": ", not finished"}[state]
        figure.add_bar(
            name=f"{epochs(found.budgets[place])}{words}",
            orientation="h",
            base=style.numbers((bar.start for bar in bars), 1 / unit),
            x=style.numbers((bar.end - bar.start for bar in bars), 1 / unit),
            y=[bar.lane + 1 for bar in bars],
            marker={
                "color": style.budget_colour(place),
                "pattern": {"shape": {"crashed": "x", "unfinished": "/"}.get(state, "")},
                "line": {"color": style.QUIET, "width": 0.5},
            },
            customdata=trials.anchors(keys),
            hovertext=trials.hover(keys),
            hoverinfo="text",
        )

    if found.losses:
        figure.add_scatter(
            name="worker lost",
            x=style.numbers((loss.time for loss in found.losses), 1 / unit),
            y=[0.4] * len(found.losses),
            mode="markers",
            marker={"symbol": "x", "color": "#c0392b", "size": 9},
            hovertext=[f"{loss.key}: {plain(loss.reason)}" for loss in found.losses],
            hoverinfo="text",
        )

    figure.update_layout(
        barmode="overlay",
        bargap=0.25,
        xaxis={"title": {"text": f"{name} since the study began"}},
        yaxis={
            "title": {"text": "trials in parallel"},
            "dtick": max(1, found.lanes // 8),
            "range": [found.lanes + 0.6, 0.2 if found.losses else 0.4],
        },
        hovermode="closest",
    )

    caption = (
        f"Each bar is a trial on a worker, at most {found.lanes} at once; the lanes were busy "
        f"for {100 * found.busy:.0f} % of the time. The journal does not name workers."
    )
    return Chart(
        "workers",
        TITLE,
        caption,
        figure,
        height=max(320, min(700, 190 + 34 * found.lanes)),
        broad=True,
    )
