"""The noise of a study's loss between seeds: what an improvement has to exceed to count as one.

A study's confirmation measures it, as it searches with the same settings and many seeds. Before
there is one, the table gives the part that comes from training a found architecture: its deviation
between repeats, among good architectures.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.objectives.section import LOSS, TEST, loss_name
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.hpo import has_confirmation, read_confirmation
from oneshot_hpo.hpo.seed_noise import pooled_variance

_SET_IT = "set stop.noise to the deviation of the loss between seeds"


class Noise(NamedTuple):
    """A standard deviation of the loss between seeds."""

    value: float
    source: str
    """Where it is from, in words."""


def needed_noise(spec: StudySpec, confirmation: Path | None = None) -> Noise | None:
    """Like `noise_of`, but None where no rule counts by noise."""
    return noise_of(spec, confirmation) if spec.stop.no_improvement is not None else None


def noise_of(spec: StudySpec, confirmation: Path | None = None) -> Noise:
    """The noise by which `stop.no_improvement` counts: as set, of the confirmation or of the table.

    confirmation: the folder of the study's, in which there may be none. UserError: nothing gives
    it.
    """
    if spec.stop.noise is not None:
        return Noise(float(spec.stop.noise), "as set")
    if confirmation is not None and (found := _of_confirmation(confirmation)) is not None:
        return Noise(found, "of the confirmation")
    return Noise(_of_table(spec), "of the table")


def _of_confirmation(folder: Path) -> float | None:
    """The deviation of the loss between seeds, pooled over settings; None: not enough runs."""
    if not has_confirmation(folder):
        return None
    view = read_confirmation(folder)
    runs = ([result for _, result in view.results_of(name).values()] for name in view.settings)
    losses = ([one.loss for one in own if one.loss is not None] for own in runs)
    variance, degrees = pooled_variance(losses)
    return math.sqrt(variance) if degrees else None


def _of_table(spec: StudySpec) -> float:
    """The deviation of an error between a table's repeats. UserError: it does not give one."""
    from oneshot_hpo.search_spaces import get_space, load_table

    name = loss_name(spec.objective)
    if name == LOSS:
        raise UserError(f"stop.no_improvement: the objective's noise is not known: {_SET_IT}")
    if spec.table is None or spec.space is None:
        raise UserError(f"stop.no_improvement: there is no table to take noise from: {_SET_IT}")
    table, space = load_table(spec.table), get_space(spec.space)
    split = table.test_split if name == TEST else "valid"
    found = table.noise(split, table.entries(space))
    if found is None:
        raise UserError(
            f"stop.no_improvement: the table of {table.name} has one training of each cell, which "
            f"shows no noise: {_SET_IT}"
        )
    return found
