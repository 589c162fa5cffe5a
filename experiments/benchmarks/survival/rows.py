"""A row of the table of what was tried and what survived it, and how far a trying is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

Progress = Callable[[str, int, int], None]
"""Called with what is tried, how many of them are done and how many there are in all."""


class Group(Enum):
    """Rows that are one in the summary: what was done, and what was checked after it."""

    KILLS = (
        "killed (master, confirmation, export, search) before and after each change of a file, and "
        "half-way through each write",
        "gone on with: decisions and results the same to the bit, each evaluation told once",
    )
    POWER_CUTS = (
        "power cut before each change of a file: unsynced contents lost, or names too",
        "the same",
    )
    DISK = (
        "disk full, failing, read-only, stale, slow or away from each change on; a clock set back",
        "one clear line, exit code 1; mended and gone on with: the same",
    )
    ALTERED = (
        "journals, results and checkpoints cut at each byte, and each byte flipped",
        "found out; nothing wrong is read, nothing lost",
    )
    LIMITS = (
        "file systems really full or read-only, files that may not grow",
        "one clear line, exit code 1; mended and gone on with: the same",
    )
    MASTERS = (
        "two masters, on one host or two, flock working, doing nothing or failing",
        "the second one is refused; a dead one is followed",
    )
    POOL = (
        "faults of workers, scheduler and network",
        "said; told or waited for; no evaluation lost or told twice",
    )
    ENVIRONMENT = (
        "variables and files for other work, other people's modules in the working directory",
        "the same result, no job left",
    )
    KILLER = ("processes of a study of digits, one killed every 5 to 15 s", "")
    INPUTS = (
        "inputs changed at random, by bytes and by meaning",
        "read and written back the same, or refused in one line that names the file",
    )
    GUIDED = ("inputs changed by libFuzzer, guided by coverage", "the same")
    HOSTILE = (
        "hostile folders and archives: a foreign lock owner, links, tar bombs",
        "refused in one line; nothing outside was changed, no process ended, no memory taken",
    )
    SCALE = ("evaluations in one study", "")

    @property
    def what(self) -> str:
        """What was done."""
        return self.value[0]

    @property
    def checked(self) -> str:
        """What was checked; empty: the group's row says it."""
        return self.value[1]


@dataclass(frozen=True)
class Row:
    """One kind of blow: how often it was tried, and how often nothing was lost by it."""

    group: Group
    kind: str
    """What was done, in a few words: "master killed before or after a write"."""
    tried: int
    """How often."""
    survived: int
    """How often everything promised held."""
    note: str = ""
    """What was promised and checked; of a failure, the first one."""


def fault_row(group: Group, kind: str, tried: int, failures: list[str]) -> Row:
    """A row of faults that have to end work with a line, and to leave what can be gone on with."""
    note = failures[0] if failures else "one clear line; mended and gone on with: the same"
    return Row(group, kind, tried, tried - len(failures), note)


def summary(rows: Sequence[Row]) -> list[Row]:
    """A row for each group that there is; of failures, the note of the first."""
    found = []
    for group in Group:
        own = [row for row in rows if row.group is group]
        if not own:
            continue
        tried, survived = sum(row.tried for row in own), sum(row.survived for row in own)
        failed = [f"{row.kind}: {row.note}" for row in own if row.survived < row.tried]
        kinds = f" ({len(own)} kinds)" if len(own) > 1 else ""
        note = failed[0] if failed else group.checked or own[0].note
        found.append(Row(group, group.what + kinds, tried, survived, note))
    return found


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| what | tried | survived | what was checked |", "|---|---:|---:|---|"]
    lines += [f"| {r.kind} | {r.tried:,} | {r.survived:,} | {r.note} |" for r in rows]
    return "\n".join(lines)
