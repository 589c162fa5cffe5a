"""A small table of categorical choices with a known optimum."""

from __future__ import annotations

from typing import Any

import numpy as np

from oneshot_hpo.hpo.baselines import Problem, make_optimizer, settings_class

Array = np.ndarray


class Planted:
    """A problem whose loss is the mean of a cost in [0, 1] per value; costs of the optimum are 0.

    At the cheaper budgets costs are off by up to 0.1 and 0.2, so that ranks agree in part.
    """

    budgets = (1, 5, 25)

    def __init__(self, dimensions: int, values: int) -> None:
        rng = np.random.default_rng(3)
        self.choices = (values,) * dimensions
        self.optimum = rng.integers(values, size=dimensions)
        costs = rng.uniform(0.2, 1, (dimensions, values))
        costs[np.arange(dimensions), self.optimum] = 0
        self._costs = {
            budget: costs + rng.uniform(-wrong, wrong, costs.shape)
            for budget, wrong in zip(self.budgets, (0.2, 0.1, 0), strict=True)
        }

    def losses(self, configurations: Array, budget: float) -> Array:
        """(R,) of (R, d)."""
        costs: Array = self._costs[int(budget)][np.arange(len(self.choices)), configurations]
        return costs.mean(axis=1)

    def problem(self, evaluations: int) -> Problem:
        return Problem(
            choices=self.choices,
            budgets=self.budgets,
            evaluations=evaluations,
            noisy=False,
            features={"parameters": self.scores()},
        )

    def scores(self) -> Array:
        """(C,) a score of every configuration, of which larger is better: it agrees in part."""
        every = np.indices(self.choices).reshape(len(self.choices), -1).T
        return -self.losses(every, self.budgets[0])


def seeds(repetitions: int) -> list[np.random.SeedSequence]:
    return [np.random.SeedSequence([1, repetition]) for repetition in range(repetitions)]


def run(
    method: str,
    planted: Planted,
    evaluations: int,
    repetitions: list[np.random.SeedSequence],
    **settings: Any,
) -> tuple[Array, Array, Array]:
    """Configurations (R, T, d), losses (R, T) and budgets (T,) of all that fit the budget."""
    problem = planted.problem(evaluations)
    optimizer = make_optimizer(method, problem, settings_class(method)(**settings), repetitions)
    configurations, losses, budgets = [], [], []
    left = evaluations * problem.full
    while left >= problem.budgets[0]:
        proposal = optimizer.ask()
        left -= proposal.budget
        if left < 0:
            break
        configurations.append(proposal.configurations.copy())
        budgets.append(proposal.budget)
        losses.append(planted.losses(proposal.configurations, proposal.budget))
        optimizer.tell(losses[-1])
    return np.stack(configurations, axis=1), np.stack(losses, axis=1), np.array(budgets)


def best_full_loss(
    method: str, planted: Planted, evaluations: int, repetitions: int, **settings: Any
) -> Array:
    """The lowest loss of a full evaluation, (R,)."""
    _, losses, budgets = run(method, planted, evaluations, seeds(repetitions), **settings)
    return losses[:, budgets == planted.budgets[-1]].min(axis=1)
