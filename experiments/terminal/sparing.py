"""Work that may be left out for a while, so that it never takes much of the time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

_SHARE = 0.05


class Sparing:
    """Something is due again once it has taken no more than a twentieth of the time since."""

    def __init__(self) -> None:
        self._next = 0.0

    @property
    def due(self) -> bool:
        """Whether it may be done now."""
        return time.monotonic() >= self._next

    @contextmanager
    def doing(self) -> Iterator[None]:
        """Inside, it is done."""
        start = time.monotonic()
        yield
        end = time.monotonic()
        self._next = end + (end - start) / _SHARE
