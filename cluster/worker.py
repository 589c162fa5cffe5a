"""Which worker it is, of those of a pool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Worker(NamedTuple):
    """A worker as it is now."""

    address: str
    """Of its process: a new process has another one."""
    name: str
    """It stays when the worker's process is replaced."""
    host: str
    """The machine that it runs on."""


class Retirement(NamedTuple):
    """What gets no tasks any more."""

    place: str
    """A name or a host, for a later pool of the same work to leave out; empty: nothing lasting."""
    words: str
    """What is not used any more."""


def elsewhere(workers: Sequence[Worker], tried: Sequence[Worker]) -> list[Worker]:
    """The workers on other hosts than those tried; where there is none, those of other names."""
    hosts, names = {worker.host for worker in tried}, {worker.name for worker in tried}
    return [worker for worker in workers if worker.host not in hosts] or [
        worker for worker in workers if worker.name not in names
    ]


def host_of(address: str) -> str:
    """The host in an address of Dask's, as tls://10.0.0.7:40123."""
    return address.rpartition("/")[2].rpartition(":")[0]
