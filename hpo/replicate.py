"""Replicates: the best configurations again with fresh seeds, on workers that have nothing to do.

They are no decisions of the optimizer, which sees them only with `replicates: model`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from oneshot_hpo.hpo.trial import BASELINE_ID, Trial, TrialId, TrialResult

BEST = 4
"""How many of the best configurations are replicated, besides the default."""

ReplicateKey = tuple[TrialId, int | float, int]
"""(id of its configuration, budget, number)."""


@dataclass(frozen=True)
class Replicate:
    """A configuration that has finished at the largest budget, with another seed."""

    id: TrialId
    """The id of the configuration."""
    budget: int | float
    number: int
    """Its number among the replicates of the configuration, from 1."""
    config: dict[str, Any]
    seed: int
    """That of the confirmation's run of this number, so that replicates of different configurations
    are pairs, and a confirmation need not run them again."""

    @property
    def key(self) -> str:
        """`<id>/<budget>/<number>`, unique in the study; also the name of its folder."""
        name = "baseline" if self.id == BASELINE_ID else "-".join(map(str, self.id))
        return f"{name}/{self.budget}/{self.number}"


def most_wanted(
    evaluations: Sequence[tuple[Trial, TrialResult]],
    budget: int | float,
    started: Counter[tuple[TrialId, int | float]],
) -> Trial | None:
    """The trial to replicate next: of the BEST at this budget and the default, the one with fewest.

    started: the numbers of replicates that have started. Ties go to the lowest loss, then to the
    default. None: no trial has a loss at this budget.
    """
    done = [
        (result.loss, trial)
        for trial, result in evaluations
        if trial.budget == budget and result.loss is not None
    ]
    done.sort(key=lambda pair: (pair[0], pair[1].seq))
    ranked = [trial for _, trial in done]
    default = [trial for trial in ranked if trial.id == BASELINE_ID]
    wanted = [*ranked[:1], *default, *ranked[1:BEST]]
    return min(wanted, key=lambda trial: started[trial.id, trial.budget], default=None)
