"""Studies that run commands or code of their own: they are shown, and run only once trusted.

A study file or folder may come from somebody else, and its shell commands, and the files and
modules that it names, run on the account of whoever launches it. So each user has a file of digests
of what was trusted. A study with other commands is refused until the user has seen them and passes
--trust. The digest covers the commands, and of files their content: a study may be moved, copied
and resumed. Whoever only looks at a study runs nothing of it, unless it was trusted before.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs
from rich.console import Console

from oneshot_hpo import foreign
from oneshot_hpo.experiments.errors import UserError, printable
from oneshot_hpo.experiments.study import own_code
from oneshot_hpo.experiments.study.document import parse_overrides
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.terminal.hints import say

TRUSTED = "trusted"
"""The name of the file of digests, one per line."""


def _slurm(key: str) -> Callable[[StudySpec], Iterable[str]]:
    return lambda spec: (spec.cluster.slurm or {}).get(key) or ()


def _code(key: str) -> Callable[[StudySpec], Iterable[str]]:
    """The file or module that a key names, a file with the checksum of its content."""

    def line(spec: StudySpec) -> Iterable[str]:
        reference = own_code.references(spec).get(key)
        return () if reference is None else (reference.target,)

    return line


RUNS: dict[str, Callable[[StudySpec], Iterable[str]]] = {
    "cluster.slurm.prologue": _slurm("prologue"),
    # sbatch's options run commands too, for instance --export=ALL,LD_PRELOAD=...
    "cluster.slurm.extra_directives": _slurm("extra_directives"),
    "command": lambda spec: spec.command or (),
    # The same words run another program in another folder.
    "cwd": lambda spec: [spec.cwd] if spec.cwd is not None else (),
    "on_end": lambda spec: spec.on_end or (),
    "on_trouble": lambda spec: spec.on_trouble or (),
    **{key: _code(key) for key in own_code.KEYS},
}
"""By key of a study file: the lines that run, or that decide what runs. Everything else in a study
file is data, or a name that an installed package has registered; the settings of SLURM refuse
anything else."""


@dataclass(frozen=True)
class Consent:
    """The user's consent to commands, from the command line."""

    trust: bool = False
    """--trust: run the commands shown."""
    overrides: Sequence[str] = ()
    """KEY=VALUE of --set: commands that the user typed count as trusted."""
    digest: str | None = None
    """Digest trusted when this master was submitted as a job; its node may lack the home folder."""


NOTHING_SAID = Consent()


class NotTrusted(UserError):
    """A study would run commands that its user has not trusted; `commands`: by key, of each one."""

    def __init__(self, commands: Sequence[Mapping[str, list[str]]], message: str) -> None:
        super().__init__(message)
        self.commands = commands


def commands_of(spec: StudySpec) -> dict[str, list[str]]:
    """The commands of a study by key of the study file; empty: it runs none."""
    found = {key: list(lines(spec)) for key, lines in RUNS.items()}
    return {key: lines for key, lines in found.items() if lines}


def digest_of(commands: Mapping[str, list[str]]) -> str:
    """SHA-256 of commands, independent of the study's folder."""
    return hashlib.sha256(json.dumps(commands, sort_keys=True).encode()).hexdigest()


def check_trusted(console: Console, specs: Iterable[StudySpec], consent: Consent) -> None:
    """Let studies pass whose commands are trusted, and remember those that --trust or --set names.

    From then on this process may import the code that they name.

    NotTrusted, after the commands were shown: there are others.
    """
    specs = list(specs)
    wanted = {digest_of(commands): commands for commands in map(commands_of, specs) if commands}
    known = _read() if wanted else set()
    new = {digest: commands for digest, commands in wanted.items() if digest not in known}
    if new:
        _accept(console, new, consent)
    for spec in specs:
        own_code.allow(spec)


def check_code_trusted(console: Console, specs: Iterable[StudySpec], consent: Consent) -> None:
    """`check_trusted` for studies that are not complete: their code runs when they are completed.

    Studies without code pass; completing them runs nothing, and decides what is shown of them.
    """
    check_trusted(console, [spec for spec in specs if own_code.references(spec)], consent)


def allow_if_trusted(spec: StudySpec) -> None:
    """Let this process import the code that a study names, if it was trusted before."""
    if not own_code.references(spec):
        return
    with suppress(UserError):  # the file cannot be relied on
        if digest_of(commands_of(spec)) in _read():
            own_code.allow(spec)


def _accept(console: Console, new: Mapping[str, Mapping[str, list[str]]], consent: Consent) -> None:
    """Remember commands, by digest, that the user consents to. NotTrusted: to some they do not."""
    accepted = {
        digest
        for digest, commands in new.items()
        if consent.trust or digest == consent.digest or _are_typed(commands, consent.overrides)
    }
    refused = [commands for digest, commands in new.items() if digest not in accepted]
    for commands in refused:
        _show(console, commands)
    if refused:
        raise NotTrusted(
            refused,
            "the study would run what is shown above, on your account: if you trust it, add "
            "--trust, once",
        )
    _remember(console, sorted(accepted))


def trusted_file() -> Path | None:
    """The file of digests; None: this user has no folder for it."""
    try:
        path = platformdirs.user_state_path("oneshot-hpo", appauthor=False) / TRUSTED
    except RuntimeError:  # no HOME, and no entry in the user database
        return None
    return path if path.is_absolute() else None


def _are_typed(commands: Mapping[str, list[str]], overrides: Sequence[str]) -> bool:
    sections = {key.split(".")[0] for key in RUNS}
    own = [text for text in overrides if text.split("=")[0].split(".")[0].strip() in sections]
    document = parse_overrides(own)
    return all(_is_typed(key, _value(document, key), lines) for key, lines in commands.items())


def _is_typed(key: str, value: Any, lines: list[str]) -> bool:
    """Whether a value of the command line is what a study would run."""
    name = own_code.name_in(value) if key in own_code.KEYS else None
    if name is None:
        return bool(value == lines)
    own = ":".join(name.rpartition("/")[2].split(":")[:2])
    return lines == [name] or [own] == list(map(foreign.label_of, lines))


def _value(document: Any, dotted: str) -> Any:
    for key in dotted.split("."):
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _show(console: Console, commands: Mapping[str, list[str]]) -> None:
    for key, lines in commands.items():
        say(console, f"{key}:")
        for line in lines:
            say(console, f"  {printable(line)}")
            reference = foreign.reference_of(line) if key in own_code.KEYS else None
            if reference is not None and (path := foreign.location_of(reference)) is not None:
                say(console, f"  which is {printable(str(path))}")


def _read() -> set[str]:
    """The digests on file. UserError: other users can write the file."""
    path = trusted_file()
    if path is None:
        return set()
    try:
        with path.open("rb") as file:
            state = os.fstat(file.fileno())
            content = file.read()
    except OSError:  # an unreadable file trusts nothing
        return set()
    if state.st_uid != os.geteuid() or state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UserError(
            f"{path} says which commands are trusted, but others can write it: look at it, then "
            "make it yours alone (chmod 600), or remove it"
        )
    return set(content.decode(errors="replace").split())


def _remember(console: Console, digests: Sequence[str]) -> None:
    """Add digests to the file; if that fails, the next command needs --trust again."""
    path = trusted_file()
    try:
        if path is None:
            raise OSError("this user has no home folder")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(file, "wb", buffering=0) as lines:
            lines.write("".join(f"{digest}\n" for digest in digests).encode())
    except OSError as error:
        say(console, f"trusted this time only: {error}")
