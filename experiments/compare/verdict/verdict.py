"""Verdicts of a call of `compare`: one for each comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oneshot_hpo.experiments.compare.comparing import Space
from oneshot_hpo.experiments.compare.sources import Study
from oneshot_hpo.experiments.compare.verdict.case import Case
from oneshot_hpo.experiments.compare.verdict.facts import Fact, facts
from oneshot_hpo.experiments.compare.verdict.threats import Threats, threats
from oneshot_hpo.experiments.compare.wording import claim


@dataclass(frozen=True)
class Verdict:
    """A claim with its evidence and the threats to it."""

    claim: str
    facts: list[Fact]
    threats: Threats
    notes: list[str]
    """Caveats about baselines, which have no journal."""


def verdicts(spaces: Sequence[Space], studies: Sequence[Study]) -> list[Verdict]:
    """The verdict of every comparison, in their order."""
    return [
        _verdict(Case(space, pairing, [s for s in studies if s.main.space == space.id]))
        for space in spaces
        for pairing in space.pairings
    ]


def _verdict(case: Case) -> Verdict:
    sources = [sample.source for sample in case.samples if case.study_of(sample) is None]
    files = [source.rpartition(":")[0] or source for source in sources]
    notes = [note for note in case.space.notes if note.startswith((*files, *sources))]
    return Verdict(
        claim(case.pairing, *case.names), facts(case), threats(case), notes if sources else []
    )
