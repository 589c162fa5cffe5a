"""Contract suites: what every plug-in of a kind has to hold, as tests that its own tests inherit.

    from oneshot_hpo.contracts import SearcherContract

    class TestMine(SearcherContract):
        searcher = "my_package.mine:Mine"
        spaces = ("nasbench201",)

They need pytest, which this project does not bring. What is tested is named as in a study file.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from oneshot_hpo.contracts.dataset import DatasetContract as DatasetContract
    from oneshot_hpo.contracts.objective import ObjectiveContract as ObjectiveContract
    from oneshot_hpo.contracts.search_space import SearchSpaceContract as SearchSpaceContract
    from oneshot_hpo.contracts.searcher import SearcherContract as SearcherContract
    from oneshot_hpo.contracts.supernet import SupernetContract as SupernetContract
    from oneshot_hpo.contracts.table import TableContract as TableContract

_MODULES = {
    "DatasetContract": "dataset",
    "ObjectiveContract": "objective",
    "SearchSpaceContract": "search_space",
    "SearcherContract": "searcher",
    "SupernetContract": "supernet",
    "TableContract": "table",
}

__all__ = list(_MODULES)

# So that a failure shows the values that an assertion compares, as it does in one's own tests.
pytest.register_assert_rewrite(*(f"{__name__}.{module}" for module in _MODULES.values()))


def __getattr__(name: str) -> Any:
    """A suite; its module is imported now, for some load torch."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
