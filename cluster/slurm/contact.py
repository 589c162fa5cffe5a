"""Where workers find their master and its certificate: in a private folder of the user's.

It lies outside the study, whose folder may be given away, and on a file system that login nodes and
the nodes of the jobs share, as home folders are. Masters that follow each other use the same one,
each with a certificate of its own; the last one removes it.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from oneshot_hpo.cluster.private_folder import make_private, state_folder
from oneshot_hpo.cluster.tls import write_private

SCHEDULER = "scheduler.json"
SCRIPT = "worker.sh"


def contact_folder(name: str) -> Path:
    """The folder for the jobs of that name; it need not exist yet. NoPrivateFolder: no home."""
    return state_folder() / "jobs" / name


def open_contact(folder: Path) -> None:
    """Make the folder, for this user alone. NoPrivateFolder: it cannot be, or is not safe."""
    make_private(folder)


def remove_contact(folder: Path) -> None:
    """Remove the folder; a job that starts later finds no master and ends."""
    shutil.rmtree(folder, ignore_errors=True)


def write_address(folder: Path, address: str) -> None:
    """Tell workers, those of an earlier master too, where the scheduler is."""
    write_private(folder / SCHEDULER, json.dumps({"address": address}).encode())


def replace_script(folder: Path, script: str) -> bool:
    """Keep the script of the workers' jobs; whether an earlier master had another one."""
    path = folder / SCRIPT
    before = path.read_text() if path.exists() else script
    write_private(path, script.encode())
    return before != script
