"""What the user of a study expects to be good: values, and how sure the user is of each.

It is no observation: the `prior` of a journal's header has those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from oneshot_hpo.checks import check_settings, number, one_of, optional, setting
from oneshot_hpo.hpo.errors import InvalidSettings

METHODS = ("sampling", "acquisition")

_WIDTH = number(above=0, high=1)


@dataclass(frozen=True, kw_only=True)
class UserPrior:
    """A density over configurations, a product over hyperparameters.

    A number has a Gaussian in the unit interval, truncated to it, with the width as deviation. One
    of k values of a category has the probability 1 - width * (k - 1) / k. Without a width, all
    values are equally likely.

    Raises InvalidSettings, which names the setting.
    """

    method: Literal["sampling", "acquisition"] = setting("sampling", one_of(*METHODS))
    """How it is used: random picks are drawn from it (PriorBand, Mallik et al. 2023), or it weighs
    the model's proposals (πBO, Hvarfner et al. 2022)."""
    width: float | None = setting(None, optional(_WIDTH))
    """The width of hyperparameters that are not in `widths`; None: they have none."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """The most likely values by hyperparameter; of the others, the default."""
    widths: Mapping[str, float] = field(default_factory=dict)
    """Widths by hyperparameter, in (0, 1]."""

    def __post_init__(self) -> None:
        check_settings(self, lambda name, fault: InvalidSettings(f"user_prior.{name} {fault}"))
        for name, width in self.widths.items():
            if not _WIDTH.test(width):
                raise InvalidSettings(
                    f"user_prior.widths.{name} must be {_WIDTH.words}, not {width!r}"
                )
