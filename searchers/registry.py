"""The one-shot optimizers by name. Adding one is one file and one line here."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from searchers.searcher import Searcher

# Modules and classes by name: names can be checked without loading torch.
SEARCHERS = {
    "darts": ("searchers.darts", "Darts"),
}


class UnknownSearcher(ValueError):
    """No searcher has this name; the message says which there are."""


def searcher_class(name: str) -> type[Searcher]:
    """The class of a searcher; raises UnknownSearcher."""
    check_searcher(name)
    module, class_name = SEARCHERS[name]
    found: type[Searcher] = getattr(import_module(module), class_name)
    return found


def check_searcher(name: str) -> None:
    """Raise UnknownSearcher unless there is a searcher of this name; loads nothing."""
    if name not in SEARCHERS:
        near = get_close_matches(name, SEARCHERS, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UnknownSearcher(f"no searcher {name!r}: {hint}there are {', '.join(SEARCHERS)}")
