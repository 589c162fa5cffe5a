"""How much searches differ between seeds: from confirmations, earlier studies, or the table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oneshot_hpo.experiments.compare.sources import measure_of, values_of
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.forecast.journals import difference
from oneshot_hpo.experiments.objectives.section import LOSS
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.hpo import BASELINE_ID
from oneshot_hpo.hpo.confirmation_view import DEFAULT
from oneshot_hpo.search_spaces import get_space, load_table

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SeedNoise:
    """The spread of what a confirmation compares."""

    deviation: float
    """Standard deviation of the difference of a pair, tuned minus default with one seed; above 0.

    In points, or in the unit of a loss."""
    basis: str
    """Where it comes from, in words."""
    unit: str = "points"
    """Of the deviation; empty for a loss."""


def seed_noise_of(journals: Sequence[OpenedStudy], spec: StudySpec) -> SeedNoise:
    """The noise of a study's confirmation.

    From the confirmations of those journals whose searches are alike, a pilot's say; without one,
    from their defaults at the largest budget, which differ in their seed; else from the table.

    UserError: nothing here says how searches differ between seeds.
    """
    alike = [study for study in journals if difference(study.spec, spec) is None]
    found = _of_confirmations(alike) or _of_defaults(alike) or _of_table(spec)
    if found is None:
        raise UserError(
            "how much searches differ between seeds is not known here: confirm a small pilot with "
            "a few seeds and give it, --from DIR"
        )
    return found


def _of_confirmations(studies: Sequence[OpenedStudy]) -> SeedNoise | None:
    """From the pairs of tuned and default; where there are none, from the seeds of one setting."""
    groups, measures = [], set()
    for study in studies:
        confirmation = study.confirmation
        if confirmation is None or confirmation.tuned is None:
            continue
        tuned, default = (values_of(confirmation, name) for name in (confirmation.tuned, DEFAULT))
        pairs = [tuned[number] - default[number] for number in tuned.keys() & default.keys()]
        alone = confirmation.tuned == DEFAULT
        differences = math.sqrt(2) * np.array(list(default.values())) if alone else np.array(pairs)
        groups.append(differences[np.isfinite(differences)])
        measures.add(measure_of(confirmation))
    deviation, count = _pooled(groups)
    if deviation is None:
        return None
    if len(measures) > 1:
        raise UserError(f"--from: they have results of several kinds: {', '.join(measures)}")
    scale, unit = (1.0, "") if measures == {LOSS} else (100.0, "points")
    return SeedNoise(scale * deviation, f"from {count} confirmed seeds", unit)


def _of_defaults(studies: Sequence[OpenedStudy]) -> SeedNoise | None:
    """From the default's regret in studies with different seeds."""
    groups: dict[float, list[float]] = {}
    for study in studies:
        budget = study.view.settings.max_budget
        for trial, result in study.view.evaluations:
            if trial.id != BASELINE_ID or trial.budget != budget or result.crashed:
                continue
            regret = Outcome.from_result(result).regret
            if regret is not None:
                groups.setdefault(budget, []).append(regret)
    deviation, count = _pooled(np.array(values) for values in groups.values())
    if deviation is None:
        return None
    basis = f"from the default configuration in {count} studies"
    return SeedNoise(100 * math.sqrt(2) * deviation, basis)


def _of_table(spec: StudySpec) -> SeedNoise | None:
    """From trainings of one cell: a lower bound, as other seeds also find other cells."""
    if spec.table is None or spec.space is None:
        return None
    table = load_table(spec.table)
    noise = table.noise(table.test_split, table.entries(get_space(spec.space)))
    if not noise:
        return None
    basis = (
        f"from trainings of one good cell in {table.name} alone: a lower bound, as other seeds "
        "also find other cells; a pilot says more (--from)"
    )
    return SeedNoise(100 * math.sqrt(2) * noise, basis)


def _pooled(groups: Iterable[Floats]) -> tuple[float | None, int]:
    """The deviation within groups, and the values that say so; None: no group has two."""
    large = [group for group in groups if len(group) > 1]
    degrees = sum(len(group) - 1 for group in large)
    squares = sum(((group - group.mean()) ** 2).sum() for group in large)
    deviation = math.sqrt(squares / degrees) if degrees else 0.0
    return deviation or None, sum(map(len, large))
