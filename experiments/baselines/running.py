"""A run of baselines in its folder: blocks are computed, kept, and merged at the end.

    plan.json         what is run; another run is refused
    parts/            finished blocks, until the results are there
    seconds.json      processor seconds by method and space
    results.parquet   all evaluations

A block's file appears when it is complete, so that a run resumes wherever it was stopped.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from rich.console import Console

from oneshot_hpo.cluster.tasks import run_all
from oneshot_hpo.experiments.baselines.block import run_block
from oneshot_hpo.experiments.baselines.plan import BaselinePlan, Block
from oneshot_hpo.experiments.baselines.results import (
    part_seconds,
    write_json,
    write_part,
    write_results,
)
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.files import check_own_files
from oneshot_hpo.experiments.study.folder import make_folder
from oneshot_hpo.experiments.terminal.hints import say
from oneshot_hpo.experiments.terminal.work_bar import WorkBar
from oneshot_hpo.hpo.journal.lock import LOCK_NAME, OWNER_NAME, StudyLock
from oneshot_hpo.whole_files import sync_folder

# the slow ones begin, so that the processes end together
_SLOW = ("weak", "pnas", "smac", "bohb", "tpe")

PLAN, PARTS, SECONDS, RESULTS = "plan.json", "parts", "seconds.json", "results.parquet"


def run_baselines(
    plan: BaselinePlan,
    folder: Path,
    *,
    workers: int,
    console: Console,
    notes: Sequence[str] = (),
) -> Path:
    """Run what `folder` does not hold yet; the file of results.

    notes: lines that are printed once the folder can be used.

    UserError: the folder cannot be used or holds something else. KeyboardInterrupt leaves all
    finished blocks there.
    """
    _check_folder(folder, plan.document)
    make_folder(folder)
    check_own_files(folder, (PLAN, PARTS, SECONDS, RESULTS, "logs", LOCK_NAME, OWNER_NAME))
    lock = StudyLock(folder)
    try:
        _check_folder(folder, plan.document)  # another process may have been faster
        for note in notes:
            say(console, note)
        if not (folder / PLAN).exists():
            write_json(folder / PLAN, plan.document)
        if not (folder / RESULTS).exists():
            _run_blocks(plan, folder, workers, console)
            _merge_parts(plan, folder)
        _remove_parts(folder)
    finally:
        lock.release()
    return folder / RESULTS


def _check_folder(folder: Path, document: Mapping[str, Any]) -> None:
    """UserError unless this run can begin or resume in `folder`."""
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; choose another folder with --dir")
    try:
        there = json.loads((folder / PLAN).read_text())
    except (FileNotFoundError, NotADirectoryError):
        try:
            names = [p.name for p in folder.iterdir()] if folder.is_dir() else []
        except OSError as error:
            raise UserError(f"{folder} cannot be read: {error.strerror}") from None
        if any(name not in (LOCK_NAME, OWNER_NAME) and not name.startswith(".") for name in names):
            raise UserError(
                f"{folder} is not empty and holds no baselines; choose another with --dir"
            ) from None
        return
    except (OSError, ValueError):
        raise UserError(f"{folder / PLAN} cannot be read; choose another folder") from None
    if there != document:
        raise UserError(
            f"{folder} holds a run with other settings ({_difference(there, document)}); choose "
            "another with --dir"
        )


def _difference(there: Any, here: Any, name: str = "") -> str:
    """The first value in which two documents differ."""
    if isinstance(there, dict) and isinstance(here, dict):
        for key in sorted(there.keys() | here.keys()):
            if there.get(key) != here.get(key):
                return _difference(there.get(key), here.get(key), f"{name}.{key}" if name else key)
    return f"{name}: {json.dumps(there)} there, {json.dumps(here)} here"


def _part(folder: Path, block: Block) -> Path:
    return folder / PARTS / f"{block.key}.parquet"


def _run_blocks(plan: BaselinePlan, folder: Path, workers: int, console: Console) -> None:
    """Compute every block that has no part yet."""
    (folder / PARTS).mkdir(exist_ok=True)
    blocks = {block.key: block for block in plan.blocks}
    todo = {key: block for key, block in blocks.items() if not _part(folder, block).exists()}
    if not todo:
        return
    size = {key: block.count * plan.evaluations_in(block.space) for key, block in blocks.items()}
    order = sorted(todo, key=lambda key: (*[todo[key].method != slow for slow in _SLOW], key))
    tasks = {key: (run_block, plan, todo[key]) for key in order}
    done = sum(size.values()) - sum(size[key] for key in todo)
    with (
        WorkBar(console, "evaluations", sum(size.values()), done) as bar,
        closing(run_all(tasks, workers=workers, scratch=folder / "logs")) as results,
    ):
        for key, (rows, seconds) in results:
            write_part(_part(folder, todo[key]), rows, seconds)
            bar.advance(size[key])


def _merge_parts(plan: BaselinePlan, folder: Path) -> None:
    """Results and processor seconds from all parts."""
    seconds: dict[str, float] = defaultdict(float)
    for block in plan.blocks:
        seconds[f"{block.method} {block.space}"] += part_seconds(_part(folder, block))
    write_json(folder / SECONDS, {key: round(value, 3) for key, value in seconds.items()})
    write_results(folder / RESULTS, plan.document, (_part(folder, block) for block in plan.blocks))
    sync_folder(folder)


def _remove_parts(folder: Path) -> None:
    """The results hold all of them."""
    if (folder / PARTS).is_dir():
        for path in (folder / PARTS).iterdir():
            path.unlink()
        (folder / PARTS).rmdir()
