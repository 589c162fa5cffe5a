"""The one-shot optimizers by name. Adding one is one file, its settings and one line here."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING

from oneshot_hpo.searchers.errors import SearchError
from oneshot_hpo.searchers.own_settings import (
    EnasSettings,
    GdasSettings,
    PcDartsSettings,
    ProxylessSettings,
    RandomWsSettings,
    SecondOrderSettings,
    SinglePathSettings,
)
from oneshot_hpo.searchers.settings import SearchSettings

if TYPE_CHECKING:
    from oneshot_hpo.searchers.searcher import Searcher

# Modules and classes by name: names and settings can be checked without loading torch.
SEARCHERS: dict[str, tuple[str, str, type[SearchSettings]]] = {
    "darts": ("oneshot_hpo.searchers.darts", "Darts", SearchSettings),
    "darts_second_order": (
        "oneshot_hpo.searchers.darts_second_order",
        "SecondOrderDarts",
        SecondOrderSettings,
    ),
    "pc_darts": ("oneshot_hpo.searchers.pc_darts", "PcDarts", PcDartsSettings),
    "gdas": ("oneshot_hpo.searchers.gdas", "Gdas", GdasSettings),
    "random_ws": ("oneshot_hpo.searchers.random_ws", "RandomWs", RandomWsSettings),
    "single_path": ("oneshot_hpo.searchers.single_path", "SinglePath", SinglePathSettings),
    "enas": ("oneshot_hpo.searchers.enas", "Enas", EnasSettings),
    "proxylessnas": ("oneshot_hpo.searchers.proxylessnas", "ProxylessNas", ProxylessSettings),
}


class UnknownSearcher(SearchError, ValueError):
    """No searcher has this name; the message says which there are."""


def searcher_class(name: str) -> type[Searcher]:
    """The class of a searcher; raises UnknownSearcher."""
    check_searcher(name)
    module, class_name, _ = SEARCHERS[name]
    found: type[Searcher] = getattr(import_module(module), class_name)
    return found


def settings_class(name: str) -> type[SearchSettings]:
    """The settings of a searcher, those of its own included; raises UnknownSearcher."""
    check_searcher(name)
    return SEARCHERS[name][2]


def check_searcher(name: str) -> None:
    """Raise UnknownSearcher unless there is a searcher of this name; loads nothing."""
    if name not in SEARCHERS:
        near = get_close_matches(name, SEARCHERS, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UnknownSearcher(f"no searcher {name!r}: {hint}there are {', '.join(SEARCHERS)}")
