"""What is wrong with a study, and what mends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong."""

    words: str
    """Where and what, in a line."""
    mend: Callable[[], object] | None = None
    """What makes it right and loses nothing; None: that is for somebody who knows more."""


@dataclass
class Report:
    """What was looked at, and what is wrong with it."""

    checked: list[str] = field(default_factory=list)
    """In a few words each."""
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What is as it should be, and has to be known of the results; a sentence each."""
    is_readable: bool = True
    """Whether the study's journal can be read: without it nothing else can be looked at."""

    def add(self, words: str, mend: Callable[[], object] | None = None) -> None:
        """Note something that is wrong."""
        self.findings.append(Finding(words, mend))
