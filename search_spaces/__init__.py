"""Search spaces as sets of choices, and tables of trained architectures."""

from oneshot_hpo.search_spaces.choices import Architecture, Choice
from oneshot_hpo.search_spaces.nasbench101.cell import OPERATIONS, Cell, InvalidCell
from oneshot_hpo.search_spaces.nasbench101.trained_cells import TrainedCells
from oneshot_hpo.search_spaces.registry import UnknownSpace, get_space
from oneshot_hpo.search_spaces.space import EnumerableSpace, SearchSpace
from oneshot_hpo.search_spaces.table import Metric, MissingCell, Table, TableError
from oneshot_hpo.search_spaces.table_file import load_table

__all__ = [
    "OPERATIONS",
    "Architecture",
    "Cell",
    "Choice",
    "EnumerableSpace",
    "InvalidCell",
    "Metric",
    "MissingCell",
    "SearchSpace",
    "Table",
    "TableError",
    "TrainedCells",
    "UnknownSpace",
    "get_space",
    "load_table",
]
