import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from oneshot_hpo.experiments.benchmarks.reference_network import ReferenceNetwork
from oneshot_hpo.search_spaces import Architecture, get_space
from oneshot_hpo.search_spaces.nasbench101.cell import OPERATIONS
from oneshot_hpo.search_spaces.nasbench101.space import NasBench101Space
from oneshot_hpo.searchers.darts import Darts
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.network.nasbench101.supernet import Supernet
from oneshot_hpo.searchers.registry import settings_class

CPU = torch.device("cpu")


def make(name: str, number: int, only_live: bool = False) -> tuple[Supernet, ReferenceNetwork]:
    settings = settings_class(name)(channels=4, cells_per_stack=2, supernet="paper")
    generator = torch.Generator().manual_seed(0)
    blocks = get_space(number).num_blocks
    supernet = Supernet(blocks, 3, 10, settings, generator, settings.channel_proportion)
    with torch.no_grad():  # scale 1 and shift 0 would hide mistakes
        for parameter in supernet.parameters():
            if parameter.ndim != 4:
                parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return supernet.double(), ReferenceNetwork(supernet, 2, only_live=only_live).double()


def batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(6, 3, 8, 8, generator=generator).double(), torch.arange(6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["darts", "pc_darts"])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_mixtures_and_their_gradients_are_the_papers_supernets(name: str, number: int) -> None:
    supernet, reference = make(name, number)
    settings = settings_class("darts")(supernet="paper")
    searcher = Darts(get_space(number), settings, CPU, torch.Generator().manual_seed(2))
    nodes = range(1, get_space(number).num_blocks + 2)
    operations, *others = searcher.alphas
    parents = {len(alpha): alpha for alpha in others}  # a node has as many candidates
    weights = (
        operations.softmax(1),
        [parents[node].softmax(0) if node in parents else None for node in nodes],
    )
    images, labels = batch()
    found = []
    for logits in (reference(images, *weights), supernet(images, searcher.mixture())):
        loss = F.cross_entropy(logits, labels)
        found.append((logits, *torch.autograd.grad(loss, searcher.alphas, retain_graph=True)))
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, rtol=1e-5, atol=1e-9)
    supernet.eval()
    reference.eval()  # with the statistics of the batch before
    assert torch.allclose(reference(images, *weights), supernet(images, searcher.mixture()))


def weights_of(
    space: NasBench101Space, architecture: Architecture
) -> tuple[Tensor, list[Tensor | None]]:
    """The weights of a cell in the authors' code: 1 for its operations and edges, else 0."""
    operations = torch.zeros(space.num_blocks, len(OPERATIONS))
    for block, place in enumerate(space.operation_places(architecture)):
        operations[block, place] = 1
    parents: list[Tensor | None] = []
    for node, sources in enumerate(space.parents(architecture), start=1):
        edges = torch.zeros(node)
        edges[list(sources)] = 1
        parents.append(edges)
    return operations, parents


@pytest.mark.parametrize("number", [1, 3])
def test_one_shot_errors_of_drawn_cells_are_the_papers(number: int) -> None:
    """After steps on drawn cells, each cell has the statistics that the authors' network has."""
    supernet, reference = make("random_ws", number)
    space, rng = get_space(number), np.random.default_rng(number)
    assert isinstance(space, NasBench101Space)
    images = batch()[0]
    for step in range(3):
        architecture = space.sample(rng)
        seen = images.roll(step, 2) * (1 + step)
        supernet(seen, Encoding.discrete(architecture))
        reference(seen, *weights_of(space, architecture))

    supernet.eval()
    reference.eval()
    for _ in range(6):
        other = space.sample(rng)
        logits = supernet(images, Encoding.discrete(other))
        assert torch.allclose(reference(images, *weights_of(space, other)), logits)


@pytest.mark.parametrize("only_live", [False, True])
def test_discrete_cells_are_the_papers_supernets(only_live: bool) -> None:
    supernet, reference = make("random_ws", 1, only_live)
    space, images = get_space(1), batch()[0]
    for seed in range(4):
        architecture = space.sample(np.random.default_rng(seed))
        logits = supernet(images, Encoding.discrete(architecture))
        assert torch.allclose(reference(images, *weights_of(space, architecture)), logits)
