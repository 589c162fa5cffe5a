import numpy as np
import pytest
from support.planted import Planted, run, seeds

from oneshot_hpo.hpo.baselines import Problem, make_optimizer, settings_class
from oneshot_hpo.hpo.baselines.architectures import Architectures

PLANTED = Planted(dimensions=5, values=4)


@pytest.mark.parametrize("whole", [False, True])
def test_steps_are_those_of_the_authors_algorithm(whole: bool) -> None:
    """Replays what was proposed: starts, then neighbours until a better one, or until none is."""
    proposed, losses, _ = run("ls", PLANTED, 400, seeds(3), starts=4, whole_neighbourhood=whole)
    for configurations, own in zip(proposed, losses, strict=True):
        at, seen = 0, set[bytes]()
        descents = 0
        while at + 4 < len(own):
            place = at + int(own[at : at + 4].argmin())
            seen |= {row.tobytes() for row in configurations[at : at + 4]}
            at, improved = at + 4, True
            while improved and at < len(own):
                unseen = {row.tobytes() for row in neighbours(configurations[place])} - seen
                improved, best = False, place
                while unseen and at < len(own):
                    found = configurations[at].tobytes()
                    assert found in unseen
                    unseen.remove(found)
                    seen.add(found)
                    at += 1
                    if own[at - 1] < own[best]:
                        best, improved = at - 1, True
                        if not whole:
                            break
                place = best
            descents += 1
        assert descents > 1
        assert len({row.tobytes() for row in configurations}) == len(configurations)


def neighbours(values: np.ndarray) -> list[np.ndarray]:
    found = []
    for dimension in range(len(values)):
        for value in range(4):
            changed = values.copy()
            changed[dimension] = value
            found.append(changed)
    return [row for row in found if (row != values).any()]


def test_configurations_of_one_architecture_are_evaluated_once() -> None:
    numbers = np.arange(4**5).reshape((4,) * 5)
    # the last dimension is a loose end wherever the first is 0
    of = np.where(np.indices(numbers.shape)[0] == 0, numbers // 4 * 4, numbers).ravel()
    of = np.unique(of, return_inverse=True)[1]
    problem = Problem(
        choices=(4,) * 5, budgets=(1,), evaluations=600, noisy=False, architecture_of=of
    )
    optimizer = make_optimizer("ls", problem, settings_class("ls")(), seeds(2))
    seen = np.zeros((2, of.max() + 1), int)
    for _ in range(of.max() + 1):
        configurations = optimizer.ask().configurations
        places = of[np.ravel_multi_index(tuple(configurations.T), problem.choices)]
        seen[[0, 1], places] += 1
        optimizer.tell(PLANTED.losses(configurations, 25))
    assert (seen == 1).all()  # every one once, before any twice

    architectures = Architectures(problem)
    assert len(architectures) == 3 * 4**4 + 4**3
    assert len(architectures.neighbours(0)) == 3 * 4  # one dimension has no effect
