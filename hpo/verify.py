"""Verification: reads a journal line by line, and compares a replay's proposals with it.

Nothing is written, and no lock is taken.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from oneshot_hpo.hpo.bohb.master import BOHBMaster
from oneshot_hpo.hpo.errors import CorruptJournal
from oneshot_hpo.hpo.journal.events import Event, Kinds
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME, each_event, read_journal
from oneshot_hpo.hpo.study import Study
from oneshot_hpo.hpo.study_events import EVENTS


class Difference(NamedTuple):
    """A configuration in a journal that differs from the proposal of a replay."""

    line: int
    """Line of its ask event, from 1."""
    journaled: dict[str, Any]
    """Configuration and info in the journal."""
    proposed: dict[str, Any]
    """Configuration and info that the optimizer proposes in the replay."""


def faults(path: Path, kinds: Kinds = EVENTS) -> tuple[list[CorruptJournal], int]:
    """Every line of a journal that cannot be read, and the size of a torn last line in bytes.

    Raises NewerJournal and OSError.
    """
    lines = path.read_bytes().split(b"\n")
    torn = lines.pop()
    found = each_event(path, lines, kinds)
    return [fault for fault in found if isinstance(fault, CorruptJournal)], len(torn)


def differences(folder: Path) -> list[Difference]:
    """Configurations in a study's journal that a replay of the optimizer does not propose.

    Raises like `Study.open` for a journal that cannot be read or replayed.
    """
    path = Path(folder) / JOURNAL_NAME
    events, _ = read_journal(path)
    replay = _Replay(path, events[0])
    replay._fold(events)
    return replay.differences


class _ProposingMaster(BOHBMaster):
    """Continues with the logged configurations, but computes proposals, too."""

    proposed: tuple[dict[str, Any], dict[str, Any]] | None = None

    def _sample(self, budget: int | float) -> tuple[dict[str, Any], dict[str, Any]]:
        logged = super()._sample(budget)
        self._logged, kept = None, self._logged
        self.proposed = super()._sample(budget)
        self._logged = kept
        return logged


class _Replay(Study):
    """A study for a replay alone, without a lock or an open journal."""

    def __init__(self, path: Path, header: Event) -> None:
        super().__init__(path, header, lock=None)  # type: ignore[arg-type]
        self._master: _ProposingMaster = _ProposingMaster(self.space, self.settings, self.prior)
        self._line = 1
        self.differences: list[Difference] = []

    def _replay(self, event: Event) -> None:
        self._line += 1
        self._master.proposed = None
        super()._replay(event)
        if self._master.proposed is None:
            return
        journaled = event["config"] | event["info"]
        config, info = self._master.proposed
        if config | info != journaled:
            self.differences.append(Difference(self._line, journaled, config | info))
