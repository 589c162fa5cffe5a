"""What is said below a chart, or in its place; the page is of one study, which needs no name."""

from __future__ import annotations

from collections.abc import Iterable

from oneshot_hpo.experiments.numbers.sources import StudySource


def noted(caption: str, notes: Iterable[str], study: StudySource) -> str:
    """A caption with notes, a sentence each."""
    return " ".join([caption, *(sentence(note, study) for note in notes)])


def sentence(note: str, study: StudySource) -> str:
    """A note or the message of an error."""
    words = note.removeprefix(f"{study.source}: ")
    return f"{words[:1].upper()}{words[1:]}."
