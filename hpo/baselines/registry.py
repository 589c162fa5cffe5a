"""The black-box optimizers by name. Adding one is one file and one line here."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import numpy as np

from oneshot_hpo.hpo.baselines.optimizer import InvalidBaseline, Optimizer, Problem

# Modules by name, so that none is loaded before it is used; each has a class and its settings.
METHODS: dict[str, tuple[str, str]] = {
    "rs": ("random_search", "RandomSearch"),
    "re": ("regularized_evolution", "RegularizedEvolution"),
    "reinforce": ("reinforce", "Reinforce"),
    "smac": ("smac", "SMAC"),
    "tpe": ("tpe", "TPE"),
    "hyperband": ("hyperband", "Hyperband"),
    "bohb": ("bohb", "BOHB"),
}


def make_optimizer(
    method: str, problem: Problem, settings: Any, seeds: Sequence[np.random.SeedSequence]
) -> Optimizer:
    """A method's optimizer, one repetition a seed; `settings` are of its settings_class.

    Raises InvalidBaseline for an unknown method, or settings that do not fit the problem.
    """
    found: type[Any] = _member(method, "")
    optimizer: Optimizer = found(problem, settings, seeds)
    return optimizer


def settings_class(method: str) -> type[Any]:
    """The dataclass of a method's settings; raises InvalidBaseline."""
    found: type[Any] = _member(method, "Settings")
    return found


def check_method(method: str) -> None:
    """Raise InvalidBaseline unless there is a method of this name."""
    if method not in METHODS:
        near = get_close_matches(method, METHODS, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise InvalidBaseline(f"no method {method!r}: {hint}there are {', '.join(METHODS)}, or all")


def _member(method: str, suffix: str) -> Any:
    check_method(method)
    module, name = METHODS[method]
    return getattr(import_module(f"oneshot_hpo.hpo.baselines.{module}"), name + suffix)
