import argparse

import pytest

from oneshot_hpo.experiments.benchmarks.search_step import measured
from oneshot_hpo.searchers.registry import SEARCHERS


@pytest.mark.slow
@pytest.mark.parametrize("name", SEARCHERS)
def test_every_searcher_has_a_step_beside_the_references(name: str) -> None:
    arguments = argparse.Namespace(
        space=1, channels=4, cells_per_stack=1, batch_size=8, pixels=8, repeats=2, device="cpu"
    )
    rows = measured(name, arguments)
    assert len(rows) == 2
    assert all(seconds > 0 for row in rows for seconds in row)
