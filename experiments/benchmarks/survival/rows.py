"""A row of the table of what was tried and what survived it, and how far a trying is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[str, int, int], None]
"""Called with what is tried, how many of them are done and how many there are in all."""


@dataclass(frozen=True)
class Row:
    """One kind of blow: how often it was tried, and how often nothing was lost by it."""

    kind: str
    """What was done, in a few words: "master killed before or after a write"."""
    tried: int
    """How often."""
    survived: int
    """How often everything promised held."""
    note: str = ""
    """What was promised and checked; of a failure, the first one."""


def fault_row(kind: str, tried: int, failures: list[str]) -> Row:
    """A row of faults that have to end work with a line, and to leave what can be gone on with."""
    note = failures[0] if failures else "one clear line; mended and gone on with: the same"
    return Row(kind, tried, tried - len(failures), note)


def markdown(rows: list[Row]) -> str:
    """The rows as a Markdown table, with the sums in its last line."""
    lines = ["| what | tried | survived | what was checked |", "|---|---:|---:|---|"]
    lines += [f"| {r.kind} | {r.tried:,} | {r.survived:,} | {r.note} |" for r in rows]
    tried, survived = sum(r.tried for r in rows), sum(r.survived for r in rows)
    return "\n".join([*lines, f"| **all** | **{tried:,}** | **{survived:,}** | |"])
