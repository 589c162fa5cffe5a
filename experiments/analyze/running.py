"""What all analyses do: settings, supernets that are scored on a pool of processes, files.

<dir>/
  supernets/<name>/       see `supernet`; what one analysis made, another one uses
  searches/<name>/        searches of `regularisation`
  <analysis>.pdf .png .csv .txt
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from oneshot_hpo.cluster.tasks import run_all
from oneshot_hpo.experiments import machine
from oneshot_hpo.experiments.analyze.supernet import (
    Supernet,
    Wanted,
    missing,
    score,
    scores,
    share_done,
)
from oneshot_hpo.experiments.errors import UserError, one_line
from oneshot_hpo.experiments.files import check_own_files
from oneshot_hpo.experiments.numbers.csv_cells import cell
from oneshot_hpo.experiments.study import bounds
from oneshot_hpo.experiments.study.document import parse_overrides
from oneshot_hpo.experiments.study.folder import make_folder
from oneshot_hpo.experiments.study.pairing import Pair, pair_of, transfer_words
from oneshot_hpo.experiments.study.specification import load_study
from oneshot_hpo.experiments.terminal.ending import REPEATABLE, ending
from oneshot_hpo.experiments.terminal.sparing import Sparing
from oneshot_hpo.experiments.terminal.work_bar import WorkBar
from oneshot_hpo.hpo.journal.lock import LOCK_NAME, OWNER_NAME, StudyLock
from oneshot_hpo.plugins import require_extra
from oneshot_hpo.search_spaces import SearchSpace, TrainedCells, get_space, load_table
from oneshot_hpo.searchers.data.datasets import load_dataset
from oneshot_hpo.searchers.records import OutOfDeviceMemory, SearchDiverged
from oneshot_hpo.searchers.registry import settings_class
from oneshot_hpo.searchers.settings import SearchSettings
from oneshot_hpo.whole_files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SUPERNETS = "supernets"
_SMALL = "quickstart"  # the study whose sizes are meant for the digits

Jobs = Mapping[Supernet, Sequence[Wanted]]
Tasks = Mapping[str, tuple[Callable[..., Any], *tuple[Any, ...]]]


def search_settings(searcher: str, dataset: str, overrides: Sequence[str]) -> SearchSettings:
    """The searcher's defaults, for digits with the sizes of the shipped study `quickstart`.

    overrides: search.SETTING=VALUE. UserError or another of this project's errors: bad input.
    """
    values = parse_overrides(overrides)
    own = values.get("search", {})
    foreign = [key for key in values if key != "search"]
    if foreign or not isinstance(own, dict):
        key = foreign[0] if foreign else "search"
        raise UserError(f"--set {key}: only search.SETTING=VALUE has a meaning here")
    sizes = load_study(_SMALL).search if dataset == "digits" else {}
    settings = settings_class(searcher)().with_config(sizes | own)
    settings.check_image_size(load_dataset(dataset).image_size)
    return settings


def table_of(name: str, space: int) -> tuple[TrainedCells, SearchSpace]:
    """A table and a space of which it has every cell. UserError or MissingCell: otherwise."""
    if space not in (1, 2, 3):
        raise UserError(f"--space: there are search spaces 1, 2 and 3, not {space}")
    table, found = load_table(name), get_space(space)
    table.best(found)
    return table, found


def pair_notes(dataset: str, table: str) -> list[str]:
    """What has to be said of all that follows where the table is of another data set."""
    is_transfer = pair_of(dataset, table) is Pair.TRANSFER
    return [transfer_words(dataset, table)] if is_transfer else []


def words(text: str, what: str) -> list[str]:
    """The parts of a list with commas. UserError: it is empty, or one is there twice."""
    parts = [part.strip() for part in text.split(",")]
    if not all(parts) or len(set(parts)) < len(parts):
        raise UserError(f"{what} must be different words with commas between them, not {text!r}")
    return parts


def numbers(text: str, what: str) -> list[int]:
    """Whole numbers from 1, ascending, in a list with commas. UserError: they are not."""
    parts = words(text, what)
    if not all(map(_is_count, parts)):
        raise UserError(
            f"{what} must be whole numbers from 1 to {bounds.EPOCHS:,} with commas, not {text!r}"
        )
    return sorted(map(int, parts))


def _is_count(text: str) -> bool:
    return text.isdecimal() and len(text) < 10 and 0 < int(text) <= bounds.EPOCHS


def score_all(console: Console, folder: Path, jobs: Jobs, workers: int | None) -> None:
    """Train and score what is not there yet.

    UserError: a training diverged or does not fit the GPU. StudyStopped: it cannot go on here.
    """
    tasks: Tasks = {
        supernet.name: (score, supernet, list(wanted), _folder(folder, supernet))
        for supernet, wanted in jobs.items()
        if missing(_folder(folder, supernet), wanted)
    }
    wanted_of = {supernet.name: wanted for supernet, wanted in jobs.items()}
    home = folder / _SUPERNETS

    def share(name: str) -> float:
        return share_done(home / name, wanted_of[name])

    title = "1 supernet" if len(jobs) == 1 else f"{len(jobs)} supernets"
    run_tasks(console, folder, tasks, workers, title, len(jobs), share)


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
    """
    if not tasks:
        return
    gpus = machine.gpus()
    scratch = folder / "logs"
    try:
        with WorkBar(console, title, total, total - len(tasks)) as bar:
            left = set(tasks)
            looking = Sparing()

            def look() -> None:
                if looking.due:
                    with looking.doing():
                        bar.reach(total - len(left) + sum(map(share, left)))

            count = min(workers or machine.default_workers(), len(tasks))
            results = run_all(tasks, workers=count, gpus=gpus, scratch=scratch, while_waiting=look)
            for key, _ in results:
                left.discard(key)
            bar.reach(total)
    except (SearchDiverged, OutOfDeviceMemory) as failure:
        raise UserError(f"{one_line(failure)}: --set other values") from None


