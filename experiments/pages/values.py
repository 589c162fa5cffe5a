"""Values of a journal as a page writes them: numbers, shares, moments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from oneshot_hpo.experiments.pages.table import Cell
from oneshot_hpo.experiments.wording import number

NOTHING = Cell("")


def share(value: float | None) -> Cell:
    """An error or regret in [0, 1] in percent, with two digits."""
    return NOTHING if value is None else Cell(f"{100 * value:.2f}", 100 * value)


def count(value: float | None) -> Cell:
    """A number of things, or seconds."""
    return NOTHING if value is None else Cell(f"{value:g}", value)


def setting(config: Mapping[str, Any], name: str) -> Cell:
    """A hyperparameter's value; nothing where it is inactive. A word sorts with other words."""
    if name not in config:
        return NOTHING
    value = config[name]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return Cell(number(value), float(value) if is_number else None)


def moment(seconds: float) -> str:
    """Seconds since 1970 as a date and time, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def epochs(budget: float) -> str:
    """A budget."""
    return "1 epoch" if budget == 1 else f"{budget:g} epochs"
