"""What all analyses do: run tasks on a pool of processes, in a folder of their own.

<dir>/
  supernets/<name>/       see `plan`
  searches/<name>/        searches of `regularisation`
  logs/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from oneshot_hpo.cluster.tasks import run_all
from oneshot_hpo.experiments import machine
from oneshot_hpo.experiments.errors import UserError, one_line
from oneshot_hpo.experiments.files import check_own_files
from oneshot_hpo.experiments.study.folder import make_folder
from oneshot_hpo.experiments.terminal.ending import REPEATABLE, ending
from oneshot_hpo.experiments.terminal.rate_limiter import RateLimiter
from oneshot_hpo.experiments.terminal.work_bar import WorkBar
from oneshot_hpo.hpo.journal.lock import LOCK_NAME, OWNER_NAME, StudyLock
from oneshot_hpo.plugins import require_extra
from oneshot_hpo.searchers.records import OutOfDeviceMemory, SearchDiverged

SUPERNETS, SEARCHES = "supernets", "searches"
_LOGS = "logs"

Tasks = Mapping[str, tuple[Callable[..., Any], *tuple[Any, ...]]]


def run_tasks(
    console: Console,
    folder: Path,
    tasks: Tasks,
    workers: int | None,
    title: str,
    total: int,
    share: Callable[[str], float],
) -> None:
    """Run tasks on processes of this machine, with a bar; `total` counts those done before.

    share: how much of a task is done, by its key, in [0, 1].

    UserError: a training diverged, or does not fit the GPU.
    """
    if not tasks:
        return
    left = set(tasks)
    rate = RateLimiter()
    count = min(workers or machine.default_workers(), len(tasks))

    try:
        with WorkBar(console, title, total, total - len(tasks)) as bar:

            def look() -> None:
                if rate.is_due:
                    with rate.measured():
                        bar.reach(total - len(left) + sum(map(share, left)))

            results = run_all(
                tasks,
                workers=count,
                gpus=machine.gpus(),
                scratch=folder / _LOGS,
                while_waiting=look,
            )
            for key, _ in results:
                left.discard(key)
            bar.reach(total)
    except (SearchDiverged, OutOfDeviceMemory) as failure:
        raise UserError(f"{one_line(failure)}: --set other values") from None


@contextmanager
def analysis_folder(folder: Path) -> Iterator[None]:
    """The folder, made when missing, for one command at a time; says how to resume when stopped.

    UserError: it cannot be used. MissingPackage: no figure can be drawn. StudyStopped: it cannot
    be written any more.
    """
    require_extra("figures", "oneshot-hpo analyze")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; choose another folder with --dir")
    make_folder(folder)
    check_own_files(folder, (SUPERNETS, _LOGS, LOCK_NAME, OWNER_NAME))

    lock = StudyLock(folder)
    try:
        with ending(REPEATABLE):
            yield
    finally:
        lock.release()
        (folder / LOCK_NAME).unlink(missing_ok=True)