def found_scores(folder: Path, supernet: Supernet, wanted: Wanted) -> Any:
    """The scores of a supernet that was scored, float (configurations,)."""
    return scores(_folder(folder, supernet), wanted)


@contextmanager
def analysis_folder(folder: Path) -> Iterator[None]:
    """The folder, made when missing, for one command at a time; says how to go on when stopped.

    UserError: it cannot be used. MissingPackage: no figure can be drawn. StudyStopped: it cannot
    be written any more.
    """
    require_extra("figures", "oneshot-hpo analyze")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; choose another folder with --dir")
    make_folder(folder)
    check_own_files(folder, (_SUPERNETS, "logs", LOCK_NAME, OWNER_NAME))
    lock = StudyLock(folder)
    try:
        with ending(REPEATABLE):
            yield
    finally:
        lock.release()
        (folder / LOCK_NAME).unlink(missing_ok=True)


def publish(
    console: Console,
    folder: Path,
    name: str,
    rows: Sequence[Mapping[str, Any]],
    draw: Callable[[], Figure],
    sentences: Sequence[str],
) -> None:
    """Write the figure as PDF and PNG, the rows as CSV and the sentences, and print those.

    rows: all with the same keys.
    """
    from oneshot_hpo.experiments.figures.making import write_figure
    from oneshot_hpo.experiments.figures.style import styled

    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: cell(value) for name, value in row.items()} for row in rows)
    write_whole(folder / f"{name}.csv", text.getvalue().encode())
    with styled():
        write_figure(draw(), folder / name)
    said = "".join(f"{sentence}\n" for sentence in sentences)
    write_whole(folder / f"{name}.txt", said.encode())
    console.print(said, end="", markup=False, soft_wrap=True)
    console.print(f"{folder / name}: .pdf, .png, .csv, .txt", markup=False, soft_wrap=True)


def _folder(folder: Path, supernet: Supernet) -> Path:
    return folder / _SUPERNETS / supernet.name
