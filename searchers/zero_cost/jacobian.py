"""Jacobian covariance (Mellor et al. 2020, the first version of "NAS without training")."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from oneshot_hpo.searchers.network.scratch import ScratchNetworks

_SMALL = 1e-5  # the authors' k


def jacobian_covariance(network: ScratchNetworks, images: Tensor) -> float:
    """How little the outputs' gradients of different images correlate.

    -sum(log(v + k) + 1 / (v + k)) over the eigenvalues v of the correlations of the gradients of
    the summed logits with respect to each image. NaN where an image has none.
    """
    inputs = images.detach().clone().requires_grad_()
    network(inputs).sum().backward()
    if inputs.grad is None:  # no image reaches the output
        return float("nan")
    gradients = inputs.grad.flatten(1).cpu().numpy()
    if (np.ptp(gradients, axis=1) == 0).any():
        return float("nan")

    shifted = np.linalg.eigvalsh(np.corrcoef(gradients)) + _SMALL
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(-np.sum(np.log(shifted) + 1 / shifted))
