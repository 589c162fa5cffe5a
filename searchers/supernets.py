"""Which search spaces have a supernet, and with which settings: known without torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from oneshot_hpo.search_spaces import SearchSpace
from oneshot_hpo.searchers.settings import SearchSettings, SettingsError


def check_supernet(space: SearchSpace, settings: SearchSettings) -> None:
    """Raise SettingsError for a space without a supernet, and for settings that it refuses.

    What a plug-in's own supernet refuses shows when it is made.
    """
    if space.complete.supernet is not None:
        return
    known = SUPERNETS.get(space.family)
    if known is None:
        raise SettingsError(f"{space.title} has no supernet: one-shot searches need one")
    known.check(space, settings)


def _no_limits(space: SearchSpace, settings: SearchSettings) -> None:
    """Every setting is possible."""


def _check_darts(space: SearchSpace, settings: SearchSettings) -> None:
    """Two stacks, and channels that reduction cells can halve."""
    if settings.stacks < 2:
        raise SettingsError(
            f"search setting stacks must be 2 at least for {space.title}, not {settings.stacks}: "
            "a network of one stack has no reduction cell"
        )
    if settings.channels < 2 * settings.channel_proportion:
        raise SettingsError(
            f"search setting channels must be {2 * settings.channel_proportion} at least for "
            f"{space.title}, not {settings.channels}: skip connections of reduction cells halve "
            "the channels that operations see"
        )


class SupernetEntry(NamedTuple):
    """A supernet of this package."""

    target: str
    """module:function, of the arguments of `network.one_shot.supernet_of`."""
    check: Callable[[SearchSpace, SearchSettings], None] = _no_limits
    """Raises SettingsError for settings that it cannot be made with."""


_NETWORK = "oneshot_hpo.searchers.network"

SUPERNETS = {
    "nasbench101": SupernetEntry(f"{_NETWORK}.nasbench101.supernet:supernet_of"),
    "nasbench201": SupernetEntry(f"{_NETWORK}.nasbench201.supernet:supernet_of"),
    "darts": SupernetEntry(f"{_NETWORK}.darts.supernet:supernet_of", _check_darts),
}
"""By family of search spaces."""
