"""A forecast that a study keeps in its journal's header, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oneshot_hpo.checks import number
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.forecast.forecasting import Interval
from oneshot_hpo.experiments.study.folder import FORECAST
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.outcome import objective_seconds, search_seconds
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.hpo.brackets import total_evaluations

_INTERVALS = ("wall_seconds", "gpu_hours")
_NUMBERS = ("idle_share", "first_model_pick", "evaluations", "workers", "simulations")
_PLAN = ("planned_evaluations", "stop")
"""What a forecast rests on, beside the workers."""

_is_number = number(low=0).test


def read_kept(path: Path, spec: StudySpec) -> dict[str, Any]:
    """The forecast of a frozen study in the output of `oneshot-hpo forecast --json`.

    In a grid's output it is that of the member with the study's name. UserError: the file cannot be
    read, or its forecast is of another study.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if "studies" in document:
            document = document["studies"].get(spec.name)
            if document is None:
                raise UserError(f"--forecast {path}: has no study {spec.name}")
        kept = {name: document[name] for name in (*_INTERVALS, *_NUMBERS, *_PLAN, "basis")}
        Kept.read(kept)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(
            f"--forecast {path}: give a file with the output of oneshot-hpo forecast --json"
        ) from None

    _check_same(kept, spec, f"--forecast {path}: is of a study with")
    return kept


def _check_same(kept: Mapping[str, Any], spec: StudySpec, message: str) -> None:
    """UserError: what is planned differs."""
    evaluations = total_evaluations(spec.optimizer_settings)
    for name, found, wanted in (
        ("evaluations", kept["planned_evaluations"], evaluations),
        ("workers", kept["workers"], spec.workers or 1),
    ):
        if found != wanted:
            raise UserError(f"{message} {found} {name}, this one has {wanted}")
    if kept["stop"] != spec.stop.rules:
        raise UserError(f"{message} other stop rules")


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The forecast in a journal's header."""

    wall_seconds: Interval
    gpu_hours: Interval
    idle_share: float
    first_model_pick: int | None
    basis: str

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Kept:
        """Raises ValueError, KeyError or TypeError for a document that holds no forecast."""
        for name in _NUMBERS:
            unknown = name == "first_model_pick" and document[name] is None
            if not unknown and not _is_number(document[name]):
                raise ValueError(name)
        return cls(
            wall_seconds=_interval(document["wall_seconds"]),
            gpu_hours=_interval(document["gpu_hours"]),
            idle_share=document["idle_share"],
            first_model_pick=document["first_model_pick"],
            basis=str(document["basis"]),
        )


def _interval(document: Mapping[str, Any]) -> Interval:
    found = Interval(document["low"], document["median"], document["high"])
    if not all(map(_is_number, (found.low, found.median, found.high))):
        raise ValueError("interval")
    return found


def kept_forecast(study: OpenedStudy) -> Kept | None:
    """The forecast that a study was launched with; None: it has none."""
    document = study.view.header.get(FORECAST)
    if document is None:
        return None
    try:
        return Kept.read(document)
    except (ValueError, KeyError, TypeError):
        raise UserError(
            f"{study.folder}: the forecast in the journal's header is damaged"
        ) from None


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What a finished study took; the fields are those of a forecast."""

    wall_seconds: float
    """From the launch to the last result, pauses of the master included."""
    gpu_hours: float
    idle_share: float
    first_model_pick: int | None


def truth_of(study: OpenedStudy) -> Truth | None:
    """What a study took; None: it has not finished."""
    if not study.view.finished:
        return None
    records = [study.view.record(trial) for trial, _ in study.view.evaluations]
    ends = [one.finished_at for one in records if one.finished_at is not None]
    wall = max(ends) - study.times.created
    busy = sum(_seconds_on_workers(study))
    return Truth(
        wall_seconds=wall,
        gpu_hours=busy / 3600,
        idle_share=1 - busy / (wall * (study.spec.workers or 1)),
        first_model_pick=_first_model_pick(study),
    )


def _seconds_on_workers(study: OpenedStudy) -> list[float]:
    """Of each evaluation: its last attempt, and the epochs of earlier ones that counted."""
    found = []
    for trial, result in study.view.evaluations:
        times = study.trial_times(trial, result)
        worked = (search_seconds(result) or 0.0) + (objective_seconds(result) or 0.0)
        found.append(max(worked, times["finished"] - times["started"]))
    return found


def _first_model_pick(study: OpenedStudy) -> int | None:
    """Place in the order of start, from 1."""
    for place, (trial, _) in enumerate(study.trials, start=1):
        if study.view.record(trial).info.get("model_based_pick"):
            return place
    return None
