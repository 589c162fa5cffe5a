"""The private folder in which workers find their master's address and certificate.

It is outside the study, whose folder may be given away, and on a file system that login nodes and
compute nodes share, as they share home folders. Successive masters of a study use the same folder,
each with a new certificate; the last one removes it.
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
    """The folder for jobs with a name; it need not exist yet. Raises NoPrivateFolder."""
    return state_folder() / "jobs" / name


def open_contact(folder: Path) -> None:
    """Create the folder with access for this user only. Raises NoPrivateFolder."""
    make_private(folder)


def remove_contact(folder: Path) -> None:
    """Remove the folder; a job that starts later finds no master and ends."""
    shutil.rmtree(folder, ignore_errors=True)


def write_address(folder: Path, address: str) -> None:
    """Publish the scheduler's address to workers, including those of an earlier master."""
    write_private(folder / SCHEDULER, json.dumps({"address": address}).encode())


def replace_script(folder: Path, script: str) -> bool:
    """Store the script of the workers' jobs; returns whether an earlier master's differs."""
    path = folder / SCRIPT
    before = path.read_text() if path.exists() else script
    write_private(path, script.encode())
    return before != script
