"""Objectives that read the loss from the study's table."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.objectives.objective import Found, Objective
from oneshot_hpo.experiments.objectives.section import TEST_MEAN
from oneshot_hpo.experiments.objectives.table_outcome import valid_repeats
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.search_spaces import SearchSpace, Table

_DRAW = 1  # separates the draw of a repeat from the search, which uses the seed alone


class OfTable(Objective):
    """An objective of a study that has a table."""

    def check(self, space: SearchSpace, table: Table | None) -> None:
        """UserError: there is no table, or it lacks an entry of the space."""
        if table is None:
            raise UserError(
                "the objective is the table's error, and the study has no table: name one, or "
                "choose another objective"
            )
        table.best(space)


class Mean(OfTable):
    """The mean validation error of the table's repeats."""

    def evaluate(self, found: Found, seed: int, stop_asked: Callable[[], bool]) -> Outcome:
        """See `Objective.evaluate`."""
        return found.known()


class Draw(OfTable):
    """The validation error of one of the table's repeats, drawn by the trial's seed."""

    def evaluate(self, found: Found, seed: int, stop_asked: Callable[[], bool]) -> Outcome:
        """See `Objective.evaluate`."""
        assert found.table is not None
        repeats = valid_repeats(found.table, found.space, found.architecture)
        drawn = int(np.random.default_rng((seed, _DRAW)).integers(len(repeats)))
        return dataclasses.replace(found.known(), loss=float(repeats[drawn]), drawn_repeat=drawn)


class MeanOnTest(OfTable):
    """The mean test error of the table's repeats: selection on test."""

    def evaluate(self, found: Found, seed: int, stop_asked: Callable[[], bool]) -> Outcome:
        """See `Objective.evaluate`."""
        known = found.known()
        return dataclasses.replace(known, loss=known.test, objective=TEST_MEAN)
