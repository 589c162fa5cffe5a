import numpy as np
from support.planted import Planted, run, seeds

PLANTED = Planted(dimensions=6, values=4)


def test_children_differ_from_a_living_parent_in_one_dimension() -> None:
    proposed, losses, _ = run("re", PLANTED, 200, seeds(3), population=20, sample=5)
    for configurations, own in zip(proposed, losses, strict=True):
        for child in range(20, 200):
            alive = slice(child - 20, child)
            differences = (configurations[alive] != configurations[child]).sum(axis=1)
            assert (differences == 1).any()
        # Parents win tournaments: children are better than what they come from at first.
        assert own[-20:].mean() < own[:20].mean() - 0.1


def test_a_tournament_of_one_is_a_random_walk_and_of_many_takes_the_best() -> None:
    _, walk, _ = run("re", PLANTED, 300, seeds(20), population=10, sample=1)
    assert abs(walk[:, -50:].mean() - walk[:, :50].mean()) < 0.05
    proposed, losses, _ = run("re", PLANTED, 60, seeds(20), population=10, sample=200)
    for configurations, own in zip(proposed, losses, strict=True):
        for child in range(10, 60):
            parent = child - 10 + own[child - 10 : child].argmin()
            assert (configurations[parent] != configurations[child]).sum() == 1


def test_mutations_are_uniform_over_dimensions_and_other_values() -> None:
    class Flat(Planted):
        def losses(self, configurations: np.ndarray, budget: float) -> np.ndarray:
            return np.zeros(len(configurations))

    flat = Flat(2, 2)
    flat.choices = (2, 4)
    # A population of one: every child comes from the one before it.
    proposed, *_ = run("re", flat, 3001, seeds(4), population=1, sample=1)
    steps = (np.diff(proposed, axis=1) % flat.choices).reshape(-1, 2)
    counts = [(steps == step).all(axis=1).mean() for step in ((1, 0), (0, 1), (0, 2), (0, 3))]
    np.testing.assert_allclose(counts, [1 / 2, 1 / 6, 1 / 6, 1 / 6], atol=0.02)
