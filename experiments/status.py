"""A study seen from outside, without its lock: `oneshot-hpo status`."""

from __future__ import annotations

import fcntl
import time
from pathlib import Path

from rich.console import Console, RenderableType
from rich.live import Live

from experiments.progress import standing
from experiments.study_folder import check_study, resume, specification_of
from experiments.summary import print_summary
from hpo import StudyView, read_study
from hpo.lock import LOCK_NAME

WATCH_SECONDS = 1.0


def show_status(console: Console, folder: Path) -> None:
    """Print how the study in `folder` stands; UserError if it holds none."""
    view = _read(folder)
    console.print(_standing(view, folder))
    _print_end(console, view, folder)


def watch_status(console: Console, folder: Path) -> None:
    """The same, kept up to date until the study is finished or its master has gone."""
    view = _read(folder)
    with Live(_standing(view, folder), console=console, auto_refresh=False) as live:
        while _has_master(folder):
            time.sleep(WATCH_SECONDS)
            view = _read(folder)
            live.update(_standing(view, folder), refresh=True)
    _print_end(console, view, folder)


def _read(folder: Path) -> StudyView:
    check_study(folder)
    return read_study(folder)


def _standing(view: StudyView, folder: Path) -> RenderableType:
    running = len(view.pending) if _has_master(folder) else 0
    return standing(view, specification_of(view.header, folder).title, running)


def _print_end(console: Console, view: StudyView, folder: Path) -> None:
    if view.finished:
        print_summary(console, view, folder)
    elif _has_master(folder):
        console.print("running")
    else:
        console.print(f"not running; to go on: {resume(folder)}", markup=False, soft_wrap=True)


def _has_master(folder: Path) -> bool:
    """Whether a master on this machine holds the study's lock."""
    try:
        with (folder / LOCK_NAME).open("rb") as file:
            # Shared, and only for this moment: it is not in the way of a master for long.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
