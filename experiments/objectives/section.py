"""The `objective` of a study file: how it is written, and in which words it is shown.

    objective: mean                       # a name
    objective: {train: {epochs: 20}}      # a name with settings

Nothing of an objective is imported here, so that a study can be read without running its code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.wording import configuration

MEAN, DRAW, TEST_MEAN, TRAIN = "mean", "draw", "test_mean", "train"

OF_TABLE = (MEAN, DRAW, TEST_MEAN)
"""Objectives that read the study's table."""

Section = str | dict[str, Any]

VALIDATION, TEST, LOSS = "validation error", "test error", "loss"
"""What a loss is called; a `LOSS` may be any number."""

_CALLED = {MEAN: VALIDATION, DRAW: VALIDATION, TEST_MEAN: TEST, TRAIN: VALIDATION}

ON_TEST = (
    "Selection on test: the objective is the table's mean test error, so test errors and regrets "
    "of what was selected are lower than those of a selection on validation."
)

_FORMS = "a name (mean, draw, test_mean, train, …) or {NAME: {SETTING: VALUE}}"


@dataclass(frozen=True)
class Chosen:
    """A section, taken apart."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """For people: "mean", "train (epochs 20, seeds 1)"."""
        own = f" ({configuration(self.settings)})" if self.settings else ""
        return f"{self.name}{own}"


def text(section: Any) -> str:
    """A section in a few words for people."""
    return chosen(section).words


def chosen(section: Any) -> Chosen:
    """The parts of a section. UserError: it does not have the form of one."""
    if isinstance(section, str) and section:
        return Chosen(section)
    if isinstance(section, dict) and len(section) == 1:
        ((name, settings),) = section.items()
        if isinstance(name, str) and isinstance(settings, dict | None):
            return Chosen(name, settings or {})
    raise UserError(f"objective: must be {_FORMS}, not {section!r}")


def measure(name: str | None) -> str:
    """What a loss is called; name: `Outcome.objective`, None for mean and draw."""
    return VALIDATION if name is None else _CALLED.get(name, LOSS)


def selection_note(section: Any) -> str | None:
    """A sentence for every result of a study that selects on test; None for other studies."""
    return ON_TEST if chosen(section).name == TEST_MEAN else None
