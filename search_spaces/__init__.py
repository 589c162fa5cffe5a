"""Search spaces as sets of choices, and tables of trained architectures."""

from oneshot_hpo.search_spaces.choices import Architecture, Choice, InvalidArchitecture
from oneshot_hpo.search_spaces.nasbench101.cell import Cell, InvalidCell
from oneshot_hpo.search_spaces.nasbench101.trained_cells import TrainedCells
from oneshot_hpo.search_spaces.registry import (
    UnknownSpace,
    get_space,
    heading_of,
    ordered,
    space_ids,
    title_of,
)
from oneshot_hpo.search_spaces.space import EnumerableSpace, SearchSpace, SpaceId, enumerable
from oneshot_hpo.search_spaces.table import Metric, MissingCell, Table, TableError
from oneshot_hpo.search_spaces.table_file import load_table

__all__ = [
    "Architecture",
    "Cell",
    "Choice",
    "EnumerableSpace",
    "InvalidArchitecture",
    "InvalidCell",
    "Metric",
    "MissingCell",
    "SearchSpace",
    "SpaceId",
    "Table",
    "TableError",
    "TrainedCells",
    "UnknownSpace",
    "enumerable",
    "get_space",
    "heading_of",
    "load_table",
    "ordered",
    "space_ids",
    "title_of",
]
