from support.encodings import operations_in, parents_in
from support.steps import Steps

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.evaluation import OneShotEvaluation


def evaluation_of(steps):
    return OneShotEvaluation(steps.supernet, steps.train, steps.valid, lambda x: x)


def test_weights_are_trained_on_uniform_cells_one_at_a_time():
    steps = Steps("random_ws", get_space(1))
    encodings = [steps.searcher.weights_encoding() for _ in range(30)]
    assert all(len(block) == 1 for encoding in encodings for block in operations_in(encoding))
    assert all(
        [len(sources) for sources in parents_in(encoding)] == [1, 2, 2, 2, 2]
        for encoding in encodings
    )
    assert len({str(encoding) for encoding in encodings}) > 25
    assert steps.step() is None


def test_ends_with_the_best_in_full_of_the_best_on_some_images():
    steps = Steps(
        "random_ws",
        get_space(1),
        batch_size=4,
        ranked_batches=2,
        ranked_cells=12,
        evaluated_cells=3,
    )
    evaluation = evaluation_of(steps)
    state = steps.generator.get_state()
    drawn = [steps.searcher._drawn() for _ in range(12)]
    steps.generator.set_state(state)
    found = steps.searcher.conclude(evaluation)
    quick = dict(zip(drawn, evaluation.errors(drawn, images=8), strict=True))
    best = sorted(drawn, key=quick.__getitem__)[:3]
    in_full = evaluation.errors(best)
    assert found == best[in_full.index(min(in_full))]


def test_no_architecture_before_the_end():
    assert Steps("random_ws", get_space(1)).searcher.architecture() is None
