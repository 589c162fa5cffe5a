"""Studies of the hyperparameters of one-shot neural architecture search.

    import oneshot_hpo

    study = oneshot_hpo.launch("quickstart", "runs/first", settings={"seed": 1})
    study.trials_frame()

What a program may rely on are the names in `__all__`: the calls, the records that they return, and
the exceptions that they raise. Each is defined in the package that owns it, which is imported when
the name is first used. Everything else may change.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for type checkers and editors; a test compares it with the list below
    from oneshot_hpo.cluster.errors import ClusterError as ClusterError
    from oneshot_hpo.cluster.errors import PoolError as PoolError
    from oneshot_hpo.errors import OneShotHpoError as OneShotHpoError
    from oneshot_hpo.experiments.compare.comparing import compare as compare
    from oneshot_hpo.experiments.confirm.confirming import confirm as confirm
    from oneshot_hpo.experiments.errors import ExperimentError as ExperimentError
    from oneshot_hpo.experiments.errors import StudyFailed as StudyFailed
    from oneshot_hpo.experiments.errors import StudyStopped as StudyStopped
    from oneshot_hpo.experiments.errors import UserError as UserError
    from oneshot_hpo.experiments.study.calls import extend as extend
    from oneshot_hpo.experiments.study.calls import launch as launch
    from oneshot_hpo.experiments.study.calls import resume as resume
    from oneshot_hpo.experiments.study.opened import OpenedStudy as OpenedStudy
    from oneshot_hpo.experiments.study.opened import open_study as open_study
    from oneshot_hpo.experiments.study.outcome import Outcome as Outcome
    from oneshot_hpo.experiments.study.single_search import search as search
    from oneshot_hpo.experiments.study.trust import NotTrusted as NotTrusted
    from oneshot_hpo.hpo.errors import CorruptJournal as CorruptJournal
    from oneshot_hpo.hpo.errors import HpoError as HpoError
    from oneshot_hpo.hpo.errors import StudyError as StudyError
    from oneshot_hpo.search_spaces.errors import SpaceError as SpaceError
    from oneshot_hpo.search_spaces.registry import get_space as get_space
    from oneshot_hpo.search_spaces.table import TableError as TableError
    from oneshot_hpo.search_spaces.table_file import load_table as load_table
    from oneshot_hpo.searchers.errors import SearchError as SearchError
    from oneshot_hpo.searchers.records import SearchDiverged as SearchDiverged

_OWNERS = {
    # Studies
    "launch": "experiments.study.calls",
    "resume": "experiments.study.calls",
    "extend": "experiments.study.calls",
    "open_study": "experiments.study.opened",
    "confirm": "experiments.confirm.confirming",
    "compare": "experiments.compare.comparing",
    # One search, and what is known of architectures
    "search": "experiments.study.single_search",
    "get_space": "search_spaces.registry",
    "load_table": "search_spaces.table_file",
    # What they return
    "OpenedStudy": "experiments.study.opened",
    "Outcome": "experiments.study.outcome",
    # What they raise: the base of all, a base a package, and what a caller may want to handle
    "OneShotHpoError": "errors",
    "ExperimentError": "experiments.errors",
    "UserError": "experiments.errors",
    "NotTrusted": "experiments.study.trust",
    "StudyStopped": "experiments.errors",
    "StudyFailed": "experiments.errors",
    "HpoError": "hpo.errors",
    "StudyError": "hpo.errors",
    "CorruptJournal": "hpo.errors",
    "ClusterError": "cluster.errors",
    "PoolError": "cluster.errors",
    "SearchError": "searchers.errors",
    "SearchDiverged": "searchers.records",
    "SpaceError": "search_spaces.errors",
    "TableError": "search_spaces.table",
}
"""By promised name, the module that defines it."""

__all__ = list(_OWNERS)


def __getattr__(name: str) -> Any:
    """A promised name; its module is imported now."""
    if name not in _OWNERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_OWNERS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
