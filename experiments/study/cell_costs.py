"""What the network of a found architecture costs, beside its error: parameters, MACs, seconds."""

from __future__ import annotations

from typing import Any

import numpy as np

from oneshot_hpo.experiments.objectives.table_outcome import opened_table
from oneshot_hpo.search_spaces import Architecture, SearchSpace, Table
from oneshot_hpo.search_spaces.table import CIFAR10

_MACS = "macs"
_NASBENCH101 = {"channels": 128, "stacks": 3, "cells_per_stack": 3}
"""The network of NAS-Bench-101 (Ying et al., 2019, section 2.2), on images of CIFAR-10."""
_CIFAR10_SHAPE = (3, 32, 10)


def cell_costs(
    table: str | None, dataset: str, space: SearchSpace, architecture: Architecture
) -> dict[str, Any]:
    """The fields of an `Outcome` that say what an architecture's own network costs.

    parameters and training_seconds (mean of the repeats at the largest budget) are the table's;
    macs too, or are counted in the table's network where this project has it. What is not known is
    left out. dataset: of the search.
    """
    if table is None:
        return {}
    opened = opened_table(table)
    row = opened.row_of(space, architecture)
    found = {
        "parameters": _first(opened, "parameters", row),
        "macs": _macs(opened, dataset, space, architecture, row),
        "training_seconds": _first(opened, "seconds", row),
    }
    counts = {"parameters", "macs"}
    return {
        name: round(value) if name in counts else value
        for name, value in found.items()
        if value is not None
    }


def _first(table: Table, metric: str, row: int) -> float | None:
    """The mean over the recorded repeats at the largest budget; None: the table has none."""
    if metric not in table.metrics:
        return None
    values = np.atleast_1d(table.values(metric, row))
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def _macs(
    table: Table, dataset: str, space: SearchSpace, architecture: Architecture, row: int
) -> float | None:
    """Multiply-accumulates; None unless the table records them or its network is known here."""
    recorded = _first(table, _MACS, row)
    if recorded is not None:
        return 1e6 * recorded if table.metrics[_MACS].unit == "M" else recorded

    sizes, shape = table.provenance.get("settings"), _CIFAR10_SHAPE
    if table.family == "nasbench101" and table.dataset == CIFAR10:
        sizes = _NASBENCH101
    elif not isinstance(sizes, dict):
        return None
    else:
        found = _shape(table, dataset)
        if found is None:
            return None
        shape = found
    return _counted(space, architecture, sizes, shape, _first(table, "parameters", row))


def _shape(table: Table, dataset: str) -> tuple[int, int, int] | None:
    """Colours, height and classes of a table's images; None: they are not those of the search."""
    from oneshot_hpo.searchers.data.datasets import load_dataset

    if table.dataset != dataset:
        return None
    images = load_dataset(dataset)
    return images.channels, images.image_size, images.classes


def _counted(
    space: SearchSpace,
    architecture: Architecture,
    sizes: dict[str, Any],
    shape: tuple[int, int, int],
    parameters: float | None,
) -> int | None:
    """Counted in the network of these sizes; None unless it has as many parameters as recorded."""
    from oneshot_hpo.searchers.network.costs import multiply_accumulates_of
    from oneshot_hpo.searchers.network.scratch import MODULES, ScratchSettings, parameter_count

    if space.family not in MODULES:
        return None
    names = ("channels", "stacks", "cells_per_stack")
    settings = ScratchSettings(**{name: sizes[name] for name in names if name in sizes})
    colours, pixels, classes = shape
    if parameters != parameter_count(space, architecture, colours, classes, settings):
        return None
    return multiply_accumulates_of(space, architecture, colours, pixels, classes, settings)
