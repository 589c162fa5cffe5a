"""The forecast with which a study was launched, beside what it took."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from oneshot_hpo.experiments.forecast.forecasting import Interval
from oneshot_hpo.experiments.forecast.kept import Kept, Truth, kept_forecast, truth_of
from oneshot_hpo.experiments.forecast.stopping import BY_RESULTS
from oneshot_hpo.experiments.pages.table import Cell, Column, Row, Table
from oneshot_hpo.experiments.pages.values import NOTHING
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.wording import duration, rough


@dataclass(frozen=True)
class ForecastSection:
    """The forecast of a study, and how good it was."""

    sentence: str
    table: Table


def read(study: OpenedStudy) -> ForecastSection | None:
    """None: the study was launched without a forecast. UserError: it is damaged."""
    kept = kept_forecast(study)
    if kept is None:
        return None
    # Of a study that was extended since, it says nothing.
    truth = None if study.view.extensions else truth_of(study)
    rows = [
        _row("wall time", map(_time, _quantiles(kept.wall_seconds))),
        _row("GPU hours", map(_hour, _quantiles(kept.gpu_hours))),
        _row("idle workers", (NOTHING, _share(kept.idle_share), NOTHING)),
        _row("first proposal of the model", (NOTHING, _place(kept.first_model_pick), NOTHING)),
    ]
    if truth is not None:
        took = (
            _time(truth.wall_seconds),
            _hour(truth.gpu_hours),
            _share(truth.idle_share),
            _place(truth.first_model_pick),
        )
        rows = [Row([*row.cells, cell]) for row, cell in zip(rows, took, strict=True)]
    headings = ("5 %", "median", "95 %", *(() if truth is None else ("truth",)))
    return ForecastSection(
        sentence=f"{_sentence(study, kept, truth)} Its pace: {kept.basis}.",
        table=Table(
            name="forecast",
            caption="The forecast at launch beside what the study took",
            columns=[Column(""), *(Column(heading, numeric=True) for heading in headings)],
            rows=rows,
            sortable=False,
        ),
    )


def _sentence(study: OpenedStudy, kept: Kept, truth: Truth | None) -> str:
    """Whether the forecast was right, or why that cannot be said."""
    if study.view.extensions:
        return "The study was extended since: the forecast is of what it was at its launch."
    if truth is None:
        return "The study has not finished: what it takes is not known yet."
    where = "inside" if truth.wall_seconds in kept.wall_seconds else "outside"
    words = f"The wall time is {where} the interval that held 90 % of the simulations."
    reached = study.view.stop_reached
    if reached is not None and reached.rule in BY_RESULTS:
        words += f" The rule {reached.rule}, which no forecast knows, ended the study."
    return words


def _row(name: str, cells: Iterable[Cell]) -> Row:
    return Row([Cell(name), *cells])


def _quantiles(interval: Interval) -> tuple[float, float, float]:
    return interval.low, interval.median, interval.high


def _time(seconds: float) -> Cell:
    return Cell(duration(seconds), seconds)


def _hour(hours: float) -> Cell:
    return Cell(rough(hours), hours)


def _share(share: float) -> Cell:
    return Cell(f"{100 * share:.0f} %", share)


def _place(place: int | None) -> Cell:
    return NOTHING if place is None else Cell(f"evaluation {place}", place)
