"""A log file for the messages of Dask in this process."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from oneshot_hpo.cluster.worker_log import bound

CLUSTER_LOG = "cluster.log"

_LOGGERS = (
    *("distributed", "distributed.client", "tornado", "tornado.application"),
    *("asyncio", "oneshot_hpo.cluster"),
)
"""Loggers to which Dask gives a handler each, and this package's logger."""


class _QuietFileHandler(logging.FileHandler):
    """A log file of bounded size, which a full disk cuts short without a message on the terminal.

    Its size is bounded because any connection to the scheduler's port is logged.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record; a long file is cut to its end."""
        super().emit(record)
        with contextlib.suppress(OSError, ValueError):
            assert self.stream is not None
            bound(self.stream.fileno(), Path(self.baseFilename))

    def handleError(self, record: logging.LogRecord) -> None:
        """Drop the record: important writes are elsewhere, and fail there with one line."""


@contextlib.contextmanager
def dask_logs_to(path: Path) -> Iterator[None]:
    """Send the log of Dask and this package in this process to a file, never to the terminal."""
    handler = _QuietFileHandler(path, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [(logger.handlers[:], logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.propagate = [handler], False
    try:
        yield
    finally:
        for logger, (handlers, propagate) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate
        with contextlib.suppress(OSError):
            handler.close()
