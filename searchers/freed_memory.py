"""What a search frees on a CPU stays with its process until the search is over."""

from __future__ import annotations

import contextlib
import ctypes
import platform
from collections.abc import Iterator
from typing import Any

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # glibc's malloc.h
_SETTINGS = {
    _MMAP_THRESHOLD: 2**30,  # bytes; what is smaller comes from memory that was freed
    _TRIM_THRESHOLD: 2**31 - 1,  # the most that it takes
    _TOP_PAD: 64 * 2**20,
}


@contextlib.contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Within the context the allocator keeps what is freed; at its end the system gets it back.

    A step allocates tensors of the same sizes as the step before. By default glibc returns large
    ones to the system, which clears each page before it hands it out again: a tenth of a step's
    processor time, and more than half of it in the workers of a Dask cluster, for Dask sets
    MALLOC_TRIM_THRESHOLD_. The settings are those of the process and outlive the context. Other
    allocators than glibc's are left as they are.
    """
    if platform.libc_ver()[0] != "glibc":
        yield
        return
    glibc: Any = ctypes.CDLL(None)
    for name, value in _SETTINGS.items():
        glibc.mallopt(name, value)
    try:
        yield
    finally:
        glibc.malloc_trim(0)
