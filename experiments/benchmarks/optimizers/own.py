"""This project's BOHB: the master of studies, with the settings that a study file has."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from oneshot_hpo.experiments.benchmarks.optimizers.clock import Proposal
from oneshot_hpo.experiments.benchmarks.optimizers.problem import Problem
from oneshot_hpo.experiments.study.prior_section import WIDTHS
from oneshot_hpo.hpo.bohb.master import BOHBMaster, Run
from oneshot_hpo.hpo.brackets import bracket
from oneshot_hpo.hpo.replicate import most_wanted
from oneshot_hpo.hpo.settings import OptimizerSettings
from oneshot_hpo.hpo.trial import Trial, TrialId, TrialResult


class Variant(NamedTuple):
    """What differs from a new study."""

    settings: Mapping[str, Any]
    """Of `OptimizerSettings`."""
    is_planned: bool = False
    """Whether it is a study of as many brackets as the cost pays for, whose workers run out of work
    at the end; else the next bracket starts whenever a worker is free."""


def _prior(method: str, confidence: str) -> Variant:
    return Variant({"user_prior": {"method": method, "width": WIDTHS[confidence]}})


VARIANTS: Mapping[str, Variant] = {
    "bohb": Variant({}),
    "bohb-small-brackets": Variant({"bracket_sizes": "hpbandster"}),
    "bohb-hpbandster-generator": Variant({"generator": "hpbandster"}),
    "bohb-random-0": Variant({"random_fraction": 0.0}),
    "bohb-random-0.1": Variant({"random_fraction": 0.1}),
    "bohb-random-1": Variant({"random_fraction": 1.0}),  # Hyperband
    "bohb-bandwidth-0.03": Variant({"min_bandwidth": 0.03}),
    "bohb-bandwidth-0.1": Variant({"min_bandwidth": 0.1}),
    "bohb-bandwidth-0.3": Variant({"min_bandwidth": 0.3}),
    "bohb-factor-1": Variant({"bandwidth_factor": 1.0}),
    "bohb-top-30": Variant({"top_n_percent": 30}),
    "bohb-planned": Variant({}, is_planned=True),
    "bohb-replicates": Variant({"replicates": "report"}, is_planned=True),
    "bohb-replicates-in-model": Variant({"replicates": "model"}, is_planned=True),
    "bohb-prior-weak": _prior("sampling", "weak"),
    "bohb-prior-medium": _prior("sampling", "medium"),
    "bohb-prior-strong": _prior("sampling", "strong"),
    "bohb-prior-acquisition-weak": _prior("acquisition", "weak"),
    "bohb-prior-acquisition-medium": _prior("acquisition", "medium"),
    "bohb-prior-acquisition-strong": _prior("acquisition", "strong"),
}

_UNPLANNED = 1_000_000  # brackets: more than any run has time for


def needs_known_default(name: str) -> bool:
    """Whether a variant means nothing where the default is nobody's choice."""
    return "user_prior" in VARIANTS[name].settings


def brackets_within(problem: Problem, settings: OptimizerSettings, cost: float) -> int:
    """The number of brackets that a cost pays for besides the default, at least one.

    Every configuration costs the mean of the table at its fidelity, or what is missing to it.
    """
    costs = problem.costs.mean(axis=0) / problem.full_cost
    left, number = cost - 1, 0
    while True:
        before = 0.0
        for rung in bracket(settings, number):
            each = float(costs[problem.fidelity(rung.budget)])
            left -= rung.size * (each - before)
            before = each if problem.continues else 0.0
        if left < 0:
            return max(number, 1)
        number += 1


class OwnBOHB:
    """The real BOHBMaster; replicates as the loop of a study starts and records them."""

    evaluates_default = True

    def __init__(self, problem: Problem, seed: int, cost: float, variant: Variant) -> None:
        settings = OptimizerSettings(
            min_budget=problem.budgets[0],
            max_budget=problem.budgets[-1],
            eta=problem.eta,
            iterations=_UNPLANNED,
            seed=seed,
            **variant.settings,
        )
        if variant.is_planned:
            planned = brackets_within(problem, settings, cost)
            settings = dataclasses.replace(settings, iterations=planned)
        self._settings = settings
        self._master = BOHBMaster(problem.space, self._settings)
        self._seq = 0
        self._full: list[tuple[Trial, TrialResult]] = []  # finished at the largest budget
        self._replicated: Counter[tuple[TrialId, int | float]] = Counter()
        self._losses: dict[TrialId, list[float]] = {}

    def ask(self) -> Proposal | None:
        """The master's next run."""
        run = self._master.next_run(self._seq)
        if run is None:
            return None
        self._seq += 1
        return Proposal(str(run.id), run.config, run.budget, token=run)

    def tell(self, proposal: Proposal, loss: float | None) -> None:
        """Tell the master; of a replicate, if the settings say so."""
        token = proposal.token
        if isinstance(token, Trial):
            self._tell_replicate(token, loss)
            return
        run: Run = token
        self._master.tell(
            self._seq, run.id, run.config, run.budget, loss=loss, exception=None, timestamps={}
        )
        if run.budget == self._settings.max_budget and loss is not None:
            trial = Trial(run.id, run.budget, run.config, self._seq, attempt=0, seed=0)
            self._full.append((trial, TrialResult(loss)))
            self._losses[run.id] = [loss]
        self._seq += 1

    def replicate(self) -> Proposal | None:
        """A fresh seed of one of the best configurations."""
        if self._settings.replicates == "none":
            return None
        trial = most_wanted(self._full, self._settings.max_budget, self._replicated)
        if trial is None:
            return None
        self._replicated[trial.id, trial.budget] += 1
        return Proposal(str(trial.id), trial.config, trial.budget, token=trial)

    def give_up(self, proposal: Proposal) -> None:
        """The configuration is wanted again."""
        self._replicated[proposal.token.id, proposal.token.budget] -= 1

    def close(self) -> None:
        """Nothing to end."""

    def _tell_replicate(self, trial: Trial, loss: float | None) -> None:
        if loss is None or self._settings.replicates != "model":
            return
        losses = self._losses[trial.id]
        losses.append(loss)
        self._master.replace_loss(self._seq, trial.config, trial.budget, losses)
