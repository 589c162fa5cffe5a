"""The diagnosis of each epoch, and when a search is undecided."""

import dataclasses
import json
import math

import pytest
import torch
from support.tiny_searches import TINY, search

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.checkpoint import load_checkpoint, save_checkpoint
from oneshot_hpo.searchers.diagnosis import NUMBERS, ChoiceState, Diagnosis, numbers
from oneshot_hpo.searchers.records import FOUND, EpochRecord, SearchStopped
from oneshot_hpo.searchers.registry import SEARCHERS, searcher_class, settings_class
from oneshot_hpo.searchers.search_loop import Search


def test_the_state_of_a_choice():
    even = ChoiceState.of([0.25] * 4, k=2)
    assert even == ChoiceState(pytest.approx(1), 0.25, 0.5, 0.5)
    assert ChoiceState.of([1.0, 0.0]) == ChoiceState(0, 1, 1, 0.5)
    found = ChoiceState.of([0.5, 0.25, 0.25])
    assert found.entropy == pytest.approx(1.5 * math.log(2) / math.log(3))
    assert (found.largest, found.picked, found.uniform) == (0.5, 0.5, 1 / 3)


def of_operations(largest: float) -> Diagnosis:
    """Four choices among three operations, as a reduced search on digits ends them."""
    rest = (1 - largest) / 2
    return Diagnosis(
        choices={str(n): ChoiceState.of([largest, rest, rest]) for n in range(4)},
    )


def test_a_search_is_undecided_within_a_deviation_of_a_uniform_draw():
    """Four choices of three: 4/3 agreements with deviation sqrt(8/9), so 0.569 is the border."""
    border = 1 / 3 + math.sqrt(8 / 9) / 4
    assert border == pytest.approx(0.569, abs=1e-3)
    assert of_operations(0.36).undecided  # a drift, whatever its sign
    assert of_operations(border - 0.001).undecided
    assert not of_operations(border + 0.001).undecided
    assert not Diagnosis().undecided  # nothing is learned, so nothing is undecided


def test_records_without_a_diagnosis_are_read_and_records_with_one_are_kept(few_digits):
    """Those of earlier versions have none."""
    space = get_space(1)
    [first, *_] = search(few_digits, epochs=1).trajectory
    document = json.loads(json.dumps(first.to_dict(space)))
    assert EpochRecord.from_dict(document, space) == first
    assert numbers(document)["distance"] == first.diagnosis.distance

    del document["diagnosis"]
    old = EpochRecord.from_dict(document, space)
    assert old.diagnosis is None
    assert old.to_dict(space) == document
    assert numbers(document) == dict.fromkeys(NUMBERS)


def new_search(data, name="darts", **changed):
    settings = settings_class(name)(
        **{"channels": 2, "stacks": 2, "cells_per_stack": 1, "batch_size": 16} | changed
    )
    return Search(name, settings, get_space(1), data, 3, 0, torch.device("cpu"))


def flat(searcher):
    return torch.cat([alpha.detach().flatten() for alpha in searcher.alphas])


def test_distances_are_those_that_alpha_moved(few_digits):
    one = new_search(few_digits, arch_learning_rate=1e-2)
    values = [flat(one._searcher)]
    for _ in range(2):
        record = one.run_epoch(lambda: False)
        values.append(flat(one._searcher))
    found = record.diagnosis
    assert found.distance == pytest.approx(float((values[2] - values[0]).norm()), rel=1e-5)
    assert found.moved == pytest.approx(float((values[2] - values[1]).norm()), rel=1e-5)
    space = one.space
    assert found.cell == space.key(record.architecture)
    names = space.operation_names(record.architecture)
    assert found.parameter_free == names.count("maxpool3x3") / len(names)
    assert found.choices["block_1_operation"].largest == pytest.approx(
        float(one._searcher.alphas[0][0].detach().softmax(0).max())
    )


def test_gradient_norms_are_means_over_the_steps(few_digits):
    one = new_search(few_digits)
    steps = []
    record = one.run_epoch(lambda: bool(steps.append(one._steps[-1])))
    norms = torch.stack(steps).double()[:, 3:].mean(0).tolist()
    found = record.diagnosis
    assert [found.weight_gradient, found.architecture_gradient] == pytest.approx(norms)
    own = torch.cat([alpha.grad.flatten() for alpha in one._searcher.alphas]).norm()
    assert float(steps[-1][4]) == pytest.approx(float(own), rel=1e-5)


