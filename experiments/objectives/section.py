"""The `objective` of a study file: how it is written, and in which words it is shown.

    objective: mean                       # a name
    objective: {train: {epochs: 20}}      # a name with settings
    objective:                            # the loss of one, plus weighted costs
      error: mean
      plus: {parameters: 1.0e-7}

Nothing of an objective is imported here, so that a study can be read without running its code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oneshot_hpo.checks import number
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.wording import configuration
from oneshot_hpo.foreign import label_of

MEAN, DRAW, TEST_MEAN, TRAIN = "mean", "draw", "test_mean", "train"

BUILT_IN = (MEAN, DRAW, TEST_MEAN, TRAIN)
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

ERROR, PLUS = "error", "plus"
_FORMS = (
    "a name (mean, draw, test_mean, train, …), {NAME: {SETTING: VALUE}} or "
    "{error: NAME, plus: {COST: WEIGHT}}"
)
_is_weight = number(above=0).test


@dataclass(frozen=True)
class Chosen:
    """A section, taken apart."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    plus: Mapping[str, float] = field(default_factory=dict)
    """The weights of costs that are added to the loss."""

    @property
    def words(self) -> str:
        """For people: "mean", "train (epochs 20, seeds 1)", "mean + 1e-07 × parameters"."""
        own = f" ({configuration(self.settings)})" if self.settings else ""
        costs = [f"{weight:g} × {cost}" for cost, weight in self.plus.items()]
        return " + ".join([f"{label_of(self.name)}{own}", *costs])


def text(section: Any) -> str:
    """A section in a few words for people."""
    return chosen(section).words


def chosen(section: Any) -> Chosen:
    """The parts of a section. UserError: it does not have the form of one."""
    if isinstance(section, dict) and section.keys() & {ERROR, PLUS}:
        return _combined(section)
    if isinstance(section, str) and section:
        return Chosen(section)
    if isinstance(section, dict) and len(section) == 1:
        ((name, settings),) = section.items()
        if isinstance(name, str) and isinstance(settings, dict | None):
            return Chosen(name, settings or {})
    raise UserError(f"objective: must be {_FORMS}, not {section!r}")


def _combined(section: dict[Any, Any]) -> Chosen:
    """The parts of an error with weighted costs. UserError: it does not have this form."""
    if section.keys() != {ERROR, PLUS}:
        raise UserError(
            f"objective: has the keys {ERROR} (an objective) and {PLUS} (weights of costs), not "
            f"{', '.join(map(str, section))}"
        )
    weights = section[PLUS]
    if not isinstance(weights, dict) or not weights:
        raise UserError(f"objective.{PLUS}: must be {{COST: WEIGHT}}, not {weights!r}")
    for cost, weight in weights.items():
        if not isinstance(cost, str) or not _is_weight(weight):
            raise UserError(f"objective.{PLUS}.{cost}: must be a number above 0, not {weight!r}")
    error = chosen(section[ERROR])
    if error.plus:
        raise UserError(f"objective.{ERROR}: cannot have {PLUS} itself")
    return Chosen(error.name, error.settings, weights)


def loss_name(section: Any) -> str:
    """What the loss of a section is called; by name alone for one of the user's."""
    own = chosen(section)
    return LOSS if own.plus else _CALLED.get(own.name, LOSS)


def measure(name: str | None) -> str:
    """What a loss is called; name: `Outcome.objective`, None for mean and draw."""
    return VALIDATION if name is None else _CALLED.get(name, LOSS)


def plural(measure: str) -> str:
    """Several losses: "validation errors", "losses"."""
    return "losses" if measure == LOSS else f"{measure}s"


def axis_label(measure: str) -> str:
    """The label of an axis of losses in percent, or times 100 where they are no errors."""
    return f"100 × {LOSS}" if measure == LOSS else f"{measure}, %"


def selection_note(section: Any) -> str | None:
    """A sentence for every result of a study that selects on test; None for other studies."""
    return ON_TEST if chosen(section).name == TEST_MEAN else None
