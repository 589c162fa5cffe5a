"""The methods of a command line and their settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.study.document import parse_overrides
from oneshot_hpo.experiments.wording import unknown_key
from oneshot_hpo.hpo.baselines import METHODS, InvalidBaseline, known_method, settings_class
from oneshot_hpo.plugins import entries

ALL = "all"
"""The word for every method that is installed and needs no hours."""
SLOW = ("weak",)
"""Methods that run where they are named alone: a repetition of theirs takes minutes."""


def method_names(methods: str) -> tuple[str, ...]:
    """The methods of a list with commas, sorted; for "all" those that are installed, less SLOW.

    Raises UserError where it names none, and InvalidBaseline.
    """
    names = _words(methods)
    if ALL in names:
        installed = {entry.name for entry in entries("method") if not entry.missing}
        names = names - {ALL} | installed.difference(SLOW)
    for name in sorted(names):
        known_method(name)
    if not names:
        raise UserError(f"--methods names none; there are {', '.join(METHODS)}, or all")
    return tuple(sorted(names))


def left_out(methods: str) -> list[str]:
    """Why "all" in a list with commas leaves methods out."""
    words = _words(methods)
    if ALL not in words:
        return []
    reasons = {entry.name: entry.missing for entry in entries("method") if entry.missing}
    reasons |= {name: f"method {name} takes hours; --methods {name} runs it" for name in SLOW}
    return [why for name, why in reasons.items() if name not in words]


def method_settings(methods: Sequence[str], overrides: Sequence[str]) -> dict[str, Any]:
    """The settings of the methods, with the values of --set METHOD.SETTING=VALUE.

    Raises UserError, and InvalidBaseline for a method that there is not.
    """
    values = parse_overrides(overrides)
    for method in values:
        known_method(method)
        if method not in methods:
            raise UserError(f"--set {method}: that method is not among those to run")
    settings = {}
    for method in methods:
        chosen, own = settings_class(method), values.get(method, {})
        if not isinstance(own, dict):
            raise UserError(f"--set {method}={own}: must be {method}.SETTING=VALUE")
        known = [field.name for field in dataclasses.fields(chosen)]
        for key in own:
            if key not in known:
                raise UserError(f"--set {method}.{key}: {unknown_key(key, method, known)}")
        try:
            settings[method] = chosen(**own)
        except InvalidBaseline as error:
            raise UserError(f"--set {method}: {error}") from None
    return settings


def _words(methods: str) -> set[str]:
    return {word.strip() for word in methods.split(",") if word.strip()}
