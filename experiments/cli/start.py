"""Starts the command line again where Python was started in a way that may break it.

Variables as PYTHONOPTIMIZE or PYTHONWARNINGS change what every interpreter does, and an interpreter
hands them on to the processes that it starts. Python may also look for modules in the working
directory first, where any file can have the name of a library's module.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import oneshot_hpo
from oneshot_hpo.cluster import environment

COMMAND = "oneshot-hpo"
_CHECKOUT = Path(oneshot_hpo.__file__).parents[1]


def start_cleanly() -> None:
    """Replace this process by one in an interpreter without these settings, if needed.

    Only where it was started as a program of this project; in others nothing is changed.
    """
    if not _is_ours():
        return
    wanted = environment.without_python_variables(os.environ)
    for name in environment.FIGURE_VARIABLES:
        wanted.pop(name, None)
    if wanted != dict(os.environ) or _imports_from_here():
        # A study may run a program of the user's, with the environment that the user gave.
        known = environment.with_dropped(wanted)
        os.execve(sys.executable, [sys.executable, "-P", *sys.orig_argv[1:]], known)


def _is_ours() -> bool:
    """Whether the interpreter was started as `oneshot-hpo` or `python -m oneshot_hpo…`."""
    words = sys.orig_argv[1:]
    if "-m" in words:
        return "".join(words[words.index("-m") + 1 :][:1]).startswith("oneshot_hpo")
    # A worker's process has its master's sys.argv, but was not started by it.
    return sys.argv[0] in words and Path(sys.argv[0]).name == COMMAND


def _imports_from_here() -> bool:
    """Whether `python -m` looks for modules where it was started, and that is not our own folder.

    In our own folder that is right: a checkout need not be installed.
    """
    here = Path.cwd()
    if sys.flags.safe_path or "-m" not in sys.orig_argv[1:] or here == _CHECKOUT:
        return False
    return str(here) in sys.path[:1]
