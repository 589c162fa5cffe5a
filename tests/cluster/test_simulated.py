from collections.abc import Iterator

from oneshot_hpo.cluster.simulated import SimulatedPool


def ended(workers: int, seed: int) -> Iterator[tuple[str, int]]:
    """Keys and values of six tasks, as they end."""
    with SimulatedPool(workers, seed, evaluate=lambda task: 10 * task, seconds=float) as pool:
        for task in (1, 200, 3, 4000, 50, 60000):
            pool.submit(str(task), print, task)
        assert pool.running == 6
        while pool.running:
            yield from ((outcome.key, outcome.value) for outcome in pool.next_outcomes(1.0))


def test_tasks_end_in_the_order_of_their_durations() -> None:
    assert list(ended(6, 0)) == [(str(n), 10 * n) for n in (1, 3, 50, 200, 4000, 60000)]


def test_a_seed_fixes_all() -> None:
    assert list(ended(6, 1)) == list(ended(6, 1))


def test_a_task_that_is_given_up_frees_its_worker_at_once() -> None:
    with SimulatedPool(2, 0, evaluate=lambda task: task, seconds=float) as pool:
        pool.submit("short", print, 1)
        pool.submit("long", print, 1000)
        (first,) = pool.next_outcomes(1.0)
        assert first.key == "short"
        assert pool.busy_seconds == {"long": pool.now}

        pool.give_up("long", "it is not needed")
        assert pool.running == 0
        (given_up,) = pool.next_outcomes(1.0)
        assert (given_up.key, given_up.failed) == ("long", "it is not needed")
        assert pool.worked == {"short": pool.now, "long": pool.now}
