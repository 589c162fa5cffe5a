"""Running code as another user of this machine, for tests that root runs."""

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SECOND_USER = 65534
"""nobody's id: any other than this process's would do."""

needs_second_user = pytest.mark.skipif(
    os.getuid() != 0, reason="only root can act as a second user"
)


def as_second_user(function: Callable[..., Any], *arguments: Any) -> Any:
    """The return value of a function in a forked process of another user."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)

    def act() -> None:
        os.setgroups([])
        os.setgid(SECOND_USER)
        os.setuid(SECOND_USER)
        there.send(function(*arguments))

    process = context.Process(target=act)
    process.start()
    there.close()
    try:
        answer = here.recv()
    finally:
        process.join()
    return answer


@contextmanager
def shared_folder() -> Iterator[Path]:
    """A folder that every user may read and write, like /tmp; pytest's folders are private."""
    folder = Path(tempfile.mkdtemp(prefix="shared-", dir="/tmp"))
    try:
        folder.chmod(0o1777)
        yield folder
    finally:
        shutil.rmtree(folder)
