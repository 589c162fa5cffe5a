"""What `analyze fidelity` finds in its pilot: agreement, cost and verdict, as words and figure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from oneshot_hpo.experiments.analyze.fidelity_gain import Draws, gain
from oneshot_hpo.experiments.analyze.ranks import Array, spearman
from oneshot_hpo.experiments.grids.costs import cost
from oneshot_hpo.experiments.numbers.rank_correlation import rank_correlation
from oneshot_hpo.experiments.numbers.rung_agreement import (
    RungAgreement,
    epochs_words,
    silent_words,
)
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.searchers.schedules import warms_up

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VERDICT = "continuing is justified: "
"""The last line, with yes or no behind it."""
_RESAMPLES = 100

Losses = Mapping[int | float, Array]
"""Losses of the pilot's configurations by budget, (n,); infinite for a crash."""


@dataclass(frozen=True)
class Fidelity:
    """The findings of a pilot.

    restarted, continued: agreement of each budget below the largest with the largest one of
    restarted searches. ceiling: of two searches at the largest budget with different seeds.
    epochs: of the whole study, by way of promotion. gain: of continuing at equal cost, in
    deviations between configurations, mean over resamples of the pilot; better: the share of them
    above 0.
    learns_from: the first epoch that trains the architecture, if promoted trials continue.
    """

    configurations: int
    top: int | float
    restarted: list[RungAgreement]
    continued: list[RungAgreement]
    ceiling: RungAgreement
    epochs: dict[str, float]
    gain: float
    better: float
    learns_from: int

    @property
    def saved(self) -> float:
        """The share of the epochs that continuing saves."""
        return 1 - self.epochs["continue"] / self.epochs["restart"]

    @property
    def lost(self) -> list[int | float]:
        """Budgets whose ranks say something of the top one's, and do not if trials continue."""
        pairs = zip(self.restarted, self.continued, strict=True)
        return [one.budget for one, two in pairs if one.is_shown and not two.is_shown]

    @property
    def is_justified(self) -> bool:
        """Whether continuing is expected to find better ones, and its ranks say something.

        They do if they say it wherever those of restarted trials do, and at one budget at least.
        """
        says_something = any(rung.is_shown for rung in self.continued) and not self.lost
        return self.gain > 0 and says_something


def fidelity_of(spec: StudySpec, restarted: Losses, continued: Losses, seed: int) -> Fidelity:
    """From the losses of a pilot in both ways; seed: of resamples and simulated studies."""
    *lower, top = restarted
    truth = restarted[top]
    epochs = {
        way: cost(spec.model_copy(update={"promotion": way})).epochs
        for way in ("restart", "continue")
    }
    saved = 1 - epochs["continue"] / epochs["restart"]
    gains = _gains(spec, restarted, continued, saved, seed)
    settings, whole = spec.search_settings, round(top)
    return Fidelity(
        configurations=len(truth),
        top=top,
        restarted=[_agreement(budget, restarted[budget], truth) for budget in lower],
        continued=[_agreement(budget, continued[budget], truth) for budget in lower],
        ceiling=_agreement(top, continued[top], truth),
        epochs=epochs,
        gain=float(gains.mean()),
        better=float((gains > 0).mean()),
        learns_from=1 + sum(warms_up(settings, epoch, whole) for epoch in range(whole)),
    )


def _agreement(budget: int | float, losses: Array, truth: Array) -> RungAgreement:
    return RungAgreement(budget, rank_correlation(losses, truth))


def _gains(spec: StudySpec, restarted: Losses, continued: Losses, saved: float, seed: int) -> Array:
    """The gain of continuing in each resample of the configurations, (_RESAMPLES,)."""
    *lower, top = restarted
    n = len(restarted[top])
    rng = np.random.default_rng([seed, 6])
    weights = rng.multinomial(n, np.full(n, 1 / n), size=_RESAMPLES).astype(float)
    draws = Draws.of(spec.optimizer_settings, saved, rng)

    def correlations(losses: Losses) -> dict[int | float, Array]:
        found = {budget: _pearson(losses[budget], restarted[top], weights) for budget in lower}
        return found | {top: _pearson(continued[top], restarted[top], weights)}

    both = correlations(restarted), correlations(continued)
    return np.array(
        [
            gain(draws, *({budget: float(rs[i]) for budget, rs in one.items()} for one in both))
            for i in range(_RESAMPLES)
        ]
    )


