"""Where workers find their master: a file beside the study's certificate."""

from __future__ import annotations

import json
from pathlib import Path

from cluster.tls import write_private

SCHEDULER = "scheduler.json"
SCRIPT = "worker.sh"


def write_address(folder: Path, address: str) -> None:
    """Tell workers, those of an earlier master too, where the scheduler is."""
    write_private(folder / SCHEDULER, json.dumps({"address": address}).encode())


def replace_script(folder: Path, script: str) -> bool:
    """Keep the script of the workers' jobs; whether an earlier master had another one."""
    path = folder / SCRIPT
    before = path.read_text() if path.exists() else script
    write_private(path, script.encode())
    return before != script
