"""Signals that are noted while the journal may be written."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def noted_signals(numbers: tuple[int, ...]) -> Iterator[list[int]]:
    """Inside, the first of these signals is only noted, in the list that this yields.

    So it cannot interrupt a write to the journal. A second signal acts as usual. In
    a program's other threads nothing is noted: Python delivers signals to the main thread alone.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    before = {number: signal.getsignal(number) for number in numbers}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)
        restore()

    for number in before:
        signal.signal(number, note)
    try:
        yield received
    finally:
        restore()
