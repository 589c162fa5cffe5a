"""A search whose process is killed after some steps, as the kernel does it."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from oneshot_hpo import foreign
from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers import run_search, settings_class

_SCRIPT = f"import sys; sys.path[:] = sys.argv[2:]; import {__name__} as it; it.main(sys.argv[1])"


def run_killed(arguments: dict[str, Any], folder: Path, steps: int, place: Path) -> None:
    """Run a search in another process, which is killed after so many steps.

    arguments: of `run_search`, with the space's name and the settings as a dictionary.
    folder: of the search. place: where the arguments are written.
    """
    place.write_bytes(pickle.dumps((arguments, folder, steps, foreign.allowed())))
    child = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(place), *sys.path], capture_output=True, text=True
    )
    assert child.returncode == -signal.SIGKILL, f"the search ended by itself: {child.stderr}"


def main(place: str) -> None:
    """Run the search whose arguments are in a file."""
    arguments, folder, steps, code = pickle.loads(Path(place).read_bytes())
    foreign.allow_all(code)
    torch.set_num_threads(1)
    left = iter(range(steps, 0, -1))

    def killed() -> bool:
        if next(left) == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return False

    values = settings_class(arguments["searcher"])(**arguments.pop("settings"))
    space = get_space(arguments.pop("space"))
    run_search(**arguments, settings=values, space=space, folder=folder, stop_asked=killed)
