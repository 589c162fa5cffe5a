"""The black-box optimizers by name. Adding one is one file and one entry here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from oneshot_hpo import plugins
from oneshot_hpo.hpo.baselines.optimizer import InvalidBaseline, Optimizer, Problem
from oneshot_hpo.plugins import Entry


def _entry(
    name: str, module: str, class_name: str, summary: str, extra: str | None = None
) -> Entry:
    """A method of this package, whose settings are a class beside its own."""
    target = f"oneshot_hpo.hpo.baselines.{module}:{class_name}"
    return Entry(
        kind="method",
        name=name,
        target=target,
        summary=summary,
        settings=f"{target}Settings",
        extra=extra,
    )


ENTRIES = (
    _entry("rs", "random_search", "RandomSearch", "random search (Bergstra and Bengio 2012)"),
    _entry(
        "re",
        "regularized_evolution",
        "RegularizedEvolution",
        "regularized evolution (Real et al. 2019)",
    ),
    _entry("reinforce", "reinforce", "Reinforce", "REINFORCE (Williams 1992; Ying et al. 2019)"),
    _entry("smac", "smac", "SMAC", "SMAC (Lindauer et al. 2022)", extra="smac"),
    _entry("tpe", "tpe", "TPE", "tree-structured Parzen estimator (Bergstra et al. 2011)"),
    _entry("hyperband", "hyperband", "Hyperband", "Hyperband (Li et al. 2018)"),
    _entry("bohb", "bohb", "BOHB", "BOHB (Falkner et al. 2018)"),
    _entry("ls", "local_search", "LocalSearch", "local search (White et al. 2021)"),
    _entry("weak", "weak_predictors", "WeakPredictors", "weak predictors (Wu et al. 2021)"),
    _entry("pnas", "pnas", "PNAS", "the predictor of PNAS (Liu et al. 2018)"),
    _entry("zero_cost", "zero_cost", "ZeroCost", "a score without training, alone"),
)
METHODS = tuple(entry.name for entry in ENTRIES)


def make_optimizer(
    method: str, problem: Problem, settings: Any, seeds: Sequence[np.random.SeedSequence]
) -> Optimizer:
    """A method's optimizer, one repetition a seed; `settings` are of its settings_class.

    Raises InvalidBaseline for an unknown method, or settings that do not fit the problem, and
    MissingPackage for a method whose library is not installed.
    """
    found: type[Any] = known_method(method).load()
    optimizer: Optimizer = found(problem, settings, seeds)
    return optimizer


def settings_class(method: str) -> type[Any]:
    """The dataclass of a method's settings; raises InvalidBaseline."""
    found: type[Any] = known_method(method).load_settings()
    return found


def known_method(method: str) -> Entry:
    """The record of a method; loads nothing. Raises InvalidBaseline."""
    try:
        return plugins.entry("method", method)
    except plugins.UnknownName as error:
        raise InvalidBaseline(f"{error}, or all") from None
