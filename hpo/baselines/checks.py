"""Checks of settings, with the setting's name in the message."""

from __future__ import annotations

import math
from typing import Any

from oneshot_hpo.hpo.baselines.optimizer import InvalidBaseline

MOST = 10_000_000
"""Of whatever a method counts; more is a slip that would take all memory."""


def require(settings: Any, name: str, holds: bool, expected: str) -> None:
    """Raise InvalidBaseline, naming the setting and what is expected, unless it holds."""
    if not holds:
        raise InvalidBaseline(f"{name} must be {expected}, not {getattr(settings, name)!r}")


def require_counts(settings: Any, *names: str) -> None:
    """Raise InvalidBaseline unless these settings are whole numbers from 1 to MOST."""
    for name in names:
        value = getattr(settings, name)
        whole = isinstance(value, int) and not isinstance(value, bool)
        expected = f"a whole number from 1 to {MOST:,}"
        require(settings, name, whole and 1 <= value <= MOST, expected)


def require_number(settings: Any, *names: str) -> None:
    """Raise InvalidBaseline unless these settings are finite numbers."""
    for name in names:
        value = getattr(settings, name)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        require(settings, name, number and math.isfinite(value), "a finite number")
