"""A row of the table of injected faults, and the progress of injecting them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

Progress = Callable[[str, int, int], None]
"""Called with the kind of fault, the number injected, and the number planned."""


class Group(Enum):
    """Rows that are one in the summary: what was done, and what was checked afterwards."""

    KILLS = (
        "killed (master, confirmation, export, search) before and after each change of a file, and "
        "half-way through each write",
        "resumed: decisions and results the same to the bit, each evaluation recorded once",
    )
    POWER_CUTS = (
        "power cut before each change of a file: unsynced contents lost, or names too",
        "the same",
    )
    DISK = (
        "disk full, failing, read-only, stale, slow or away from each change on; a clock set back",
        "one clear line, exit code 1; repaired and resumed: the same",
    )
    ALTERED = (
        "journals, results and checkpoints cut at each byte, and each byte flipped",
        "detected; nothing wrong is read, nothing lost",
    )
    LIMITS = (
        "file systems really full or read-only, files that may not grow",
        "one clear line, exit code 1; repaired and resumed: the same",
    )
    MASTERS = (
        "two masters, on one host or two, flock working, doing nothing or failing",
        "the second one is refused; a dead one is replaced",
    )
    POOL = (
        "faults of workers, scheduler and network",
        "reported, recorded or waited for; no evaluation lost or recorded twice",
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
        """The kinds of fault."""
        return self.value[0]

    @property
    def checked(self) -> str:
        """The check after them; empty: see the group's row."""
        return self.value[1]


@dataclass(frozen=True)
class Row:
    """One kind of fault: how often it was injected, and how often nothing was lost."""

    group: Group
    kind: str
    """The fault in a few words: "master killed before or after a write"."""
    tried: int
    """Number of injections."""
    survived: int
    """Number of times that every promise held."""
    note: str = ""
    """The promises that were checked; or the first failure."""


def fault_row(group: Group, kind: str, tried: int, failures: list[str]) -> Row:
    """A row of faults that must end work with a line, and leave it resumable."""
    note = failures[0] if failures else "one clear line; repaired and resumed: the same"
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
    lines = ["| fault | injected | survived | what was checked |", "|---|---:|---:|---|"]
    lines += [f"| {r.kind} | {r.tried:,} | {r.survived:,} | {r.note} |" for r in rows]
    return "\n".join(lines)