def _pearson(losses: Array, truth: Array, weights: Array) -> Array:
    """Pearson's correlation of two normal variables with Spearman's of these, in each resample."""
    rho = spearman(np.nan_to_num(losses), np.nan_to_num(truth), weights)  # a crash ranks last
    found: Array = 2 * np.sin(np.pi * rho / 6)
    return found


def sentences(name: str, found: Fidelity) -> list[str]:
    """Agreement of both ways, what it means for the rungs, the cost, and the verdict."""
    lines = [
        f"{name}: two searches of {found.top:g} epochs with different seeds rank "
        f"{found.configurations} configurations alike by Spearman's "
        f"{found.ceiling.words}; intervals are 95 %, over configurations.",
        f"Promoted trials restarted: ranks agree with those after {found.top:g} epochs by "
        f"{_listed(found.restarted)}.",
        f"Promoted trials continued: by {_listed(found.continued)}.",
    ]
    silent = silent_words(found.restarted, found.top)
    if not found.ceiling.is_shown:
        lines.append(
            f"Not even two searches of {found.top:g} epochs are shown to rank these configurations "
            "alike, so no budget can be: more configurations (--configurations), or longer "
            "searches, would say more."
        )
    elif silent is not None:
        lines.append(silent)
    untrained = [rung.budget for rung in found.continued if rung.budget < found.learns_from]
    if untrained:
        words = " and ".join(f"{budget:g}" for budget in untrained)
        lines.append(
            f"Continued, a search has the schedules of {found.top:g} epochs, of which the first "
            f"{found.learns_from - 1} train the weights alone: one that ends after {words} has "
            "learned no architecture."
        )
    lines.append(
        f"Cost of the whole study: {found.epochs['restart']:,.0f} epochs restarted, "
        f"{found.epochs['continue']:,.0f} continued, {found.saved:.0%} less."
    )
    lines.append(
        "At equal cost the configuration that a study ends with is expected to be "
        f"{abs(found.gain):.2f} deviations between configurations "
        f"{'better' if found.gain > 0 else 'worse'} if trials continue (better in "
        f"{found.better:.0%} of resamples of the pilot)."
    )
    silent_continued = [rung.budget for rung in found.continued if not rung.is_shown]
    if silent_continued:
        words = epochs_words(silent_continued)
        lines.append(f"Continued, ranks after {words} are not shown to say anything.")
    return [*lines, VERDICT + ("yes" if found.is_justified else "no")]


def _listed(rungs: list[RungAgreement]) -> str:
    return ", ".join(f"{rung.words} after {epochs_words([rung.budget])}" for rung in rungs)


def rows(name: str, found: Fidelity) -> list[dict[str, Any]]:
    """A row for each way and budget, for the CSV."""
    ways = {
        "restart": [*found.restarted, found.ceiling],
        "continue": [*found.continued, found.ceiling],
    }
    return [
        {
            "study": name,
            "promotion": way,
            "budget": rung.budget,
            "spearman": rung.correlation.rho,
            "low": rung.correlation.low,
            "high": rung.correlation.high,
            "configurations": found.configurations,
            "epochs_of_study": found.epochs[way],
        }
        for way, rungs in ways.items()
        for rung in rungs
    ]


def draw(name: str, found: Fidelity) -> Figure:
    """Agreement with the largest budget over the budget, for both ways, with intervals."""
    from matplotlib.ticker import NullLocator

    from oneshot_hpo.experiments.figures.style import GREY, new_figure

    figure = new_figure(2.9)
    axes = figure.subplots()
    for way, rungs, colour, shift in (
        ("restart", found.restarted, "#0072b2", 0.98),
        ("continue", found.continued, "#d55e00", 1.02),
    ):
        known = [rung for rung in (*rungs, found.ceiling) if not math.isnan(rung.correlation.rho)]
        values = np.array([rung.correlation.rho for rung in known])
        ends = np.array([(rung.correlation.low, rung.correlation.high) for rung in known])
        axes.errorbar(
            [shift * rung.budget for rung in known],
            values,
            yerr=np.abs(ends.reshape(-1, 2).T - values),
            marker="o",
            markersize=4,
            color=colour,
            linewidth=1.2,
            label=f"promotion: {way}",
        )
    budgets = [rung.budget for rung in (*found.restarted, found.ceiling)]
    axes.set_xscale("log")
    axes.set_xticks(budgets, [f"{budget:g}" for budget in budgets])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("epochs")
    axes.axhline(0, color=GREY, linewidth=0.7)
    axes.grid(axis="y")
    axes.legend()
    axes.set_title(f"{name}: Spearman's ρ with {found.top:g} epochs of another seed, 95 %")
    return figure
