"""Waiting for what SLURM has to do."""

import time
from collections.abc import Callable


def wait_until(done: Callable[[], bool]) -> None:
    """Wait up to 40 seconds for something that has to happen."""
    deadline = time.monotonic() + 40
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.1)
