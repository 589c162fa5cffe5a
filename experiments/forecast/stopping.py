"""The stop rules of a study on a simulated clock: those that count evaluations and time.

The rules are those of `study.stop_rules`, which says when each is reached. Two of them ask what the
results are, which a forecast cannot know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BY_RESULTS = ("target_error", "no_improvement")
"""Rules whose end cannot be forecast, as keys of a study's section `stop`."""
_HOUR = 3600.0


class Stopping:
    """Whether a rule is reached in one simulation of a study."""

    def __init__(self, rules: Mapping[str, Any], planned: int) -> None:
        """rules: those of the section `stop`, by key. planned: evaluations without a rule."""
        self._rules = {key: value for key, value in rules.items() if key not in BY_RESULTS}
        self._planned = planned

    def reached(self, started: int, worked_seconds: float, seconds: float) -> str | None:
        """The first rule that is reached; None: no rule is.

        started: evaluations. worked_seconds: what all workers have spent on them. seconds: since
        the launch. A study always starts its first evaluation, and one that has started all is not
        stopped.
        """
        if not 0 < started < self._planned:
            return None
        counts = {
            "evaluations": started,
            "gpu_hours": worked_seconds / _HOUR,
            "wall_hours": seconds / _HOUR,
        }
        return next(
            (key for key, count in counts.items() if count >= self._rules.get(key, float("inf"))),
            None,
        )


def by_results(rules: Mapping[str, Any]) -> list[str]:
    """The rules among these whose end cannot be forecast, in words."""
    return [f"stop.{key}" for key in BY_RESULTS if key in rules]
