"""A small plan of baselines on the table of digits, run without workers."""

from pathlib import Path
from typing import Any

import pytest

from oneshot_hpo.experiments.baselines.plan import BaselinePlan, make_plan


def plan(**changes: Any) -> BaselinePlan:
    options: dict[str, Any] = {
        "table": "digits",
        "spaces": ["1"],
        "methods": "rs,hyperband,bohb",
        "overrides": [],
        "evaluations": 10,
        "repetitions": 6,
        "seed": 0,
        "objective": "draw",
    }
    return make_plan(**(options | changes))


def write_baselines(folder: Path, made: BaselinePlan) -> Path:
    """Run a plan in this process; the file that `baselines run` would write."""
    pytest.importorskip("pyarrow", reason="needs the extra baselines")
    from oneshot_hpo.experiments.baselines.block import run_block
    from oneshot_hpo.experiments.baselines.results import write_part, write_results

    parts = []
    for block in made.blocks:
        rows, seconds = run_block(made, block)
        parts.append(folder / block.key)
        write_part(parts[-1], rows, seconds)
    write_results(folder / "results.parquet", made.document, parts)
    return folder / "results.parquet"