@pytest.mark.parametrize(("name", "learns"), [("random_ws", False), ("gdas", True)])
def test_what_a_searcher_does_not_learn_is_absent(few_digits, name, learns):
    one = new_search(few_digits, name)
    found = one.run_epoch(lambda: False).diagnosis
    assert (found.distance is not None) == (found.architecture_gradient is not None) == learns
    assert bool(found.choices) == learns
    assert (found.cell is not None) == learns
    assert found.weight_gradient > 0
    assert found.eigenvalue is None
    assert found.peak_memory is None  # there is no GPU


def test_pc_darts_warms_up_without_a_gradient_of_the_architecture(few_digits):
    one = new_search(few_digits, "pc_darts", channels=4, warmup_share=0.5)
    first, second, third = (one.run_epoch(lambda: False).diagnosis for _ in range(3))
    assert first.architecture_gradient is second.architecture_gradient is None
    assert (first.moved, second.distance) == (0, 0)
    assert third.architecture_gradient > 0
    assert third.moved == third.distance > 0


def test_measuring_draws_nothing(few_digits):
    """Every searcher's probabilities are read without its generator."""
    for name in SEARCHERS:
        generator = torch.Generator().manual_seed(1)
        settings = settings_class(name)()
        one = searcher_class(name)(get_space(1), settings, torch.device("cpu"), generator)
        before = generator.get_state()
        one.choice_states()
        one.architecture_weights()
        assert torch.equal(generator.get_state(), before), name


def test_edges_and_betas_of_a_space_with_groups_have_names_of_their_own():
    generator = torch.Generator().manual_seed(1)
    one = searcher_class("pc_darts")(
        get_space("darts"), settings_class("pc_darts")(), torch.device("cpu"), generator
    )
    found = one.choice_states()
    assert len(found) == 2 * (14 + 3)  # both edges of the first node are kept
    assert found["normal_3~2"].uniform == 1 / 8
    assert found["reduce_5~edges"].uniform == 2 / 5


@pytest.mark.parametrize(("space", "names"), [(1, 7), ("nasbench201", 6), ("darts", 3 * 8)])
def test_a_controllers_decisions_are_those_of_its_most_probable_cell(space, names):
    generator = torch.Generator().manual_seed(1)
    found = get_space(space)
    one = searcher_class("enas")(found, settings_class("enas")(), torch.device("cpu"), generator)
    before = generator.get_state()
    states = one.choice_states()
    assert len(states) == names
    assert one.choice_states() == states
    assert torch.equal(generator.get_state(), before)
    assert all(0.9 < state.entropy <= 1.0001 for state in states.values())  # not trained yet
    if space != "darts":
        assert {choice.name for choice in found.choices if not choice.is_settled} == set(states)


def test_a_search_that_compares_cells_is_decided_by_that(few_digits):
    one = search(few_digits, epochs=1)
    [record] = one.trajectory
    assert record.diagnosis.undecided
    assert one.undecided
    compared = dataclasses.replace(record, measured=FOUND)
    assert not dataclasses.replace(one, trajectory=(compared,)).undecided
    old = dataclasses.replace(record, diagnosis=None)
    assert not dataclasses.replace(one, trajectory=(old,)).undecided


def stop_mid_epoch(data, folder):
    asked = []
    with pytest.raises(SearchStopped):
        search(data, folder=folder, stop_asked=lambda: len(asked) > 3 or asked.append(1))
    return load_checkpoint(folder)


@pytest.mark.slow
def test_an_epoch_that_was_stopped_is_measured_as_a_whole(few_digits, tmp_path):
    whole = search(few_digits)
    state = stop_mid_epoch(few_digits, tmp_path)
    assert len(state["epoch under way"]["steps"]) == 2  # of the second epoch
    assert search(few_digits, folder=tmp_path) == whole


@pytest.mark.slow
def test_a_checkpoint_of_an_earlier_version_is_continued_without_what_it_lacks(
    few_digits, tmp_path
):
    whole = search(few_digits)
    state = stop_mid_epoch(few_digits, tmp_path)
    under_way = state["epoch under way"]
    under_way["steps"] = [step[:3] for step in under_way["steps"]]
    del under_way["begun with"]
    for record in state["trajectory"]:
        del record["diagnosis"]
    save_checkpoint(tmp_path, state)

    found = search(few_digits, settings=TINY, folder=tmp_path)
    first, second, third = found.trajectory
    assert first.diagnosis is None
    assert second.diagnosis.moved is None
    assert second.diagnosis.weight_gradient > 0  # of the steps that were measured
    assert second.diagnosis.distance == whole.trajectory[1].diagnosis.distance
    assert third == whole.trajectory[2]
    assert [one.valid_loss for one in found.trajectory] == [o.valid_loss for o in whole.trajectory]
