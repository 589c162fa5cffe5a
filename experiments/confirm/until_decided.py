"""A confirmation that adds seeds until a sequential rule decides between tuned and default.

The rule is journaled before the first run, each look when its runs have finished, and only then the
seeds up to the next look. So a confirmation that is killed and resumed takes the same looks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oneshot_hpo.experiments.compare.sources import values_of
from oneshot_hpo.experiments.compare.statistics import compare_ranks
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.sequential.rule import (
    MOST_SEEDS,
    NAMES,
    Rule,
    make_rule,
    standing_of,
)
from oneshot_hpo.hpo import Confirmation, ConfirmationView, Rerun, TrialResult
from oneshot_hpo.hpo.confirmation_view import DEFAULT


@dataclass(frozen=True)
class UntilDecided:
    """What the user says of a rule; None: as begun, or the default."""

    most: int | None = None
    block: int | None = None
    spending: str | None = None

    def rule(self) -> Rule:
        """The rule that this begins. UserError: it could never decide, or is unknown."""
        return make_rule(self.most or MOST_SEEDS, self.block, self.spending or "obrien-fleming")


class DecidingConfirmation(Confirmation):
    """A confirmation that looks where its rule says so; without a rule, a plain one."""

    def tell(self, run: Rerun, result: TrialResult) -> None:
        """Record a result; with the last one before a look, take it and plan the next seeds."""
        super().tell(run, result)
        self.look_if_due()

    def look_if_due(self) -> None:
        """Take the look whose runs have finished; plan the seeds of the next one if it needs them.

        Raises StudyUnwritable.
        """
        name, due = self.tuned, self.next_look
        if name is None or due is None:
            return
        if all(self.has_results(one, due) for one in (DEFAULT, name)):
            alone = p_value_of(self, name, due)
            standing = standing_of(self)
            assert standing is not None  # there is a look, so there is a rule
            level = standing.rule.levels[standing.looks]
            self.record_look(alone, decided=alone < level)
            due = self.next_look
        if due is not None:
            self.plan_both(due)

    def plan_both(self, seeds: int) -> None:
        """Plan so many seeds of the default and of the tuned setting, which were planned before."""
        for name in (DEFAULT, self.tuned):
            if name is not None and name in self.settings:
                setting = self.settings[name]
                self.plan(name, setting.config, seeds, tuned=name == self.tuned)


def p_value_of(confirmation: ConfirmationView, name: str, seeds: int) -> float:
    """The p value of a setting against the default with seeds number 0 to seeds - 1."""
    tuned, default = (
        np.array([values_of(confirmation, one)[number] for number in range(seeds)])
        for one in (name, DEFAULT)
    )
    # Pairs are tested exactly or by a normal approximation, never by random permutations.
    return compare_ranks(tuned, default, paired=True, rng=np.random.default_rng(0)).p_value


def looks_line(confirmation: ConfirmationView) -> str | None:
    """How far a rule has come, in a line that says nothing of the results; None: there is none."""
    standing = standing_of(confirmation)
    if standing is None:
        return None
    taken = f"look {standing.looks} of {len(standing.rule.looks)}"
    if standing.ended:
        return f"the rule has ended: {taken}, {standing.seeds} of {standing.rule.looks[-1]} seeds"
    return f"{taken} taken; the next at {standing.next_seeds} seeds"


def check_rule(
    confirmation: ConfirmationView | None, tuned: str, wanted: UntilDecided | None, where: str
) -> Rule | None:
    """The rule to begin with; None: it has begun, or there is none.

    tuned: the setting to be confirmed now. where: the confirmation in messages.

    UserError: the wanted rule contradicts what has begun.
    """
    rules = {} if confirmation is None else confirmation.rules
    begun = rules.get(tuned)
    if wanted is None:
        return None
    if tuned == DEFAULT:
        raise UserError(f"{where}: the default stayed the best: there is nothing to decide")
    if begun is not None:
        own = Rule(begun.spending, begun.alpha, begun.looks)
        same = wanted == UntilDecided() or _asked(wanted, own) == own
        if not same:
            seeds = ", ".join(map(str, begun.looks))
            raise UserError(
                f"{where}: its rule was set before its first run: looks at {seeds} seeds, "
                f"{NAMES.get(begun.spending, begun.spending)} type; it cannot be changed now"
            )
        return None
    if confirmation is not None and tuned in confirmation.settings:
        raise UserError(
            f"{where}: {tuned} was planned without a rule; --until-decided begins before the first "
            "run of the tuned setting"
        )
    return wanted.rule()


def _asked(wanted: UntilDecided, begun: Rule) -> Rule:
    """The rule that the wanted words mean, where they leave the rest to what has begun."""
    most = wanted.most or begun.looks[-1]
    spending = wanted.spending or begun.spending
    if wanted.block is None and most == begun.looks[-1] and spending == begun.spending:
        return begun
    return make_rule(most, wanted.block, spending, begun.alpha)
