"""Environments in which a study and its confirmation ran, from the notes in their journals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from oneshot_hpo.hpo.confirmation_view import CONFIRMATION_NAME, has_confirmation
from oneshot_hpo.hpo.confirmation_view import EVENTS as CONFIRMATION_EVENTS
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME, read_journal


def noted_environments(
    study: Path, confirmation: Path | None = None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """(header of the study in a folder, environments noted since then by time).

    confirmation: folder of its confirmation, whose notes are included; it need not exist. Raises
    like `read_study`, but replays nothing.
    """
    events, _ = read_journal(study / JOURNAL_NAME)
    created_with: dict[str, Any] = events[0]["study"]
    if confirmation is not None and has_confirmation(confirmation):
        events = [*events, *read_journal(confirmation / CONFIRMATION_NAME, CONFIRMATION_EVENTS)[0]]
    notes = [event for event in events if event["event"] == "note"]
    return created_with, [n["environment"] for n in sorted(notes, key=lambda n: n["time"])]
