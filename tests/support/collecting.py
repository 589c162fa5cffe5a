"""Collecting the outcomes of pools."""

from support.waiting import wait_until

from oneshot_hpo.cluster.local import LocalPool
from oneshot_hpo.cluster.outcome import Outcome


def collect(pool: LocalPool, number: int) -> dict[str, Outcome]:
    """The next `number` outcomes, by key."""
    outcomes: dict[str, Outcome] = {}

    def are_there() -> bool:
        outcomes.update({outcome.key: outcome for outcome in pool.next_outcomes(0.2)})
        return len(outcomes) >= number

    wait_until(are_there)
    assert len(outcomes) == number
    return outcomes
