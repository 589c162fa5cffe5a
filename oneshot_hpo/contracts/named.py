"""What a test names: as in a study file, and a file's path from the current folder on."""

from __future__ import annotations

from typing import TypeVar, cast

from oneshot_hpo.experiments.study import own_code
from oneshot_hpo.search_spaces import SpaceId

_Name = TypeVar("_Name", bound=SpaceId)


def named(name: _Name) -> _Name:
    """The name by which this process knows it; code that it names may run from now on."""
    return cast(_Name, own_code.typed(name)) if isinstance(name, str) else name
