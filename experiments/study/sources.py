"""What a study's journal says about the studies and runs whose results its model began with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pydantic
from pydantic import ConfigDict, Field

from oneshot_hpo.experiments.errors import UserError, one_line
from oneshot_hpo.hpo import Observation

SOURCES = "sources"
"""The key in the header of a journal."""
_OLD_FOLDER, _OLD_LEFT_OUT = "prior_from", "prior_left_out"
"""The keys of earlier versions, which read a single HpBandSter run."""

UNUSABLE = "lines that could not be used"
"""The reason for leaving out what was damaged."""


class Source(pydantic.BaseModel):
    """One study or run, as it was when its results were taken over.

    Keys that a later version adds are ignored.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    kind: Literal["study", "hpbandster"]
    folder: str
    """Its complete path."""
    name: str
    title: str = ""
    """The study in a line; empty for a run."""
    identity: str | None = None
    """SHA-256 of a study's journal header (`OpenedStudy.identity`); None for a run."""
    checksum: str | None = None
    """SHA-256 of its results: configurations, budgets and losses in their order."""
    results: int
    """Number of results that it had, crashes included."""
    taken: int
    """Number of its results among the new study's observations."""
    left_out: dict[str, int] = Field(default_factory=dict)
    """Number of results that were left out, by reason."""
    order_only: bool = False
    """Whether ranks took the place of its losses."""
    added: dict[str, Any] = Field(default_factory=dict)
    """The values of its settings that its configurations got for hyperparameters that it did not
    tune."""
    assumed: dict[str, Any] = Field(default_factory=dict)
    """The new study's defaults that they got where it has no such setting, or none is known."""
    removed: list[str] = Field(default_factory=list)
    """Hyperparameters that it tuned and the new study does not."""
    differs: list[str] = Field(default_factory=list)
    """What else is different in the new study, in words."""
    exact: bool = False
    """Whether its configurations had to be of the new study's space as they were."""
    sources: list[Source] = Field(default_factory=list)
    """What the source itself began with."""

    @property
    def key(self) -> str:
        """The same for a study wherever its folder lies."""
        return self.identity or self.checksum or self.folder


@dataclass(frozen=True)
class Wanted:
    """The sources that a user names for a new study."""

    folders: Sequence[Path] = ()
    """Folders of studies, or of HpBandSter runs."""
    as_prior: bool = False
    """Whether the order of losses may be taken where they cannot be compared."""
    skip_bad: bool = False
    """Whether to leave out lines of a run that cannot be used."""


@dataclass(frozen=True)
class Beginning:
    """What a new study's model begins with."""

    prior: Sequence[Observation] = ()
    """The observations of all sources, in the order of `sources`."""
    sources: Sequence[Source] = ()
    notes: Sequence[str] = ()
    """Lines for the user, beside what the sources say."""


NO_SOURCES = Wanted()


def sources_of(header: Mapping[str, Any], prior: int, journal: str) -> list[Source]:
    """The sources in a journal's header, in the order of their observations.

    prior: number of observations in the journal. journal: its name in messages. UserError: they
    cannot be read.
    """
    if _OLD_FOLDER in header:
        return [_old(header, prior)]
    try:
        found = [Source.model_validate(one) for one in header.get(SOURCES, [])]
    except (pydantic.ValidationError, TypeError) as error:
        raise UserError(f"{journal}: {SOURCES} of the header: {one_line(error)}") from None
    if found and sum(one.taken for one in found) != prior:
        raise UserError(f"{journal}: {SOURCES} of the header do not have its {prior} observations")
    return found


def with_losses(prior: Sequence[Observation], sources: Sequence[Source]) -> list[Observation]:
    """The observations of these sources whose losses are losses and no ranks."""
    ranks = [source.order_only for source in sources for _ in range(source.taken)]
    return [one for number, one in enumerate(prior) if not (ranks and ranks[number])]


def reasons(left_out: Mapping[str, int]) -> str:
    """The numbers of results left out, with the reasons."""
    return ", ".join(f"{number} {reason}" for reason, number in left_out.items())


def _old(header: Mapping[str, Any], prior: int) -> Source:
    """What a version recorded that knew HpBandSter runs alone."""
    folder, left_out = str(header[_OLD_FOLDER]), header.get(_OLD_LEFT_OUT, 0)
    return Source(
        kind="hpbandster",
        folder=folder,
        name=Path(folder).name,
        results=prior + left_out,
        taken=prior,
        left_out={UNUSABLE: left_out} if left_out else {},
        exact=True,
    )
