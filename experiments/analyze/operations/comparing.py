"""Operations of several tables side by side, and how reliably each ranks methods."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from oneshot_hpo.experiments.analyze.operations.findings import Analysis, Finding, Verdict, findings
from oneshot_hpo.experiments.analyze.operations.method_ranks import (
    EVALUATIONS,
    REPETITIONS,
    MethodRanks,
)
from oneshot_hpo.experiments.wording import called
from oneshot_hpo.search_spaces.table import CIFAR10

_ERRORS = 2.0  # standard errors that decide


@dataclass(frozen=True, eq=False)
class Compared:
    """One of the tables."""

    label: str
    """The table and its data set, as they were named: "nasbench201:cifar100"."""
    dataset: str | None
    analysis: Analysis
    ranks: MethodRanks

    @property
    def preferences(self) -> dict[str, float]:
        """By operation, how often the best cells have it, as a multiple of all cells."""
        counts = self.analysis.population.counts
        everywhere, among_best = counts.mean(0), counts[self.analysis.best].mean(0)
        return {
            called(name): float(best / every)
            for name, best, every in zip(
                self.analysis.population.operations, among_best, everywhere, strict=True
            )
            if every
        }


def reliable(tables: Sequence[Compared]) -> Finding:
    """The paper's last finding: methods are compared more reliably elsewhere than on CIFAR-10."""
    claim = "other data sets than CIFAR-10 rank methods more reliably"
    words = ", ".join(
        f"{one.label} {one.ranks.agreement:.2f} ± {one.ranks.standard_error:.2f}" for one in tables
    )
    why = (
        f"two comparisons of {REPETITIONS} repetitions of {EVALUATIONS} evaluations agree by "
        f"Kendall's tau of {words}"
    )
    ours = [one.ranks for one in tables if one.dataset == CIFAR10]
    others = [one.ranks for one in tables if one.dataset != CIFAR10]
    if not ours or not others:
        return Finding(claim, "not decided", f"{why}; CIFAR-10 and others are both needed")

    gap = _mean(others) - _mean(ours)
    error = float(np.hypot(_error(others), _error(ours)))
    verdict: Verdict = "not decided"
    if abs(gap) > _ERRORS * error:
        verdict = "confirmed" if gap > 0 else "contradicted"
    return Finding(claim, verdict, f"{why}; without CIFAR-10 {gap:+.2f} ± {error:.2f}")


def sentences(tables: Sequence[Compared]) -> list[str]:
    """The findings, each with its verdict on every table."""
    every = [findings(one.analysis) for one in tables]
    lines = []
    for place, finding in enumerate(every[0]):
        verdicts = ", ".join(
            f"{one.label} {own[place].verdict}" for one, own in zip(tables, every, strict=True)
        )
        lines.append(f"- {finding.claim}: {verdicts}.")
    last = reliable(tables)
    return [
        f"{len(tables)} tables side by side",
        *lines,
        f"- {last.claim} — {last.verdict}: {last.why}.",
    ]


def rows(tables: Sequence[Compared]) -> list[dict[str, Any]]:
    """Rows of a CSV file: the table, the measure, its value."""
    keys = ("table", "measure", "value")
    return [dict(zip(keys, row, strict=True)) for one in tables for row in _rows(one)]


def _rows(one: Compared) -> Iterator[tuple[str, str, float]]:
    analysis = one.analysis
    yield one.label, "cells", len(analysis.population)
    yield one.label, "skewness", analysis.shape.skewness.value
    yield one.label, "share in the upper half of the range", analysis.shape.upper_half
    for name, ratio in one.preferences.items():
        yield one.label, f"{name}: the best cells' number by that of all", ratio
    for method, error in one.ranks.medians.items():
        yield one.label, f"{method}: median test error", error
    yield one.label, "agreement of comparisons", one.ranks.agreement
    yield one.label, "agreement of comparisons, standard error", one.ranks.standard_error


def _mean(ranks: Sequence[MethodRanks]) -> float:
    return float(np.mean([one.agreement for one in ranks]))


def _error(ranks: Sequence[MethodRanks]) -> float:
    return float(np.sqrt(sum(one.standard_error**2 for one in ranks)) / len(ranks))
