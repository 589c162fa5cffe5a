"""Dask's own messages of this process, in a file."""

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
"""Those of which Dask gives each a handler of its own, and this package's."""


class _QuietFileHandler(logging.FileHandler):
    """A log file of bounded size that a full disk cuts short without a trace on the terminal.

    Strangers who knock at the scheduler's port have it written to.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record; of a file that has become long, its end is kept."""
        super().emit(record)
        with contextlib.suppress(OSError, ValueError):
            assert self.stream is not None
            bound(self.stream.fileno(), Path(self.baseFilename))

    def handleError(self, record: logging.LogRecord) -> None:
        """Lose the record: what matters is written elsewhere, and fails in one line there."""


@contextlib.contextmanager
def dask_logs_to(path: Path) -> Iterator[None]:
    """What Dask and this package log in this process goes into a file, never to the terminal."""
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
