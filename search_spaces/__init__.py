"""Search spaces of NAS-Bench-1Shot1: cells, their hash, architectures, tables of trained cells."""

from oneshot_hpo.search_spaces.cell import OPERATIONS, Cell, InvalidCell
from oneshot_hpo.search_spaces.space import Architecture, SearchSpace, get_space
from oneshot_hpo.search_spaces.table import MissingCell, TableError, TrainedCells
from oneshot_hpo.search_spaces.table_file import load_table

__all__ = [
    "OPERATIONS",
    "Architecture",
    "Cell",
    "InvalidCell",
    "MissingCell",
    "SearchSpace",
    "TableError",
    "TrainedCells",
    "get_space",
    "load_table",
]
