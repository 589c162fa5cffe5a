"""NN-Degree (Li, Mandal, Ogras and Marculescu 2021, "FLASH"): a cell's links for each unit."""

from __future__ import annotations

from oneshot_hpo.search_spaces import Architecture, SearchSpace
from oneshot_hpo.searchers.network.scratch import ScratchSettings


def nn_degree(space: SearchSpace, architecture: Architecture, settings: ScratchSettings) -> float:
    """The sum over a network's cells of w + SC / (w * d); NaN for a space without drawings.

    w: units (channels) of a layer. d: layers of the cell. SC: links of units that skip layers.

    The paper defines it for chains of layers with skip connections and has no public code. Here a
    cell is the graph that its space draws, whose V vertices are layers: what its E edges have
    beyond the V - 1 of a chain are skip connections, of w links each.
    """
    drawing = space.drawing(architecture)
    if drawing is None:
        return float("nan")
    layers = len(drawing.labels) - 1
    skips = max(len(drawing.edges) - layers, 0)
    widths = (settings.channels * 2**stack for stack in range(settings.stacks))
    return float(sum(settings.cells_per_stack * (width + skips / layers) for width in widths))
