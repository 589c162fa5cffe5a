"""Sends a study's results to a tracker of the user's while the study runs: `track: mlflow`.

A thread of its own reads the journal, as `oneshot-hpo export` does in another process: a tracker
that is slow or away holds up nothing, and what it misses is sent later.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from oneshot_hpo import plugins
from oneshot_hpo.experiments.errors import one_line
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.terminal.hints import command
from oneshot_hpo.experiments.terminal.rate_limiter import RateLimiter

CLOSING_SECONDS = 30.0
"""How long the end of a study waits for its last results to be sent."""
_PAUSE_SECONDS = 1.0
"""Between two looks at whether results may be sent."""


class Tracker:
    """Sends results to a tool of the exports from a thread, from creation until `close`."""

    def __init__(self, folder: Path, tool: str) -> None:
        self._folder = folder
        self._tool = tool
        self._runs: Any = None
        self._news = threading.Event()
        self._closing = threading.Event()
        self._complaint: str | None = None
        self._has_complained = False
        self._thread = threading.Thread(target=self._work, name="tracker", daemon=True)
        self._thread.start()

    def results_came(self) -> None:
        """Let what is new be sent soon."""
        self._news.set()

    def complaint(self) -> str | None:
        """What the tracker's first failure was, in a line, the first time that this is called."""
        words, self._complaint = self._complaint, None
        return words

    def close(self, seconds: float = CLOSING_SECONDS) -> None:
        """Send what is new, for as long as this at most."""
        self._news.set()
        self._closing.set()
        self._thread.join(seconds)
        if self._thread.is_alive():
            self._fail("it has not answered in time")

    def _work(self) -> None:
        rate = RateLimiter()
        while True:
            self._news.wait()
            is_last = self._closing.is_set()
            if is_last or rate.is_due:
                self._news.clear()
                with rate.measured():
                    self._send()
            if is_last:
                return
            self._closing.wait(_PAUSE_SECONDS)

    def _send(self) -> None:
        """Send what is new; whatever happens here is the tracker's fault, not the study's."""
        try:
            if self._runs is None:
                self._runs = plugins.find("export", self._tool)(self._folder)
            self._runs.bring_up_to_date(OpenedStudy(self._folder))
        except Exception as error:
            self._news.set()  # it is tried again
            self._fail(one_line(error))

    def _fail(self, reason: str) -> None:
        if self._has_complained:
            return
        self._has_complained = True
        again = command("export", self._folder, "--to", self._tool)
        self._complaint = (
            f"note: {reason}; the study continues, and {again} sends what is missing then"
        )
