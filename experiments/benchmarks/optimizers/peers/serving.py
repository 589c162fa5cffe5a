"""The side of the line protocol that is in a peer's environment; it imports the standard library.

Messages are JSON objects, one a line. The first that comes in describes the problem; the answer has
the versions of the packages that matter. Then {"do": "ask"} is answered by {"key", "config",
"budget", "token"} or, if a run has to finish first, by {"wait": true}; {"do": "tell", "token",
"loss"}, where a loss of null is a crash, by {}. The end of the input ends the program.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, Protocol


class Served(Protocol):
    """What a program makes of its library."""

    def ask(self) -> dict[str, Any] | None:
        """The next run: its configuration's key, the configuration, the budget, and a token."""

    def tell(self, token: int, loss: float | None) -> None:
        """The result of a run."""


def serve(make: Callable[[dict[str, Any]], Served], packages: Sequence[str]) -> None:
    """Answer until the input ends. `make` gets the description of the problem."""
    # Libraries print what they like: it goes to standard error, and lines to where output was.
    lines = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    served: Served | None = None
    for line in sys.stdin:
        message = json.loads(line)
        answer: dict[str, Any] = {}
        if served is None:
            served = make(message)
            answer = {name: importlib.metadata.version(name) for name in packages}
        elif message["do"] == "ask":
            found = served.ask()
            answer = {"wait": True} if found is None else found
        else:
            served.tell(message["token"], message["loss"])
        lines.write(json.dumps(answer, default=_plain) + "\n")


def _plain(value: Any) -> Any:
    """NumPy's numbers and strings, as JSON has them."""
    return value.item()


class Tokens:
    """Runs of a library, by the number under which they were asked for."""

    def __init__(self) -> None:
        self._runs: list[Any] = []

    def add(self, run: Any) -> int:
        """The number of a new run."""
        self._runs.append(run)
        return len(self._runs) - 1

    def __getitem__(self, token: int) -> Any:
        return self._runs[token]
