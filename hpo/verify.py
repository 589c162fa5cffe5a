"""A journal looked at line by line, and a study's replay compared with what it says.

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
    """A configuration in a journal that is not the one that is proposed here."""

    line: int
    """The line of its ask, from 1."""
    journaled: dict[str, Any]
    """The configuration and info that the journal has."""
    proposed: dict[str, Any]
    """Those that the optimizer proposes here."""


def faults(path: Path, kinds: Kinds = EVENTS) -> tuple[list[CorruptJournal], int]:
    """Every line of a journal that cannot be read, and how many bytes of a torn last one there are.

    Raises NewerJournal and OSError.
    """
    lines = path.read_bytes().split(b"\n")
    torn = lines.pop()
    found = each_event(path, lines, kinds)
    return [fault for fault in found if isinstance(fault, CorruptJournal)], len(torn)


def differences(folder: Path) -> list[Difference]:
    """Where the optimizer proposes something else than the journal of the study in `folder` has.

    Raises like `Study.open` for a journal that cannot be read or replayed.
    """
    path = Path(folder) / JOURNAL_NAME
    events, _ = read_journal(path)
    replay = _Replay(path, events[0])
    replay._fold(events)
    return replay.differences


class _ProposingMaster(BOHBMaster):
    """Goes on with what was logged, and proposes all the same."""

    proposed: tuple[dict[str, Any], dict[str, Any]] | None = None

    def _sample(self, budget: int | float) -> tuple[dict[str, Any], dict[str, Any]]:
        logged = super()._sample(budget)
        self._logged, kept = None, self._logged
        self.proposed = super()._sample(budget)
        self._logged = kept
        return logged


class _Replay(Study):
    """A study that is replayed only: it has no lock and no open journal."""

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
