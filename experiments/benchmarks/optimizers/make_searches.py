"""Make the table of real one-shot searches on the digits, DARTS in CS2 and CS3.

    OMP_NUM_THREADS=1 python -m oneshot_hpo.experiments.benchmarks.optimizers.make_searches \\
        --processes 2 [--to searches.jsonl]

60 configurations of each space, the default and random ones, each with 3 seeds and 12, 25 and 50
epochs: 1,080 searches of digits. A finished search is a line of the file: the command can be
stopped and run again. The seed is the outermost loop, so that a part is a smaller table.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from oneshot_hpo.experiments.benchmarks.optimizers.searches import (
    EPOCHS,
    SHIPPED,
    SPACES,
    Result,
    Search,
    append_search,
    read_searches,
    searches_study,
)
from oneshot_hpo.experiments.study.trial import TrialTask, search_cell
from oneshot_hpo.hpo.plain import plain
from oneshot_hpo.searchers.records import SearchDiverged


def main(arguments: Sequence[str] | None = None) -> None:
    """Search what the file lacks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--to", type=Path, default=SHIPPED)
    parser.add_argument("--configurations", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--spaces", nargs="+", choices=tuple(SPACES), default=tuple(SPACES))
    parser.add_argument("--processes", type=int, default=1)
    given = parser.parse_args(arguments)

    wanted = [
        Search(space, number, epochs, seed)
        for seed in range(given.seeds)
        for number in range(given.configurations)
        for epochs in EPOCHS
        for space in given.spaces
    ]
    done = read_searches(given.to)
    left = [search for search in wanted if search not in done]
    started = time.perf_counter()
    with ProcessPoolExecutor(given.processes) as pool:
        futures = {pool.submit(searched, search): search for search in left}
        for count, future in enumerate(as_completed(futures), start=1):
            append_search(given.to, futures[future], future.result())
            rest = (len(left) - count) * (time.perf_counter() - started) / count
            print(f"{count} of {len(left)} searches, about {rest / 60:.0f} minutes left")


def configurations(space_name: str, count: int) -> list[dict[str, Any]]:
    """The default, then random ones, the same in every call."""
    space = searches_study(space_name).configuration_space()
    space.seed(0)
    drawn = [space.sample_configuration() for _ in range(count)]
    return [plain(dict(one)) for one in (space.get_default_configuration(), *drawn)][:count]


def searched(search: Search) -> Result:
    """One search, in this process."""
    study = searches_study(search.space)
    config = configurations(search.space, search.number + 1)[-1]
    started = time.process_time()
    task = TrialTask(
        searcher=study.searcher,
        settings=study.search,
        config=config,
        space=study.space,
        dataset=study.dataset,
        table=study.table,
        budget=search.epochs,
        seed=search.seed,
        folder=None,
    )
    try:
        found = search_cell(task)
    except SearchDiverged:
        return Result(config, None, None, round(time.process_time() - started, 2))
    seconds = round(time.process_time() - started, 2)
    return Result(
        config,
        round(found.reported("valid"), 6),
        round(found.reported("test"), 6),
        seconds,
    )


if __name__ == "__main__":
    main()
