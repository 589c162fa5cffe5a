"""The plan of a study: all of its brackets and rungs, with what extensions have added."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import NamedTuple

from oneshot_hpo.hpo.brackets import Rung, bracket, rung_budgets
from oneshot_hpo.hpo.errors import InvalidSettings
from oneshot_hpo.hpo.settings import CONTINUE, OptimizerSettings

_MOST = 10**12
"""The largest max_budget that settings may have; beyond it, a rung is no use in a message."""


class Ladder(NamedTuple):
    """The rungs that brackets have from one bracket on."""

    first: int
    """The first bracket with them; cycles of brackets are counted from it."""
    settings: OptimizerSettings


@dataclass(frozen=True)
class Plan:
    """Everything that a study has to evaluate; it grows with each extension, and never shrinks."""

    ladders: tuple[Ladder, ...]
    """The first is the one that the study was launched with; each later one has a rung more."""
    default_budgets: tuple[int | float, ...]
    """Budgets at which the default is evaluated in no bracket, in the order of evaluation."""

    @classmethod
    def of(cls, settings: OptimizerSettings) -> Plan:
        """The plan of a study that was not extended."""
        outside = settings.default_budget == "max"
        top = rung_budgets(settings)[-1]
        return cls((Ladder(0, settings),), (top,) if outside else ())

    @property
    def settings(self) -> OptimizerSettings:
        """The optimizer's settings, with the number of brackets and the largest budget of now."""
        return self.ladders[-1].settings

    def rungs(self, iteration: int) -> tuple[Rung, ...]:
        """The rungs of a bracket, lowest budget first.

        A bracket keeps the rungs with which it started, and gets those that were added above them
        later: floor(n / eta**i) of its n configurations, at least one, run on rung i.
        """
        place = next(
            n for n in reversed(range(len(self.ladders))) if self.ladders[n].first <= iteration
        )
        cycle = _cycle(self.ladders[place:])
        return cycle[(iteration - self.ladders[place].first) % len(cycle)]

    def room(self, iteration: int) -> int:
        """Configurations that a bracket starts with, without a default that is one of them."""
        default = iteration == 0 and self.settings.default_budget == "min"
        return self.rungs(iteration)[0].size - default

    @cached_property
    def total_evaluations(self) -> int:
        """Number of runs: those of all brackets, and of a default that is in none."""
        ends = [*(ladder.first for ladder in self.ladders[1:]), self.settings.iterations]
        total = len(self.default_budgets)
        for number, (ladder, end) in enumerate(zip(self.ladders, ends, strict=True)):
            sizes = [sum(rung.size for rung in one) for one in _cycle(self.ladders[number:])]
            cycles, rest = divmod(end - ladder.first, len(sizes))
            total += cycles * sum(sizes) + sum(sizes[:rest])
        return total

    def with_brackets(self, more: int) -> Plan:
        """The plan with more brackets. Raises InvalidSettings when they are too many."""
        *before, (first, settings) = self.ladders
        longer = replace(settings, iterations=settings.iterations + more)
        return replace(self, ladders=(*before, Ladder(first, longer)))

    def with_rung(self, budget: int | float, *, started: int, defaults: int) -> Plan:
        """The plan with a rung on top of all brackets.

        Brackets that have started get it above the rungs that they have. Those that have not are
        brackets of the taller ladder, from its first kind on. A default that is in no bracket is
        evaluated at the new budget, too.

        started: number of brackets that have. defaults: evaluations of a default outside of
        brackets that have started. Raises InvalidSettings when the budget is not eta times the
        largest, or with `promotion: continue`.
        """
        settings = self.settings
        top = rung_budgets(settings)[-1]
        if settings.promotion == CONTINUE:
            raise InvalidSettings(
                f"max_budget stays {top} with promotion continue: all searches have its schedules"
            )
        fitting = Fraction(top) * Fraction(settings.eta)
        if Fraction(budget) != fitting:
            whole = fitting.denominator == 1
            words = "too many" if fitting > _MOST else int(fitting) if whole else float(fitting)
            raise InvalidSettings(
                f"max_budget {budget} does not fit eta: the rung above {top} has {words} "
                f"(eta {settings.eta} times as much)"
            )
        taller = Ladder(started, replace(settings, max_budget=budget))
        budgets = self.default_budgets
        if settings.default_budget == "max":
            budgets = (*budgets[:defaults], budget)
        return Plan((*self.ladders, taller), budgets)


@lru_cache(maxsize=64)
def _cycle(ladders: tuple[Ladder, ...]) -> tuple[tuple[Rung, ...], ...]:
    """The distinct brackets of the first ladder, with the rungs that the others have on top."""
    own, *later = ladders
    tops = [rung_budgets(ladder.settings)[-1] for ladder in later]
    kinds = range(len(rung_budgets(own.settings)))
    return tuple(_with_tops(bracket(own.settings, i), tops, own.settings.eta) for i in kinds)


def _with_tops(
    rungs: tuple[Rung, ...], tops: Sequence[int | float], eta: int | float
) -> tuple[Rung, ...]:
    n, height = rungs[0].size, len(rungs)
    added = [
        Rung(budget, max(math.floor(n / Fraction(eta) ** (height + i)), 1))
        for i, budget in enumerate(tops)
    ]
    return (*rungs, *added)
