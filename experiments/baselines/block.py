"""One block of repetitions, from the first evaluation to its rows: what a worker does."""

from __future__ import annotations

import time
from functools import lru_cache

import pyarrow as pa

from oneshot_hpo.experiments.baselines.plan import BaselinePlan, Block
from oneshot_hpo.experiments.baselines.results import rows_of
from oneshot_hpo.experiments.baselines.search import TableObjective, search
from oneshot_hpo.search_spaces import SpaceId


@lru_cache(maxsize=3)
def _objective(table: str, space: SpaceId) -> TableObjective:
    return TableObjective.of_table(table, space)


def run_block(plan: BaselinePlan, block: Block) -> tuple[pa.Table, float]:
    """Run a block: its rows, as results.SCHEMA has them, and the processor seconds it took."""
    objective = _objective(plan.table, block.space)
    started = time.process_time()
    trace = search(plan, block, objective)
    spent = time.process_time() - started
    return rows_of(plan, block, trace, objective), spent
