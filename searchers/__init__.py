"""One-shot architecture search: supernet, searchers, image data, the search loop."""

from typing import TYPE_CHECKING, Any

from oneshot_hpo.searchers.records import (
    EpochRecord,
    OutOfDeviceMemory,
    SearchDiverged,
    SearchResult,
    SearchStopped,
)
from oneshot_hpo.searchers.registry import (
    SEARCHERS,
    UnknownSearcher,
    check_searcher,
    settings_class,
)
from oneshot_hpo.searchers.settings import SearchSettings, SettingsError

if TYPE_CHECKING:
    from oneshot_hpo.searchers.search import run_search

__all__ = [
    "SEARCHERS",
    "EpochRecord",
    "OutOfDeviceMemory",
    "SearchDiverged",
    "SearchResult",
    "SearchSettings",
    "SearchStopped",
    "SettingsError",
    "UnknownSearcher",
    "check_searcher",
    "run_search",
    "settings_class",
]


def __getattr__(name: str) -> Any:
    """Import `run_search` when it is first used: it loads torch, which takes seconds."""
    if name == "run_search":
        from oneshot_hpo.searchers.search import run_search

        return run_search
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
