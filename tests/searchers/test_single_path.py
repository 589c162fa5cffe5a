import numpy as np
import pytest
from support.steps import Steps

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.search_spaces.pruned import PrunedSpace
from oneshot_hpo.searchers.evaluation import OneShotEvaluation


def make(number=1, **settings):
    few = {"population": 8, "generations": 3, "survivors": 3, "recalibration_images": 0}
    return Steps("single_path", get_space(number), **(few | settings))


def evaluation_of(steps):
    return OneShotEvaluation(steps.supernet, steps.train, steps.valid, lambda x: x)


class Scored:
    """An evaluation that keeps what it scored, generation by generation."""

    def __init__(self, evaluation):
        self._evaluation = evaluation
        self.generations, self.options = [], []

    def errors(self, cells, **options):
        self.generations.append(list(cells))
        self.options.append(options)
        return self._evaluation.errors(cells, **options)


def generations(number=1, **settings):
    steps = make(number, **settings)
    scored = Scored(evaluation_of(steps))
    steps.searcher.conclude(scored)
    return scored


def test_every_generation_has_its_size_and_no_cell_is_scored_twice():
    found = generations(population=6, generations=8, survivors=2, mutation_prob=0.02).generations
    assert [len(cells) for cells in found] == [6] * 8
    assert len({cell for cells in found for cell in cells}) == 48


def test_without_refilling_generations_shrink():
    settings = {"population": 6, "generations": 8, "survivors": 2, "mutation_prob": 0.02}
    found = generations(refill=False, **settings).generations
    sizes = [len(cells) for cells in found]
    assert sizes[0] == 6
    assert sum(sizes) < 48
    assert len({cell for cells in found for cell in cells}) == sum(sizes)


def test_a_space_without_enough_cells_is_scored_as_far_as_it_goes():
    space = PrunedSpace(get_space(1), np.arange(5))
    settings = {"population": 4, "generations": 3, "survivors": 2, "mutation_prob": 0.0}
    steps = Steps("single_path", space, recalibration_images=0, **settings)
    scored = Scored(evaluation_of(steps))
    steps.searcher.conclude(scored)
    sizes = [len(cells) for cells in scored.generations]
    assert sizes[0] == 4
    assert sum(sizes[1:]) <= 4


def test_a_setting_limits_the_images_that_score_a_cell():
    scored = generations(scored_images=7)
    assert {options["images"] for options in scored.options} == {7}
    assert {options["images"] for options in generations().options} == {8000}


@pytest.mark.parametrize("recalibration_images", [0, 12])
def test_evolution_ends_no_worse_than_its_first_generation(recalibration_images):
    steps = make(recalibration_images=recalibration_images)
    evaluation = evaluation_of(steps)
    state = steps.generator.get_state()
    first = [steps.searcher._drawn() for _ in range(8)]
    steps.generator.set_state(state)
    found = steps.searcher.conclude(evaluation)
    errors = evaluation.errors([found, *first], recalibration_images=recalibration_images)
    assert errors[0] <= min(errors[1:])


@pytest.mark.parametrize("number", [1, 2, 3])
def test_children_are_of_the_space_and_of_their_parents(number):
    steps = make(number, mutation_prob=0.3)
    space, searcher = steps.space, steps.searcher
    survivors = [searcher._drawn() for _ in range(2)]
    differ = 0
    for _ in range(30):
        child = searcher._crossed(survivors)
        space.configuration(child)
        for place, pick in enumerate(child.picks):
            assert pick in {one.picks[place] for one in survivors}
        mutant = searcher._mutated(survivors[:1])
        space.configuration(mutant)
        differ += mutant != survivors[0]
    assert differ > 15


def test_the_chance_of_mutation_decides_how_much_changes():
    steps = make(mutation_prob=0.0)
    survivors = [steps.searcher._drawn()]
    assert all(steps.searcher._mutated(survivors) == survivors[0] for _ in range(5))
