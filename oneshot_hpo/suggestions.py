"""Did you mean …: the name that somebody may have meant who wrote one that there is not."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def suggestion(name: str, known: Iterable[str]) -> str | None:
    """The known name nearest to this one; None if none is near."""
    near = get_close_matches(name, list(known), n=1)
    return near[0] if near else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """What an error message ends with: the name that may be meant, or all that there are.

    "did you mean darts?", or "there are darts, gdas".
    """
    names = list(known)
    near = suggestion(name, names)
    return f"did you mean {near}?" if near else f"there are {', '.join(names)}"
