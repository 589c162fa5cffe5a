"""The `prior` of a study file: what is likely to be good, and how sure that is.

    prior: medium                       # the default configuration; also weak, strong, or a width
    prior:
      confidence: weak                  # of the whole configuration; absent: only of those below
      method: acquisition               # how it is used; sampling if absent
      hyperparameters:
        learning_rate: {value: 0.1, confidence: strong}
        momentum: {confidence: 0.05}    # around its default

A width is a deviation in the unit interval that a hyperparameter is scaled to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oneshot_hpo.checks import number
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.wording import unknown_key
from oneshot_hpo.hpo.user_prior import METHODS, UserPrior

WIDTHS = {"weak": 0.5, "medium": 0.25, "strong": 0.125}
"""Deviations of the levels of confidence; those of PriorBand's authors."""

Section = str | int | float | dict[str, Any] | None

_KEYS = ("confidence", "method", "hyperparameters")
_ENTRY = ("value", "confidence")
_CONFIDENCE = f"{', '.join(WIDTHS)}, or a width above 0 and up to 1"
_is_width = number(above=0, high=1).test


def user_prior(section: Section) -> UserPrior | None:
    """The prior that a section describes; None: there is none. UserError: it cannot be read."""
    if section is None:
        return None
    if not isinstance(section, dict):
        return UserPrior(width=_width("prior", section))

    _check_keys("prior", section, _KEYS)
    method = section.get("method", METHODS[0])
    if method not in METHODS:
        raise UserError(f"prior.method must be one of {', '.join(METHODS)}, not {method!r}")
    entries = section.get("hyperparameters", {})
    if not isinstance(entries, dict) or not (entries or "confidence" in section):
        raise UserError(
            "prior needs a confidence, or hyperparameters: {NAME: {value: VALUE, confidence: …}}"
        )
    for name, entry in entries.items():
        _check_entry(f"prior.hyperparameters.{name}", entry, "confidence" in section)

    general = section.get("confidence")
    return UserPrior(
        method=method,
        width=None if general is None else _width("prior.confidence", general),
        values={name: entry["value"] for name, entry in entries.items() if "value" in entry},
        widths={
            name: _width(f"prior.hyperparameters.{name}.confidence", entry["confidence"])
            for name, entry in entries.items()
            if "confidence" in entry
        },
    )


def _check_entry(key: str, entry: Any, has_general: bool) -> None:
    if not isinstance(entry, dict):
        raise UserError(f"{key} must be {{value: VALUE, confidence: CONFIDENCE}}, not {entry!r}")
    _check_keys(key, entry, _ENTRY)
    if "confidence" not in entry and not has_general:
        raise UserError(f"{key} needs a confidence ({_CONFIDENCE}): prior.confidence is absent")


def _check_keys(key: str, section: Mapping[Any, Any], known: tuple[str, ...]) -> None:
    for name in section:
        if name not in known:
            raise UserError(unknown_key(str(name), key, known))


def _width(key: str, confidence: Any) -> float:
    """The width of a confidence. UserError: it is none."""
    if isinstance(confidence, str) and confidence in WIDTHS:
        return WIDTHS[confidence]
    if not _is_width(confidence):
        raise UserError(f"{key} must be {_CONFIDENCE}, not {confidence!r}")
    return float(confidence)
