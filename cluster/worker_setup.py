"""Set-up of a worker process (a Dask preload): its log, its session, its clean-up."""

import os
import sys
from pathlib import Path

import distributed

from oneshot_hpo.cluster.leftovers import guard, lead_session
from oneshot_hpo.cluster.worker_log import bound_output


def dask_setup(worker: distributed.Worker) -> None:
    """Redirect standard output and error to the log that the pool has chosen."""
    path = Path(os.environ["ONESHOT_HPO_WORKER_LOG"])
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o644)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(log, stream.fileno())
    os.close(log)
    print(f"worker {worker.name}, process {os.getpid()}", flush=True)
    bound_output()
    lead_session(session_file(path))
    guard()


def session_file(log: Path) -> Path:
    """The file in which the worker with this log writes its session."""
    return log.with_suffix(".session")
