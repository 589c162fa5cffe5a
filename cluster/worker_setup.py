"""First thing in a worker process (a Dask preload): what it prints goes into its log file."""

import os
import sys
from pathlib import Path

import distributed


def dask_setup(worker: distributed.Worker) -> None:
    """Send the process's standard output and error to the file that the pool named."""
    path = Path(os.environ["ONESHOT_HPO_WORKER_LOG"])
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(log, stream.fileno())
    os.close(log)
    print(f"worker {worker.name}, process {os.getpid()}", flush=True)
