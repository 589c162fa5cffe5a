"""Hyperband (Li et al. 2018, Algorithm 1) with the brackets of this project's studies."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np

from oneshot_hpo.hpo.baselines.optimizer import (
    Draws,
    Floats,
    Integers,
    InvalidBaseline,
    Optimizer,
    Problem,
    Proposal,
)
from oneshot_hpo.hpo.brackets import bracket, rung_budgets
from oneshot_hpo.hpo.errors import InvalidSettings
from oneshot_hpo.hpo.settings import OptimizerSettings


@dataclass(frozen=True, kw_only=True)
class HyperbandSettings:
    """Settings of Hyperband."""

    min_budget: int | None = None
    """Budget of the lowest rung; null: the lowest of the problem."""
    eta: int | None = None
    """One of eta configurations is promoted; null: the factor between the problem's budgets."""
    bracket_sizes: str = "paper"
    """Configurations per bracket: paper (Li et al. 2018) or hpbandster."""

    def for_problem(self, problem: Problem) -> OptimizerSettings:
        """The settings in the form that studies use. Raises InvalidBaseline if they do not fit."""
        known = problem.budgets
        if len(known) < 2:
            raise InvalidBaseline(
                f"brackets need several budgets, and there is only {problem.full}: leave out "
                "hyperband and bohb, or choose a table with more"
            )

        eta = self.eta if self.eta is not None else max(round(known[-1] / known[-2]), 2)
        try:
            settings = OptimizerSettings(
                min_budget=known[0] if self.min_budget is None else self.min_budget,
                max_budget=problem.full,
                eta=eta,
                iterations=1,
                **self._more(),
            )
        except InvalidSettings as error:
            raise InvalidBaseline(str(error)) from None

        missing = [budget for budget in rung_budgets(settings) if budget not in known]
        if missing:
            raise InvalidBaseline(
                f"eta {eta} needs budget {missing[-1]:g}, but there are only "
                f"{', '.join(map(str, known))}"
            )

        first = bracket(settings, 0)
        cost = sum(rung.budget * rung.size for rung in first) / problem.full
        if cost > problem.evaluations:
            raise InvalidBaseline(
                f"the first bracket takes {cost:g} evaluations, but only {problem.evaluations} are "
                "planned"
            )
        return settings

    def _more(self) -> dict:
        return {"bracket_sizes": self.bracket_sizes}


class Hyperband(Optimizer):
    """Brackets of successive halving, one after another without end.

    No evaluation crashes, so all repetitions are on the same rung of the same bracket. Ties go to
    the older configuration; promoted configurations keep the order of their first runs.
    """

    def __init__(
        self,
        problem: Problem,
        settings: HyperbandSettings,
        seeds: Sequence[np.random.SeedSequence],
    ) -> None:
        super().__init__(problem, seeds)
        self._settings = settings.for_problem(problem)
        self._draws = Draws(seeds)
        self._losses: Floats | None = None
        self._runs = self._brackets()

    def ask(self) -> Proposal:
        """The next run of the bracket."""
        self._proposal = next(self._runs)
        return self._proposal

    def tell(self, losses: Floats) -> None:
        """Keep the losses, which decide the promotions when the rung is complete."""
        self._losses = losses

    def _brackets(self) -> Generator[Proposal]:
        for iteration in itertools.count():
            rungs = bracket(self._settings, iteration)
            configurations: list[Integers] = []
            for number, rung in enumerate(rungs):
                losses = []
                for i in range(rung.size):
                    if number == 0:
                        configurations.append(self._new_configurations())
                    yield Proposal(configurations[i], rung.budget)
                    assert self._losses is not None, "tell comes between two asks"
                    losses.append(self._losses)
                if number + 1 < len(rungs):
                    configurations = _promoted(configurations, losses, rungs[number + 1].size)

    def _new_configurations(self) -> Integers:
        """One random configuration per repetition, to start a bracket with."""
        return self._draws.below(self.choices, len(self.choices))


def _promoted(configurations: list[Integers], losses: list[Floats], count: int) -> list[Integers]:
    """The `count` best of n configurations, (R, d) each, in the order in which they ran."""
    best = np.argsort(np.stack(losses, axis=1), axis=1, kind="stable")[:, :count]
    kept = np.sort(best, axis=1)
    stacked = np.stack(configurations, axis=1)
    promoted = np.take_along_axis(stacked, kept[..., None], axis=1)
    return [promoted[:, i] for i in range(count)]
