"""One hyperparameter of a document: a range, choices, a sequence or a constant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ConfigSpace import Constant, Float, Integer
from ConfigSpace.hyperparameters import (
    CategoricalHyperparameter,
    Hyperparameter,
    OrdinalHyperparameter,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)

from oneshot_hpo import checks
from oneshot_hpo.hpo.errors import StudyError
from oneshot_hpo.hpo.plain import plain
from oneshot_hpo.suggestions import did_you_mean

KINDS = {
    "lower": ("lower", "upper", "log", "default"),
    "upper": ("lower", "upper", "log", "default"),
    "choices": ("choices", "default", "weights"),
    "sequence": ("sequence", "default"),
    "constant": ("constant",),
}
"""By the key that an entry is recognised by: the keys that it may have."""
_is_number = checks.number().test


def hyperparameter_of(name: str, entry: Any) -> Hyperparameter:
    """The hyperparameter that an entry describes.

    `{lower, upper}`, both numbers and both ends included, with `log: true` for a logarithmic scale;
    `{choices}`, a list of values without an order, with `weights` for how often each is drawn at
    random; `{sequence}`, a list of values in their order; `{constant}`, one value. Values are
    numbers, words, true, false or null. `default` is part of the default configuration; without it,
    that is ConfigSpace's: the middle of a range, the first of a list.

    Raises StudyError, which begins with the name.
    """
    kind = _kind(name, entry)
    if kind == "constant":
        return Constant(name, _value(name, kind, entry[kind]))
    if kind in ("choices", "sequence"):
        return _of_values(name, kind, entry)
    return _of_range(name, entry)


def entry_of(hyperparameter: Hyperparameter) -> dict[str, Any]:
    """The entry that describes a hyperparameter. StudyError: its distribution is not uniform."""
    one = hyperparameter
    if isinstance(one, Constant):
        return {"constant": plain(one.value)}
    if isinstance(one, CategoricalHyperparameter):
        entry = {"choices": plain(list(one.choices)), "default": plain(one.default_value)}
        weights = {} if one.weights is None else {"weights": plain(list(one.weights))}
        return entry | weights
    if isinstance(one, OrdinalHyperparameter):
        return {"sequence": plain(list(one.sequence)), "default": plain(one.default_value)}
    if not isinstance(one, UniformFloatHyperparameter | UniformIntegerHyperparameter):
        kind = type(one).__name__.removesuffix("Hyperparameter")
        raise StudyError(f"{one.name}: is a {kind} of ConfigSpace; a study draws uniformly")
    number = float if isinstance(one, UniformFloatHyperparameter) else int
    return {
        "lower": number(one.lower),
        "upper": number(one.upper),
        "log": bool(one.log),
        "default": number(one.default_value),
    }


def _kind(name: str, entry: Any) -> str:
    """The first key of KINDS that an entry has, once its keys fit each other."""
    shape = "{lower, upper}, {choices}, {sequence} or {constant}"
    if not isinstance(entry, Mapping):
        raise StudyError(f"{name}: must be {shape}, not {entry!r}")
    known = sorted({key for keys in KINDS.values() for key in keys})
    for key in entry:
        if key not in known:
            raise StudyError(f"{name}: unknown key {key!r}: {did_you_mean(str(key), known)}")

    kind = next((key for key in KINDS if key in entry), None)
    if kind is None:
        raise StudyError(f"{name}: must be {shape}")
    for key in entry:
        if key not in KINDS[kind]:
            raise StudyError(f"{name}: {kind} and {key} do not go together")
    return kind


def _of_range(name: str, entry: Mapping[str, Any]) -> Hyperparameter:
    for key in ("lower", "upper"):
        if key not in entry:
            raise StudyError(f"{name}: {key} is missing")
    numbers = {key: one for key, one in entry.items() if key != "log"}
    for key, one in numbers.items():
        _require(name, key, one, _is_number(one), "a finite number")
    lower, upper, log = entry["lower"], entry["upper"], entry.get("log", False)
    _require(name, "log", log, isinstance(log, bool), "true or false")
    _require(name, "upper", upper, upper > lower, f"above lower ({lower})")
    _require(name, "lower", lower, not log or lower > 0, "above 0 on a logarithmic scale")

    whole = isinstance(lower, int) and isinstance(upper, int)
    default = entry.get("default")
    if default is not None:
        _require(name, "default", default, lower <= default <= upper, f"in [{lower}, {upper}]")
        if whole:
            is_whole = default == int(default)
            _require(name, "default", default, is_whole, "a whole number, as lower and upper are")
    number: Callable[[Any], Any] = int if whole else float
    make: Callable[..., Hyperparameter] = Integer if whole else Float
    bounds = (number(lower), number(upper))
    return make(name, bounds, default=None if default is None else number(default), log=log)


def _of_values(name: str, kind: str, entry: Mapping[str, Any]) -> Hyperparameter:
    given = entry[kind]
    _require(name, kind, given, isinstance(given, list) and bool(given), "a list of values")
    values = [_value(name, kind, one) for one in given]
    for place, one in enumerate(values):
        if one in values[:place]:
            raise StudyError(f"{name}: {one!r} is twice in {kind}")
    default = entry.get("default", values[0])
    _require(name, "default", default, default in values, f"one of {values}")
    if kind == "sequence":
        return OrdinalHyperparameter(name, values, default_value=default)

    weights = entry.get("weights")
    if weights is not None:
        fits = (
            isinstance(weights, list)
            and len(weights) == len(values)
            and all(_is_number(one) and one > 0 for one in weights)
        )
        _require(name, "weights", weights, fits, "a number above 0 for each choice")
    return CategoricalHyperparameter(name, values, default_value=default, weights=weights)


def _value(name: str, kind: str, value: Any) -> Any:
    is_plain = value is None or isinstance(value, str | bool) or _is_number(value)
    _require(name, kind, value, is_plain, "finite numbers, words, true, false or null")
    return value


def _require(name: str, key: str, value: Any, holds: bool, words: str) -> None:
    if not holds:
        raise StudyError(f"{name}: {key} must be {words}, not {value!r}")
