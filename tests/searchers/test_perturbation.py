"""Selection by perturbation, beside its authors' code (github.com/ruocwang/darts-pt)."""

import itertools

import pytest
import torch
from support.grouped_space import SPACE as GROUPED
from support.plain_nasbench201 import SearchCell, TinyNetwork, copy_supernet

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.network.nasbench201.supernet import Supernet
from oneshot_hpo.searchers.perturbation import Contest, Perturbation, steps_between_decisions
from oneshot_hpo.searchers.settings import SearchSettings

SPACE = get_space("nasbench201")
IMAGES = torch.randn(40, 3, 8, 8, generator=torch.Generator().manual_seed(1)).double()
LABELS = torch.arange(40) % 10


def projected_by_the_authors(network, weights, order, criterion):
    """The choices of `pt_project` (nasbench201/projection.py), in this order of the edges."""
    proj_weights, candidate_flags = torch.zeros_like(weights), [True] * len(weights)
    compare = {"loss": lambda x, y: x > y, "acc": lambda x, y: x < y}[criterion]

    def get_projected_weights():
        found = weights.clone()
        for eid in range(len(weights)):
            if not candidate_flags[eid]:
                found[eid].copy_(proj_weights[eid])
        return found

    def infer(own):
        logits = network(IMAGES, own)
        loss = float(torch.nn.functional.cross_entropy(logits, LABELS))
        return {"loss": loss, "acc": float((logits.argmax(1) == LABELS).double().mean())}

    for selected_eid in order:
        best_opid, crit_extrema = 0, None
        for opid in range(weights.shape[1]):
            own = get_projected_weights()
            proj_mask = torch.ones_like(own[selected_eid])
            proj_mask[opid] = 0
            own[selected_eid] = own[selected_eid] * proj_mask
            crit = infer(own)[criterion]
            if crit_extrema is None or compare(crit, crit_extrema):
                crit_extrema, best_opid = crit, opid
        proj_weights[selected_eid][best_opid] = 1
        candidate_flags[selected_eid] = False
    return tuple((int(row.argmax()),) for row in proj_weights)


@pytest.mark.slow
@pytest.mark.parametrize("criterion", ["loss", "acc"])
@torch.no_grad()
def test_every_decision_is_the_authors(criterion):
    """On the same supernet, by each of their criteria alone."""
    generator = torch.Generator().manual_seed(0)
    settings = SearchSettings(channels=4, cells_per_stack=1, supernet="paper")
    supernet = Supernet(3, 10, settings, generator).double()
    plain = TinyNetwork(3, 4, 3, lambda width: [SearchCell(width)], 10).double()
    copy_supernet(supernet, plain)
    weights = (2 * torch.randn(6, 5, generator=generator)).double().softmax(1)

    def loss_and_error(encoding):
        logits = supernet(IMAGES, encoding)
        loss = float(torch.nn.functional.cross_entropy(logits, LABELS))
        error = float((logits.argmax(1) != LABELS).double().mean())
        return (loss, 0.0) if criterion == "loss" else (0.0, error)

    selection = Perturbation(SPACE, generator)
    order = [place for place, _ in selection.contests]
    mixture = Encoding(tuple(dict(enumerate(row.unbind())) for row in weights))
    while not selection.is_finished:
        selection.decide(mixture, loss_and_error)
    found = selection.architecture()
    assert found.picks == projected_by_the_authors(plain, weights, order, criterion)
    assert found.picks != tuple((int(row.argmax()),) for row in weights)


def shares(choice):
    """A mixture of a choice, no two weights equal."""
    return {place: torch.tensor(0.1 + 0.01 * place) for place in range(len(choice.candidates))}


def test_what_is_left_out_is_one_candidate_and_what_was_decided_stays():
    """In a space whose edges compete: first their operations, then the edges of each node."""
    mixture = Encoding(tuple(shares(choice) for choice in GROUPED.choices))
    selection = Perturbation(GROUPED, torch.Generator().manual_seed(0))
    first = [contest for contest in selection.contests if contest.group is not None]
    # `last` is a choice of operations without edges: it is decided among the first.
    assert set(selection.contests[: len(first) + 1]) == {*first, (2, None)}
    seen = []

    def worst_without_the_last(encoding):
        seen.append(encoding)
        left_out = sum(
            place
            for choice, weights in zip(GROUPED.choices, encoding.weights, strict=True)
            for place in set(range(len(choice.candidates))) - weights.keys()
        )
        return 0.0, float(left_out)

    while not selection.is_finished:
        selection.decide(mixture, worst_without_the_last)
    architecture = selection.architecture()
    GROUPED.check(architecture)
    assert architecture.picks == ((2, 5), (5, 8), (1,))

    decided = selection.overlay(mixture).weights
    assert [list(weights) for weights in decided] == [[2, 5], [5, 8], [1]]
    assert all(weight is None for weights in decided for weight in weights.values())
    # Operations that are never picked are in the mixture, and are not left out on their own.
    assert all({0, 3} <= set(one.weights[0]) for one in seen[:1])


def test_an_edge_whose_operation_is_decided_keeps_its_weight():
    mixture = Encoding(tuple(shares(choice) for choice in GROUPED.choices))
    selection = Perturbation(GROUPED, torch.Generator().manual_seed(0))
    selection.contests = [Contest(0, 1), *(one for one in selection.contests if one != (0, 1))]
    selection.decide(mixture, lambda encoding: (0.0, 0.0))
    ((kept,),) = selection.kept
    weights = selection.overlay(mixture).weights[0]
    assert kept == 4  # the first operation that may be picked
    assert set(weights) == {0, 1, 2, kept}
    assert float(weights[kept]) == pytest.approx(0.13 + 0.14 + 0.15)
    absent = Encoding(({0: None}, *mixture.weights[1:]))
    assert set(selection.overlay(absent).weights[0]) == {0}


def test_the_supernet_is_trained_between_decisions_and_not_after_the_last():
    selection = Perturbation(SPACE, torch.Generator())
    mixture = Encoding(tuple(shares(choice) for choice in SPACE.choices))
    log = []

    def tune(done, steps):
        log.append((len(selection.kept), done, steps))

    for _ in selection.run(3, tune, lambda: mixture, lambda encoding: (0.0, 0.0)):
        pass
    number = itertools.count()
    assert log == [(kept, next(number), 15) for kept in range(1, 6) for _ in range(3)]


@pytest.mark.parametrize(("set_to", "steps"), [(None, 25), (0, 0), (7, 7)])
def test_steps_between_decisions_are_those_of_five_of_a_hundred_epochs(set_to, steps):
    settings = SearchSettings(finetune_batches=set_to)
    assert steps_between_decisions(settings, 100 * 5) == steps
