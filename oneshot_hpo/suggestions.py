"""Did you mean …: the name that somebody may have meant who wrote one that there is not.

The module imports nothing of ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str], *, with_all: bool = False) -> str:
    """The end of a message: the known name nearest to this one, or else all that there are.

    "did you mean darts?", or "there are darts, gdas". with_all: all of them in any case.
    """
    names = list(known)
    near = get_close_matches(name, names, n=1)
    every = f"there are {', '.join(names)}"
    if not near:
        return every
    return f"did you mean {near[0]}?" + (f" {every}" if with_all else "")
