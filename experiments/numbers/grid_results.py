"""The results of a grid's studies: methods by condition.

What a grid varies is a condition (space, data, table and seed, which are not a method's own) or
belongs to the method (searcher, configuration space, any other key).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oneshot_hpo.experiments.compare.comparing import SEED
from oneshot_hpo.experiments.compare.method_ranks import MethodRanks, method_ranks
from oneshot_hpo.experiments.compare.sources import confirmed_study
from oneshot_hpo.experiments.compare.statistics import Comparison, Question, compare_all
from oneshot_hpo.experiments.errors import NotEnoughData, UserError
from oneshot_hpo.experiments.grids.grid import Grid
from oneshot_hpo.experiments.numbers.sample import REGRET, Sample, matched
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.experiments.wording import number
from oneshot_hpo.hpo.confirmation_view import DEFAULT

Array = NDArray[np.float64]

SEED_KEY = "seed"
CONDITIONS = ("space", "dataset", "table", SEED_KEY)
"""Keys of a study file that are conditions of a comparison."""


@dataclass(frozen=True)
class GridStudy:
    """The result of one study of a grid."""

    name: str
    method: str
    place: str
    """Its condition without the seed: "space 1"."""
    seed: str
    value: float
    """Median test regret of the tuned setting over fresh seeds, or the incumbent's of one search;
    infinite where most searches crashed."""
    gain: float | None
    """The default's value minus this one; None: the default has none."""
    comparison: Comparison | None
    """Tuned with default, p values for all studies of the grid together; None: not confirmed, or
    the default stayed the best."""


@dataclass(frozen=True, eq=False)
class GridResults:
    """The finished studies of a grid."""

    methods: list[str]
    places: list[str]
    studies: list[GridStudy]
    confirmed: bool
    """Whether values are of confirmations; else of one search each."""
    left_out: list[str]
    """Names of studies without a result."""

    @property
    def ranks(self) -> MethodRanks:
        """Ranks of the methods over places and seeds. NotEnoughData: nothing can be ranked."""
        conditions = list(dict.fromkeys((one.place, one.seed) for one in self.studies))
        values = np.full((len(conditions), len(self.methods)), np.nan)
        for one in self.studies:
            row, column = conditions.index((one.place, one.seed)), self.methods.index(one.method)
            values[row, column] = one.value
        try:
            return method_ranks(self.methods, values)
        except ValueError as reason:
            raise NotEnoughData(str(reason)) from None

    def cell(self, method: str, place: str) -> list[GridStudy]:
        """The studies of a method at a place, one a seed."""
        return [one for one in self.studies if (one.method, one.place) == (method, place)]


def grid_results(grid: Grid, folder: Path) -> GridResults:
    """Read the results of a grid. UserError: no study has one, or they have no test regret."""
    opened = {
        member.name: OpenedStudy(folder / member.name, source=member.name)
        for member in grid.members
        if (folder / member.name / "journal.jsonl").is_file()
    }
    with_result = {name: study for name, study in opened.items() if _incumbent(study) is not None}
    if not with_result:
        raise UserError(f"{folder}: no study of this grid has a result with a test regret yet")
    confirmed = all(_is_confirmed(study) for study in with_result.values())

    samples = {name: _samples(study) for name, study in with_result.items()} if confirmed else {}
    questions = {
        name: Question(*matched(tuned, default))
        for name, (tuned, default) in samples.items()
        if default is not None
    }
    answers = dict(zip(questions, compare_all(list(questions.values()), SEED), strict=True))

    values = {member.name: member.values for member in grid.members}
    studies = [
        _study(name, study, values[name], samples.get(name), answers.get(name))
        for name, study in with_result.items()
    ]
    return GridResults(
        methods=list(dict.fromkeys(one.method for one in studies)),
        places=list(dict.fromkeys(one.place for one in studies)),
        studies=studies,
        confirmed=confirmed,
        left_out=[member.name for member in grid.members if member.name not in with_result],
    )


def _study(
    name: str,
    study: OpenedStudy,
    values: Mapping[str, Any],
    samples: tuple[Sample, Sample | None] | None,
    comparison: Comparison | None,
) -> GridStudy:
    if samples is not None:
        tuned, default = samples
        value = float(np.median(tuned.values))
        gain: float | None = 0.0
        if default is not None:
            gain = float(np.median(default.values)) - value
    else:
        found = _incumbent(study)
        assert found is not None
        value = found
        was = None if study.view.baseline is None else _regret(study.view.baseline[1])
        gain = None if was is None else was - value
    return GridStudy(
        name=name,
        method=_words(values, [key for key in values if key not in CONDITIONS]) or "the study",
        place=_words(values, [key for key in CONDITIONS if key in values and key != SEED_KEY])
        or "all",
        seed=str(values.get(SEED_KEY, "")),
        value=value,
        gain=gain,
        comparison=comparison,
    )


def _words(values: Mapping[str, Any], keys: Sequence[str]) -> str:
    """Some of the values that vary: a word speaks for itself, a number has its key."""
    words = []
    for key in keys:
        value = values[key]
        is_word = isinstance(value, str)
        words.append(
            value.rpartition("/")[2] if is_word else f"{key.split('.')[-1]} {number(value)}"
        )
    return ", ".join(words)


def _samples(study: OpenedStudy) -> tuple[Sample, Sample | None]:
    """The samples of the tuned setting and of the default; None: the default is the tuned one."""
    confirmed = confirmed_study(study, all_crashed=True)
    return confirmed.main, confirmed.default


def _is_confirmed(study: OpenedStudy) -> bool:
    own = study.confirmation
    if own is None or own.tuned is None:
        return False
    return all(own.results_of(name) for name in (own.tuned, DEFAULT)) and (
        confirmed_study(study, all_crashed=True).main.measure == REGRET
    )


def _incumbent(study: OpenedStudy) -> float | None:
    """The test regret of a study's incumbent; None: there is no such number."""
    return None if study.view.incumbent is None else _regret(study.view.incumbent[1])


def _regret(result: Any) -> float | None:
    return Outcome.from_result(result).regret
