"""A claim of a paper, the numbers that it is judged by, and what they say of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal, get_args

Verdict = Literal["confirmed", "confirmed in part", "contradicted", "not shown"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
NOT_MEASURED = "not measured yet"


@dataclass(frozen=True)
class Case:
    """One number that a claim is judged by."""

    what: str
    """What was measured: "darts, space 1, tuned in cs2"."""
    n: str
    """Of how many: "10 pairs", "1000 cells, 3 supernets"."""
    value: str
    """The number with its interval, or words."""
    verdict: Verdict


@dataclass(frozen=True)
class Claim:
    """A claim and its cases; without a case it is not measured yet."""

    said: str
    """The claim, a sentence."""
    source: str
    """Where it is made."""
    commands: tuple[str, ...]
    """Command lines that measure it."""
    measure: str
    """What the values are."""
    rule: str
    """When a case confirms it, when it contradicts it."""
    limits: str
    """What limits it."""
    cases: tuple[Case, ...] = ()
    notes: tuple[str, ...] = ()
    """Numbers beside, which are not judged, a sentence each."""
    figure: str | None = None
    """A picture, by its path in the folder of results."""

    @property
    def verdict(self) -> str:
        """The verdict of all cases where they agree; otherwise how many have which."""
        if not self.cases:
            return NOT_MEASURED
        counts = Counter(case.verdict for case in self.cases)
        found = [(word, counts[word]) for word in VERDICTS if counts[word]]
        if len(found) == 1:
            return found[0][0]
        return ", ".join(f"{count} {word}" for word, count in found)


def by_sign(sign: int) -> Verdict:
    """Of a claim that a number is above 0; sign: 1 or -1 where its interval is on one side."""
    verdicts: dict[int, Verdict] = {1: "confirmed", 0: "not shown", -1: "contradicted"}
    return verdicts[sign]


def sign_of(low: float, high: float) -> int:
    """On which side of 0 an interval is: 1, -1, or 0 where it includes 0 or is not a number."""
    return 1 if low > 0 else -1 if high < 0 else 0


def interval_words(value: float, low: float, high: float) -> str:
    """A number with its interval: "0.45 (0.31 to 0.57)"."""
    return f"{value:.2f} ({low:.2f} to {high:.2f})"
