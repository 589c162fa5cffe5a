"""Optimizers side by side on problems of real tables, on a simulated clock.

    OMP_NUM_THREADS=1 python -m oneshot_hpo.experiments.benchmarks.optimizers --data FOLDER \\
        --processes 2 --results bench.jsonl --figure bench.png

Optimizers: `bohb`, its variants, `random`, `asha`, `one-rung-for-all`, and those of other libraries
(`hpbandster`, `dehb`, `smac`, `optuna`, `neps`), for each of which an environment is made first.
FOLDER has `taskset`, `nasbench201`, `nasbench101`; default: what ONESHOT_HPO_TEST_DATA names.
Finished runs are lines of a file: the command can be stopped and run again.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from rich.console import Console

from oneshot_hpo.experiments.benchmarks.optimizers.drawing import draw
from oneshot_hpo.experiments.benchmarks.optimizers.own import VARIANTS
from oneshot_hpo.experiments.benchmarks.optimizers.peer import PEERS, make_environment
from oneshot_hpo.experiments.benchmarks.optimizers.problems import (
    FOR_PEERS,
    VARIABLE,
    default_data,
    half,
    load_problem,
    problem_names,
)
from oneshot_hpo.experiments.benchmarks.optimizers.runs import (
    OPTIMIZERS,
    Found,
    Places,
    Run,
    append,
    execute,
    has_meaning,
    read,
)
from oneshot_hpo.experiments.benchmarks.optimizers.searches import SHIPPED
from oneshot_hpo.experiments.benchmarks.optimizers.simple import SIMPLE
from oneshot_hpo.experiments.benchmarks.optimizers.summary import (
    courses,
    rank_sentence,
    rank_table,
    ranks,
    regret_table,
)
from oneshot_hpo.experiments.errors import UserError, is_user_error, one_line

_GROUPS = {"own": tuple(VARIANTS), "simple": tuple(SIMPLE), "peers": PEERS, "all": OPTIMIZERS}
_SLOW = {"hpbandster": 10, "smac": 10, "neps": 10, "bohb-hpbandster-generator": 10}
"""Most seeds of those whose proposals take long."""
_WIDTH = 200  # of the tables, in characters: a file has no width


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the file lacks, then print the tables and draw the figure."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        wanted = _wanted(given)
        done = read(given.results)
        left = [run for run in wanted if run not in done]
        peers = sorted({run.optimizer for run in left} & set(PEERS))
        pythons = {peer: make_environment(given.environments, peer) for peer in peers}
        places = Places(given.data, given.searches, pythons)
        _run(left, places, done, given)
    except Exception as error:
        if not is_user_error(error):
            raise
        parser.error(one_line(error))
    _show({run: done[run] for run in wanted if run in done}, given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    groups = ", ".join(_GROUPS)
    parser.add_argument("--data", type=Path, default=default_data(), metavar="FOLDER")
    parser.add_argument("--searches", type=Path, default=SHIPPED, help="table of real searches")
    parser.add_argument(
        "--problems", nargs="+", metavar="NAME", help="or peers, half-1, half-2; default: all"
    )
    parser.add_argument(
        "--optimizers", nargs="+", default=["bohb", "simple"], help=f"names, or {groups}"
    )
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument(
        "--cost", type=float, default=100.0, help="of a run, in full trainings (default: 100)"
    )
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--results", type=Path, default=Path("optimizers.jsonl"))
    parser.add_argument("--environments", type=Path, default=Path("optimizers-environments"))
    parser.add_argument("--figure", type=Path, help="a .png, .pdf or .svg file")
    parser.add_argument("--list", action="store_true", help="print the problems and optimizers")
    return parser


def _wanted(given: argparse.Namespace) -> list[Run]:
    """All runs that were asked for. UserError: an unknown name."""
    there = problem_names(given.data, given.searches)
    if given.list:
        print("problems:", *there, "optimizers:", *OPTIMIZERS, sep="\n  ")
        return []
    problems = _problems(given.problems, there)
    if unknown := [one for one in problems if one not in there]:
        raise UserError(
            f"no problem {unknown[0]!r}: there are {', '.join(there)}; more with a folder of "
            f"tables, by --data or {VARIABLE}"
        )
    optimizers = list(
        dict.fromkeys(one for name in given.optimizers for one in _GROUPS.get(name, (name,)))
    )
    if unknown := [one for one in optimizers if one not in OPTIMIZERS]:
        raise UserError(f"no optimizer {unknown[0]!r}: there are {', '.join(OPTIMIZERS)}")
    pairs = [
        (problem, one) for problem in problems for one in optimizers if has_meaning(one, problem)
    ]
    return [
        Run(problem, one, workers, given.cost, seed)
        for seed in range(given.seeds)  # the outermost, so that a part has everything
        for workers in given.workers
        for problem, one in pairs
        if seed < _SLOW.get(one, given.seeds)
    ]


def _problems(chosen: list[str] | None, there: list[str]) -> list[str]:
    groups = {
        "peers": [name for name in FOR_PEERS if name in there],
        "half-1": half(there, 0),
        "half-2": half(there, 1),
    }
    if chosen is None:
        return there
    return list(dict.fromkeys(one for name in chosen for one in groups.get(name, [name])))


def _run(
    left: list[Run], places: Places, done: dict[Run, Found], given: argparse.Namespace
) -> None:
    for name in sorted({run.problem for run in left}):
        load_problem(name, places.data, places.searches)  # once, for processes that are forked
    with ProcessPoolExecutor(given.processes) as pool:
        futures = {pool.submit(execute, run, places): run for run in left}
        try:
            for future in as_completed(futures):
                run, found = futures[future], future.result()
                append(given.results, run, found)
                done[run] = found
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _show(found: dict[Run, Found], given: argparse.Namespace) -> None:
    console = Console()
    console.width = max(console.width, _WIDTH)
    by_workers = {workers: courses(found, workers, given.cost) for workers in given.workers}
    by_workers = {workers: known for workers, known in by_workers.items() if known}
    for workers, known in by_workers.items():
        console.print(f"{workers} workers, cost {given.cost:g}, mean final regret in percent")
        console.print(regret_table(known))
        for share in (0.5, 1.0):
            ranked = ranks(known, share)
            if ranked is not None:
                console.print(f"at {share:.0%} of the cost: {rank_sentence(ranked)}")
                console.print(rank_table(known, ranked))
    if given.figure is not None and by_workers:
        draw(by_workers, given.figure)


if __name__ == "__main__":
    main()
