"""The reason why a pool does not start; Dask only reports a failed nanny, its consequence."""

from __future__ import annotations

import errno
import resource
from collections.abc import Iterator

_NO_THREAD = "can't start new thread"  # Python's whole message for EAGAIN
_FEWER = ", or use fewer workers"


def start_failure(error: BaseException) -> str:
    """Why a pool did not start: the limit of the system behind `error` if there is one."""
    for cause in reversed(list(_chain(error))):  # from the first cause to its consequences
        if isinstance(cause, OSError) and cause.errno in (errno.EMFILE, errno.ENFILE):
            return _too_many_files(cause)
        if isinstance(cause, OSError) and cause.errno == errno.EAGAIN:
            return _no_process()
        if isinstance(cause, RuntimeError) and str(cause) == _NO_THREAD:
            return _no_process()
    return str(error)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _too_many_files(error: OSError) -> str:
    if error.errno == errno.ENFILE:
        return f"too many open files on this machine: raise fs.file-max{_FEWER}"
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return f"too many open files: a process may have {limit}; raise that (ulimit -n){_FEWER}"


def _no_process() -> str:
    limit, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    mine = "the container's" if limit == resource.RLIM_INFINITY else f"{limit} (ulimit -u)"
    return f"no more processes or threads: the limit is {mine}; raise that{_FEWER}"
