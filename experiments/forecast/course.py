"""What happened in one simulation of a study."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Course:
    """What happened in one simulation; times are seconds since the launch."""

    ends: list[float] = field(default_factory=list)
    """When each evaluation finished, ascending."""
    bracket_ends: list[float] = field(default_factory=list)
    """When each bracket finished, ascending."""
    busy: float = 0.0
    """Seconds in which workers had trials, over all workers."""
    held: float = 0.0
    """Seconds in which there were workers, over all workers."""
    repeated: float = 0.0
    """The part of `busy` in which work was done that was lost again."""
    interruptions: int = 0
    """Trials whose worker was taken away or died."""
    stopped_by: str | None = None
    """The stop rule that ended the study before all planned evaluations, as its key; None: none."""
    first_model_pick: tuple[int, float] | None = None
    """The first run that a model proposed: its place in the order of start, from 1, and when."""

    @property
    def wall(self) -> float:
        """When the last evaluation finished."""
        return self.ends[-1]
