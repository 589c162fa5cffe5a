"""The dominant eigenvalue of a loss's Hessian, by Lanczos's method on Hessian-vector products."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

PRODUCTS = 12
"""Hessian-vector products of an eigenvalue; exact for as many parameters."""
_SEED = 0  # of the start vector: any that is not orthogonal to the eigenvector


def largest_eigenvalue(
    loss: Tensor, parameters: Sequence[Tensor], products: int = PRODUCTS
) -> float:
    """The largest eigenvalue of the Hessian of a scalar loss in the parameters (n in all).

    Of `products` Lanczos steps the largest Ritz value, which is never above it; exact with n steps.
    Zela et al. (RobustDARTS, ICLR 2020) take the largest of all eigenvalues of the whole Hessian.
    """
    gradient = _flat(
        torch.autograd.grad(
            loss, parameters, create_graph=True, allow_unused=True, materialize_grads=True
        )
    )

    def product(vector: Tensor) -> Tensor:
        if not gradient.requires_grad:  # the loss is linear in the parameters
            return torch.zeros_like(vector)
        found = torch.autograd.grad(
            gradient,
            parameters,
            grad_outputs=vector,
            retain_graph=True,
            allow_unused=True,
            materialize_grads=True,
        )
        return _flat(found)

    start = torch.randn(gradient.numel(), generator=torch.Generator().manual_seed(_SEED))
    return _lanczos(product, start.to(gradient), min(products, gradient.numel()))


def _lanczos(product: Callable[[Tensor], Tensor], start: Tensor, steps: int) -> float:
    """The largest Ritz value after some steps; each new vector is made orthogonal to all before."""
    basis = [start / torch.linalg.vector_norm(start)]
    diagonal: list[float] = []
    beside: list[float] = []
    for _ in range(steps):
        image = product(basis[-1]).detach()
        diagonal.append(float(image @ basis[-1]))

        vectors = torch.stack(basis)
        for _ in range(2):  # once leaves rounding errors that make an eigenvalue appear twice
            image = image - vectors.T @ (vectors @ image)
        length = float(torch.linalg.vector_norm(image))
        if length <= 1e-6 * max(map(abs, [*diagonal, *beside]), default=0.0):
            break  # the space found so far holds its own images
        beside.append(length)
        basis.append(image / length)

    offset = torch.tensor(beside[: len(diagonal) - 1], dtype=torch.float64)
    matrix = torch.diag(torch.tensor(diagonal, dtype=torch.float64))
    matrix += torch.diag(offset, 1) + torch.diag(offset, -1)
    if not matrix.isfinite().all():
        return float("nan")
    return float(torch.linalg.eigvalsh(matrix)[-1])


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])
