"""Findings of a check, and how to mend them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Finding:
    """One problem."""

    words: str
    """The place and the problem, in one line."""
    mend: Callable[[], object] | None = None
    """Mends it without loss; None: the user has to decide."""


@dataclass
class Report:
    """What was checked, and the problems found."""

    checked: list[str] = field(default_factory=list)
    """In a few words each."""
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Caveats that are not problems; a sentence each."""
    is_readable: bool = True
    """Whether the journal can be read; otherwise nothing else can be checked."""

    def add(self, words: str, mend: Callable[[], object] | None = None) -> None:
        """Add a problem."""
        self.findings.append(Finding(words, mend))
