"""The identity of a pool's workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Worker(NamedTuple):
    """A worker and its current process."""

    address: str
    """Address of its process: a new process has another one."""
    name: str
    """Name of the worker, which a new process keeps."""
    host: str
    """Machine on which it runs."""


class Retirement(NamedTuple):
    """A worker, GPU or host that gets no more tasks."""

    place: str
    """Name or host that later pools of the study also exclude; empty if they exclude nothing."""
    description: str
    """What is retired, for messages."""


def elsewhere(workers: Sequence[Worker], tried: Sequence[Worker]) -> list[Worker]:
    """The workers on other hosts than those tried; if there is none, those with other names."""
    hosts, names = {worker.host for worker in tried}, {worker.name for worker in tried}
    return [worker for worker in workers if worker.host not in hosts] or [
        worker for worker in workers if worker.name not in names
    ]


def host_of(address: str) -> str:
    """The host in a Dask address such as tls://10.0.0.7:40123."""
    return address.rpartition("/")[2].rpartition(":")[0]
