"""The section `stop` of a study file: after how much of what a study starts nothing more.

    stop:
      evaluations: 200      # that have started
      gpu_hours: 48         # of all workers together, one GPU each
      wall_hours: 12        # since the launch, pauses included
      target_error: 0.06    # of the incumbent on validation, as a share
      no_improvement: 60    # evaluations in which the best error did not improve beyond the noise

The first rule that is reached ends the study; what runs then is finished.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import pydantic
from pydantic import ConfigDict, Field

from oneshot_hpo.experiments.errors import UserError

STOP = "stop"
"""The key of the section."""

Number = int | Annotated[float, Field(allow_inf_nan=False)]

_HOURS = "a number of hours above 0, or null (no limit)"
_COUNT = "a whole number of evaluations from 1, or null (no limit)"


class StopSection(pydantic.BaseModel):
    """When a study ends early. Each field's description completes the message "must be …"."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    evaluations: int | None = Field(default=None, ge=1, description=_COUNT)
    gpu_hours: Number | None = Field(default=None, gt=0, description=_HOURS)
    wall_hours: Number | None = Field(default=None, gt=0, description=_HOURS)
    target_error: Number | None = Field(
        default=None, description="a number (an error as a share, 0.06), or null (no target)"
    )
    no_improvement: int | None = Field(default=None, ge=1, description=_COUNT)
    noise: Number | None = Field(
        default=None,
        ge=0,
        description="a number from 0 (a deviation of the loss between seeds), or null (that of the "
        "confirmation or the table)",
    )

    @property
    def rules(self) -> dict[str, Any]:
        """The rules that are set, by key."""
        return self.model_dump(exclude={"noise"}, exclude_none=True)

    def with_limits(self, limits: Mapping[str, Any]) -> dict[str, Any]:
        """All keys of the section with other limits, None for no limit; they are not checked.

        The noise goes with the rule that counts by it.
        """
        section = self.model_dump() | dict(limits)
        if section["no_improvement"] is None and "noise" not in limits:
            section["noise"] = None
        return section

    def check(self) -> None:
        """UserError: a key says how another one counts that is not there."""
        if self.noise is not None and self.no_improvement is None:
            raise UserError("key 'stop.noise' is for stop.no_improvement, which is not set")
