"""What an architecture's own network costs: multiply-accumulates of one image."""

from __future__ import annotations

import torch
from torch.utils.flop_counter import FlopCounterMode

from oneshot_hpo.search_spaces import Architecture, SearchSpace
from oneshot_hpo.searchers.network.scratch import ScratchSettings, scratch_networks_of


def multiply_accumulates(
    space: SearchSpace,
    architecture: Architecture,
    image_channels: int,
    image_size: int,
    classes: int,
    settings: ScratchSettings,
) -> int:
    """Of convolutions and matrix products for one image, normalisation and pooling left out.

    Nothing is computed: the shapes alone decide. Raises SettingsError for a space whose
    architectures cannot be trained here.
    """
    with torch.device("meta"):
        network = scratch_networks_of(space, [architecture], image_channels, classes, settings)
        image = torch.empty(1, image_channels, image_size, image_size)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval()(image)
    return counter.get_total_flops() // 2
