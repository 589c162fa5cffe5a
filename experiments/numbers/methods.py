"""The methods that figures and pages compare: an optimizer and its role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["tuned", "default", "setting", "study", "baseline"]
"""A confirmed incumbent, the confirmed default, another confirmed setting, the BOHB incumbents of a
study, a black-box optimizer."""


@dataclass(frozen=True, order=True)
class Method:
    """A method with its own curve."""

    name: str
    """The one-shot or black-box optimizer: "darts", "re"."""
    role: Role
    """Which of its results these are."""
    detail: str = ""
    """What distinguishes it from others of its name and role: "in cs2", a setting's name."""

    @property
    def label(self) -> str:
        """For legends: "darts tuned in cs2", "re"."""
        words = {"tuned": "tuned", "default": "default", "study": "BOHB on", "setting": ""}
        role = words.get(self.role, "")
        parts = [role, self.name] if self.role == "study" else [self.name, role]
        between = ", " if self.role == "default" and self.detail else " "
        return (" ".join(part for part in parts if part) + between + self.detail).strip()
