"""Search spaces of NAS-Bench-1Shot1: cells, their hash, architectures, tables of trained cells."""

from search_spaces.cell import OPERATIONS, Cell, InvalidCell
from search_spaces.space import Architecture, SearchSpace, get_space
from search_spaces.table import MissingCell, TableError, TrainedCells
from search_spaces.table_file import load_table

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
