"""A limit on how often something is done, so that it never takes much of the time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class RateLimiter:
    """Work is due again when its last run was at most a share of the time since it began."""

    def __init__(self, share: float = 0.05) -> None:
        self._share = share
        self._next = 0.0

    @property
    def is_due(self) -> bool:
        """Whether the work may be done now."""
        return time.monotonic() >= self._next

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Measure the work inside: the longer it takes, the later it is due again."""
        start = time.monotonic()
        yield
        end = time.monotonic()
        self._next = end + (end - start) / self._share
