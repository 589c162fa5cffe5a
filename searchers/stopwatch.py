"""How long an epoch took, over all attempts at it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import torch


class Stopwatch:
    """Adds up wall-clock seconds and, on a CPU, the process's processor seconds."""

    def __init__(self, device: torch.device) -> None:
        self._has_processor_time = device.type == "cpu"
        self._started = (0.0, 0.0)
        self.seconds = 0.0
        self.processor_seconds: float | None = None
        self.reset()

    def reset(self) -> None:
        """Begin at zero."""
        self.seconds = 0.0
        self.processor_seconds = 0.0 if self._has_processor_time else None

    def start(self) -> None:
        """From here on time counts, until `stop`."""
        self._started = (time.perf_counter(), time.process_time())

    def stop(self) -> None:
        """Add what has passed since `start`."""
        wall, processor = self._started
        self.seconds += time.perf_counter() - wall
        if self.processor_seconds is not None:
            self.processor_seconds += time.process_time() - processor

    def state_dict(self) -> dict[str, float | None]:
        """What `load_state_dict` reads."""
        return {"seconds": self.seconds, "processor seconds": self.processor_seconds}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from an earlier attempt's seconds.

        Versions that kept no processor seconds count as if the processor had worked all the time.
        """
        self.seconds = state["seconds"]
        if self._has_processor_time:
            self.processor_seconds = state.get("processor seconds", self.seconds)
