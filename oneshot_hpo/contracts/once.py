"""What the tests of one class share."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any, TypeVar

_T = TypeVar("_T")


def once(make: Callable[..., _T], *arguments: Hashable) -> _T:
    """What a function returns; it is called once for tests that follow each other."""
    made: _T = _made(make, *arguments)
    return made


@lru_cache(maxsize=4)  # a data set may fill half of the memory
def _made(make: Callable[..., Any], *arguments: Hashable) -> Any:
    return make(*arguments)
