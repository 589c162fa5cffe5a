"""The main module of a local worker's process, in place of the program's that opens the pool.

multiprocessing imports the main module of a program again in each process that it spawns. A program
without `if __name__ == "__main__"`, as a short script or an exported notebook, would open its pool
again there, and no worker would start. Workers need nothing of it: what they run is imported by
its own name.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec

from oneshot_hpo.cluster.dask_settings import import_dask_without_user_settings


@contextlib.contextmanager
def workers_import_this_main() -> Iterator[None]:
    """Within the context, every process that multiprocessing spawns has this main module."""
    main = sys.modules["__main__"]
    before = main.__spec__
    main.__spec__ = ModuleSpec(__name__, None)
    try:
        yield
    finally:
        main.__spec__ = before


if __name__ == "__mp_main__":  # as multiprocessing calls it in the new process
    # Before anything imports Dask.
    import_dask_without_user_settings()
