"""How the command line comes to life: anew, where Python was started in a way that may break it.

Variables as PYTHONOPTIMIZE or PYTHONWARNINGS change what every interpreter does, and an interpreter
hands them on to the processes that it starts. Python may also look for modules in the working
directory first, where any file can have the name of a library's module.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from cluster import environment


def start_cleanly(main: Callable[[], None]) -> None:
    """Replace this process by the same command in an interpreter without such settings, if needed.

    main: the command line's; nothing is done in a process that has another program.
    """
    if vars(sys.modules["__main__"]).get("main") is not main:
        return
    for name in environment.OF_FIGURES:
        os.environ.pop(name, None)
    wanted = environment.without_pythons(os.environ)
    if wanted == dict(os.environ) and not _imports_from_here():
        return
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os.execve(sys.executable, [sys.executable, "-P", *sys.orig_argv[1:]], wanted)


def _imports_from_here() -> bool:
    """Whether `python -m` looks for modules where it was started, and that is not our own folder.

    Nothing is to be done where it is: a checkout that is not installed.
    """
    if sys.flags.safe_path or "-m" not in sys.orig_argv[1:]:
        return False
    return sys.path[:1] == [str(Path.cwd())] and Path(__file__).parents[1] != Path.cwd()
