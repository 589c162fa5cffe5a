"""Conversion of values to JSON types."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from oneshot_hpo.hpo.errors import StudyError

_JSON_TYPES = frozenset((str, int, bool, type(None)))


def plain(value: Any) -> Any:
    """`value` in JSON types: dicts with string keys, lists, str, int, bool, None, finite floats.

    Numpy scalars and arrays become Python's; NaN and infinities become None, since JSON has
    neither. Raises StudyError for any other type.
    """
    if type(value) in _JSON_TYPES:  # most values; the rest of this function costs ten times as much
        return value
    if type(value) is float:
        return value if math.isfinite(value) else None
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    raise StudyError(
        f"a value of type {type(value).__name__} cannot be written to the "
        "journal: use numbers, strings, lists and dictionaries"
    )


def finite_loss(loss: Any) -> float | None:
    """`loss` as a finite float; None for anything else, which counts as a crash."""
    if isinstance(loss, np.generic):
        loss = loss.item()
    if isinstance(loss, bool) or not isinstance(loss, int | float):
        return None
    try:
        number = float(loss)
    except OverflowError:  # an integer beyond all floats
        return None
    return number if math.isfinite(number) else None
