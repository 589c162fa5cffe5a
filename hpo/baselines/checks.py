"""Checks of a method's settings."""

from __future__ import annotations

from typing import Any

from oneshot_hpo import checks
from oneshot_hpo.checks import whole
from oneshot_hpo.hpo.baselines.optimizer import InvalidBaseline

COUNT = whole(1, 10_000_000)
"""Whatever a method counts; more is a slip that would take all memory."""


def check_settings(settings: Any) -> None:
    """Raise InvalidBaseline, naming the setting, unless each one is of its kind."""
    checks.check_settings(settings, lambda name, fault: InvalidBaseline(f"{name} {fault}"))
