"""Settings that check themselves: each field of a dataclass says beside its default what it may be.

    @dataclass(frozen=True, kw_only=True)
    class Mine:
        momentum: float = setting(0.9, number(low=0, below=1))

        def __post_init__(self) -> None:
            check_settings(self, MyError)

Every package checks its settings in this one way; the module imports nothing of ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import field, fields
from numbers import Integral, Real
from typing import Any, NamedTuple

Refusal = Callable[[str, str], Exception]
"""Makes the exception for a setting from its name and its fault: "momentum", "must be …"."""


class Kind(NamedTuple):
    """What a setting may be."""

    test: Callable[[Any], bool]
    words: str
    """What it must be, for the message: "a whole number from 1"."""
    keep: Callable[[Any], Any] | None = None
    """Makes the value that is kept, of plain types, from one that passed."""


def whole(low: int, high: int | None = None) -> Kind:
    """A whole number from low to high, of any integer type; kept as int."""

    def test(value: Any) -> bool:
        return _is(value, Integral) and low <= value and (high is None or value <= high)

    to = "" if high is None else f" to {high:,}"
    return Kind(test, f"a whole number from {low:,}{to}", int)


def number(
    *,
    above: float | None = None,
    low: float | None = None,
    high: float | None = None,
    below: float | None = None,
    keep: Callable[[Any], Any] | None = None,
) -> Kind:
    """A finite number > above, >= low, <= high and < below.

    keep: float, to take a number of any type and keep it as a float.
    """

    def test(value: Any) -> bool:
        return (
            _is(value, Real if keep else (int, float))
            and _is_finite(value)
            and (above is None or value > above)
            and (low is None or value >= low)
            and (high is None or value <= high)
            and (below is None or value < below)
        )

    return Kind(test, f"a number{_range(above, low, high, below)}", keep)


def one_of(*names: str) -> Kind:
    """One of these words."""
    return Kind(
        lambda value: isinstance(value, str) and value in names, f"one of {', '.join(names)}"
    )


def optional(kind: Kind, meaning: str | None = None) -> Kind:
    """A kind, or None, which means what `meaning` says."""

    def keep(value: Any) -> Any:
        return value if value is None or kind.keep is None else kind.keep(value)

    null = "" if meaning is None else f", or null for {meaning}"
    return Kind(lambda value: value is None or kind.test(value), kind.words + null, keep)


TRUTH = Kind(lambda value: isinstance(value, bool), "true or false")


def setting(default: Any, kind: Kind, **metadata: Any) -> Any:
    """A dataclass's field of this kind; default: dataclasses.MISSING where one has to be given."""
    return field(default=default, metadata={"kind": kind, **metadata})


def check_settings(settings: Any, refuse: Refusal) -> None:
    """Check the fields of a dataclass in their order, and keep their values as plain types.

    Raises what `refuse` makes for the first one that is not of its kind.
    """
    for one in fields(settings):
        kind: Kind | None = one.metadata.get("kind")
        if kind is None:
            continue
        value = getattr(settings, one.name)
        require(settings, one.name, kind.test(value), kind.words, refuse)
        if kind.keep is not None:
            object.__setattr__(settings, one.name, kind.keep(value))


def require(settings: Any, name: str, holds: bool, words: str, refuse: Refusal) -> None:
    """Raise what `refuse` makes unless it holds; words: what the setting must be."""
    if not holds:
        raise refuse(name, f"must be {words}, not {getattr(settings, name)!r}")


def _is(value: Any, types: Any) -> bool:
    return isinstance(value, types) and not isinstance(value, bool)


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(float(value))
    except OverflowError:  # a whole number beyond all floats
        return False


def _range(above: float | None, low: float | None, high: float | None, below: float | None) -> str:
    """The range of a number in words: " above 0", " from 2", " in [0, 1)"."""
    opening, closing = "(" if low is None else "[", ")" if high is None else "]"
    start, end = above if low is None else low, below if high is None else high
    if start is None:
        return "" if end is None else f" {'below' if high is None else 'up to'} {end:,.12g}"
    if end is None:
        return f" {'above' if low is None else 'from'} {start:,.12g}"
    return f" in {opening}{start:,.12g}, {end:,.12g}{closing}"
