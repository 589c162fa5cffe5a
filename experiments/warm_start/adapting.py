"""Configurations of another space as configurations of a study's space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ConfigSpace import ConfigurationSpace
from ConfigSpace.hyperparameters import IntegerHyperparameter, NumericalHyperparameter
from ConfigSpace.util import deactivate_inactive_hyperparameters

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.wording import number
from oneshot_hpo.hpo import StudyError
from oneshot_hpo.hpo.bohb.encoding import check_configuration, tuned_names
from oneshot_hpo.hpo.plain import plain


class OutsideSpaceError(UserError):
    """A configuration cannot be one of the study's space; the message says why in a few words."""


class Adapter:
    """Makes configurations of one source into configurations of a space.

    A hyperparameter that a configuration lacks gets the source's own setting, else the space's
    default. One that has a single value in the space gets that value. Others are left out.
    """

    def __init__(self, space: ConfigurationSpace, settings: Mapping[str, Any]) -> None:
        """settings: what the source's trials ran with, beside their configurations."""
        self.space = space
        tuned = tuned_names(space)
        defaults = {name: plain(one.default_value) for name, one in space.items()}
        self._fixed = {name: value for name, value in defaults.items() if name not in tuned}
        self._otherwise = defaults | {
            name: value for name, value in settings.items() if name in defaults
        }

    def otherwise(self, name: str) -> Any:
        """The value that a configuration without this hyperparameter gets."""
        return self._otherwise[name]

    def __call__(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """A configuration in the space. OutsideSpaceError: there is none."""
        values = {name: config.get(name, other) for name, other in self._otherwise.items()}
        values |= self._fixed
        outside = [name for name in values if not self._is_legal(name, values[name])]

        # Whether a hyperparameter is active may not depend on an illegal value.
        if illegal := [name for name in outside if not self.space.parents_of[name]]:
            raise OutsideSpaceError(self._words(illegal[0]))
        for name in outside:
            values[name] = self.space[name].default_value
        active = self._active(values)
        if illegal := [name for name in outside if name in active]:
            raise OutsideSpaceError(self._words(illegal[0]))
        return active

    def _active(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values of active hyperparameters alone, in the space's own types."""
        typed = {name: self._typed(name, value) for name, value in values.items()}
        try:
            active = plain(dict(deactivate_inactive_hyperparameters(typed, self.space)))
            check_configuration(self.space, active)
        except (ValueError, StudyError):
            raise OutsideSpaceError("a combination that the space forbids") from None
        return dict(active)

    def _is_legal(self, name: str, value: Any) -> bool:
        hyperparameter = self.space[name]
        numeric = isinstance(hyperparameter, NumericalHyperparameter)
        if isinstance(value, list) or (numeric and isinstance(value, bool)):
            return False  # ConfigSpace would read a list as many values
        try:
            return bool(hyperparameter.legal_value(value))
        except (TypeError, ValueError, OverflowError):
            return False

    def _typed(self, name: str, value: Any) -> Any:
        whole = isinstance(self.space[name], IntegerHyperparameter)
        return int(value) if whole else value

    def _words(self, name: str) -> str:
        """Where a value of a hyperparameter would have to be."""
        one = self.space[name]
        if isinstance(one, NumericalHyperparameter):
            return f"{name} outside [{number(one.lower)}, {number(one.upper)}]"
        values = getattr(one, "choices", getattr(one, "sequence", ()))
        return f"{name} none of {', '.join(number(plain(value)) for value in values)}"
