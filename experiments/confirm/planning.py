"""The settings of a confirmation, and how many seeds each gets."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from oneshot_hpo.experiments.confirm.until_decided import (
    DecidingConfirmation,
    UntilDecided,
    check_rule,
)
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.sequential.rule import Rule
from oneshot_hpo.experiments.study.folder import CONFIRMATION as FOLDER
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.hpo.confirmation_view import DEFAULT

SEEDS = 10
"""Seeds per setting by default."""


@dataclasses.dataclass(frozen=True)
class PlannedSetting:
    """A setting to run."""

    name: str
    config: dict[str, object]
    tuned: bool = False


def rule_to_begin(
    study: OpenedStudy,
    settings: Sequence[PlannedSetting],
    seeds: int | None,
    until_decided: UntilDecided | None,
) -> Rule | None:
    """The rule to begin with; None: there is none, or it has begun.

    UserError: a rule and a number of seeds contradict each other, or as `check_rule`.
    """
    where = str(study.folder / FOLDER)
    tuned = next(planned.name for planned in settings if planned.tuned)
    if until_decided is not None and any(
        planned.name != DEFAULT and not planned.tuned for planned in settings
    ):
        raise UserError("--until-decided decides between tuned and default; leave --setting out")
    begun = study.confirmation is not None and tuned in study.confirmation.rules
    if seeds is not None and (begun or until_decided is not None):
        raise UserError(f"{where}: its sequential rule says how many seeds; leave --seeds out")
    return check_rule(study.confirmation, tuned, until_decided, where)


def plan_settings(
    confirmation: DecidingConfirmation,
    settings: Sequence[PlannedSetting],
    seeds: int | None,
    rule: Rule | None,
) -> int:
    """Plan the settings: with their number of seeds, which is returned, or what a rule allows."""
    tuned = next(planned.name for planned in settings if planned.tuned)
    if rule is not None:
        confirmation.set_rule(tuned, spending=rule.spending, alpha=rule.alpha, looks=rule.looks)
    before = confirmation.settings.get(DEFAULT)
    wanted = seeds or (before.seeds if before else SEEDS)
    if tuned in confirmation.rules:
        wanted = confirmation.paid_seeds(tuned)
    for planned in settings:
        confirmation.plan(planned.name, planned.config, wanted, tuned=planned.tuned)
    confirmation.look_if_due()
    return wanted
