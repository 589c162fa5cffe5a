"""Checks of what a searcher answers: one of a user's own may answer anything."""

from __future__ import annotations

from typing import Any

from oneshot_hpo.foreign import BrokenPlugin
from oneshot_hpo.search_spaces import Architecture, InvalidArchitecture, SearchSpace
from oneshot_hpo.searchers.network.encoding import Encoding


def checked_encoding(found: Any, space: SearchSpace) -> Encoding:
    """The encoding itself; BrokenPlugin unless it has the form of one of the space."""
    if not isinstance(found, Encoding):
        raise BrokenPlugin(f"the searcher gave {found!r:.80} as encoding, not an Encoding")
    if len(found.weights) != len(space.choices):
        raise BrokenPlugin(
            f"the searcher gave an encoding of {len(found.weights)} choices: {space.title} has "
            f"{len(space.choices)}"
        )
    return found


def checked_end(found: Any, space: SearchSpace) -> Architecture:
    """The architecture that a search ends with; BrokenPlugin unless it is one of the space."""
    if not isinstance(found, Architecture):
        raise BrokenPlugin(f"the searcher ended with {found!r:.80}, not with an Architecture")
    try:
        space.check(found)
    except InvalidArchitecture as error:
        raise BrokenPlugin(f"the searcher ended with what is {error}") from None
    return found
