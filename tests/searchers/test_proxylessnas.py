import torch
from support.steps import Steps

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.sampling import draw


def probabilities(searcher):
    return [alpha.detach().softmax(0) for alpha in searcher.alphas]


def replayed(steps):
    """The pairs, open gates and slopes of the next step, by the generator's state before it."""
    searcher = steps.searcher
    state = steps.generator.get_state()
    pairs = [draw(alpha, 2, steps.generator) for alpha in searcher.alphas]
    shares = [
        alpha.detach()[pair].softmax(0) for alpha, pair in zip(searcher.alphas, pairs, strict=True)
    ]
    opened = [draw(share.log(), 1, steps.generator)[0] for share in shares]
    steps.generator.set_state(state)
    gates = torch.zeros(len(pairs), 2)
    gates[torch.arange(len(pairs)), opened] = 1
    gates.requires_grad_()
    loss = steps.loss(steps.valid, searcher._gated(pairs, gates))
    return pairs, opened, torch.autograd.grad(loss, gates)[0]


def test_every_set_of_parents_is_a_path():
    space = get_space(1)
    searcher = Steps("proxylessnas", space).searcher
    assert [len(alpha) for alpha in searcher.alphas] == [3, 3, 3, 3, 3, 6, 10]


def test_a_step_moves_two_paths_of_each_choice_and_keeps_the_chances_of_the_others():
    steps = Steps("proxylessnas", get_space(3), arch_weight_decay=0.0)
    for _ in range(5):
        before = probabilities(steps.searcher)
        pairs, _, slopes = replayed(steps)
        steps.step()
        after = probabilities(steps.searcher)
        for old, new, pair, slope in zip(before, after, pairs, slopes, strict=True):
            others = [place for place in range(len(old)) if place not in pair]
            assert torch.allclose(old[others], new[others], atol=1e-6)
            better = pair[int(slope.argmin())]
            if float((slope[0] - slope[1]).abs()) > 1e-6:
                assert new[better] > old[better]


def test_the_loss_of_a_step_is_that_of_the_open_paths():
    steps = Steps("proxylessnas", get_space(2))
    pairs, opened, _ = replayed(steps)
    places = [pair[place] for pair, place in zip(pairs, opened, strict=True)]
    architecture = steps.searcher._decoded(places)
    wanted = steps.loss(steps.valid, Encoding.discrete(architecture))
    assert torch.allclose(steps.step(), wanted.detach(), atol=1e-5)


def test_the_most_likely_paths_are_the_architecture():
    space = get_space(1)
    steps = Steps("proxylessnas", space)
    wanted = space.architecture(4711)
    with torch.no_grad():
        for block, place in enumerate(space.operation_places(wanted)):
            steps.searcher.alphas[block][place] += 1
        for alpha, node in zip(steps.searcher.alphas[4:], (3, 4, 5), strict=True):
            alpha[space.parent_choices[node - 1].index(space.parents(wanted)[node - 1])] += 1
    assert steps.searcher.architecture() == wanted
