"""A page that keeps itself up to date while it is open: a file beside it says when it was written.

A page that is opened from a file may read no other file, but it may use a style sheet. The state is
therefore one, with two custom properties: the page's version, and a number that changes while the
writer lives. A style sheet runs nothing, so the page allows no more scripts than any other.
"""

from __future__ import annotations

import time
from pathlib import Path

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.whole_files import write_whole

SUFFIX = ".state.css"
HEARTBEAT_SECONDS = 10.0
"""How often the writer shows that it lives; the page says after a minute that it does not."""
BEGINNING = b"/* oneshot-hpo: the state of a page */"


class LivePage:
    """One writer's page and its state. UserError: something else is in the state's place."""

    def __init__(self, path: Path) -> None:
        self.state = path.with_name(path.stem + SUFFIX)
        self.version = 0
        """Of the page that is written next: higher than that of every earlier one."""
        self.ended = False
        """Whether the page that is written next is the last one."""
        self._beats = 0
        self._beaten = 0.0
        _check_replaceable(self.state)

    def renew(self) -> None:
        """Take a version for the next page; milliseconds, as pages of earlier writers are open."""
        self.version = max(self.version + 1, time.time_ns() // 1_000_000)

    def announce(self) -> None:
        """Let open pages load the page that was written."""
        self._beats += 1
        self._beaten = time.monotonic()
        properties = f"--page-version: {self.version}; --page-beat: {self._beats};"
        content = BEGINNING + f"\n:root {{ {properties} }}\n".encode()
        try:
            write_whole(self.state, content)
        except OSError as error:
            raise UserError(f"{self.state} cannot be written: {error.strerror or error}") from None

    def beat(self) -> None:
        """Show that the writer lives, where that is due."""
        if time.monotonic() - self._beaten >= HEARTBEAT_SECONDS:
            self.announce()


def _check_replaceable(state: Path) -> None:
    try:
        with state.open("rb") as file:
            if file.read(len(BEGINNING)) != BEGINNING:
                raise UserError(f"{state} is not the state of a page; choose another --out")
    except FileNotFoundError:
        return
    except OSError as error:
        raise UserError(f"{state} cannot be written: {error.strerror or error}") from None
