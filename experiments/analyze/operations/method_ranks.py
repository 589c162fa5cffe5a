"""How reliably a table ranks search methods: whether comparisons that are repeated agree.

Black-box methods search the table; ten repetitions of each are a comparison, which ranks them by
their mean test error. Two independent comparisons agree by Kendall's tau of their rankings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from oneshot_hpo.experiments.baselines.plan import make_plan
from oneshot_hpo.experiments.baselines.search import TableObjective, search
from oneshot_hpo.hpo.incumbent import incumbent_places
from oneshot_hpo.search_spaces import SpaceId

METHODS = ("rs", "re", "reinforce", "tpe")
EVALUATIONS = 100
REPETITIONS = 10
"""Of a method in a comparison."""
_PAIRS = 20  # of comparisons
_SETTINGS = ("re.population=20", "re.sample=5")  # for so few evaluations


@dataclass(frozen=True)
class MethodRanks:
    """How methods are ranked on a table."""

    medians: dict[str, float]
    """By method, the median test error of what it found, as `Table.mean_errors` has it."""
    agreement: float
    """The mean of Kendall's tau over pairs of comparisons; 1: every comparison ranks alike."""
    standard_error: float


def rank_methods(table: str, space: SpaceId, seed: int) -> MethodRanks:
    """Search a table of all cells of a space with each method; see this module."""
    plan = make_plan(
        table=table,
        spaces=[str(space)],
        methods=",".join(METHODS),
        overrides=_SETTINGS,
        evaluations=EVALUATIONS,
        repetitions=2 * _PAIRS * REPETITIONS,
        seed=seed,
        objective="mean",
    )
    objective = TableObjective.of_table(table, space)

    found: dict[str, list[np.ndarray]] = {method: [] for method in METHODS}
    for block in plan.blocks:
        trace = search(plan, block, objective)
        last = incumbent_places(trace.losses, trace.budgets)[:, -1]
        cells = trace.cells[np.arange(block.count), last]
        found[block.method].append(objective.test_errors[cells])
    errors = np.stack([np.concatenate(found[method]) for method in METHODS])

    return MethodRanks(
        {method: float(np.median(one)) for method, one in zip(METHODS, errors, strict=True)},
        *agreement_of(errors),
    )


def agreement_of(errors: np.ndarray) -> tuple[float, float]:
    """Mean Kendall's tau of pairs of independent comparisons, and its standard error.

    errors: float (methods, repetitions), the repetitions a multiple of 2 REPETITIONS.
    """
    comparisons = errors.reshape(len(errors), -1, 2, REPETITIONS).mean(-1)
    taus = [
        stats.kendalltau(comparisons[:, pair, 0], comparisons[:, pair, 1]).statistic
        for pair in range(comparisons.shape[1])
    ]
    values = np.nan_to_num(taus)  # all methods alike: no ranking
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
