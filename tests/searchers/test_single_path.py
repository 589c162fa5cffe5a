import pytest
from support.steps import Steps

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.evaluation import OneShotEvaluation


def make(number=1, **settings):
    few = {"population": 8, "generations": 3, "survivors": 3, "recalibration_images": 0}
    return Steps("single_path", get_space(number), **(few | settings))


def evaluation_of(steps):
    return OneShotEvaluation(steps.supernet, steps.train, steps.valid, lambda x: x)


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
