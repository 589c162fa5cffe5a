"""The SLURM settings of a study: resources of a worker's job, and folders."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

_TIME = re.compile(r"\d+(:[0-5]?\d){0,2}|\d+-\d+(:[0-5]?\d){0,2}|UNLIMITED|infinite")
_ONE_GPU = re.compile(r"gpu(:[A-Za-z][\w.-]*)?(:1)?")
_MOST = 65_535  # seconds of notice that SLURM knows; more processors or jobs are a slip
_ONE_OF_A_TYPE = re.compile(r"1|[A-Za-z][\w.-]*:1")

# These texts come from a study file, which may be another person's, and go into job scripts. Each
# kind allows what SLURM or the system can use, and nothing that a shell or sbatch would execute.
_WORD_CHARACTERS = re.compile(r"[\w,+@:=/][\w,+@:=/.-]*")
_INTERFACE = re.compile(r"[A-Za-z0-9][\w.:@-]*")
_CONSTRAINT = re.compile(r"[\w.,:=<>@+&|()*\[\]! -]+")
_NO_TEXT = ("Cc", "Cs", "Zl", "Zp")
"""Unicode's categories of control characters, halves of a character, and line breaks."""
_VARIABLE = re.compile(r"\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*\})", re.ASCII)


class SlurmSettingsError(ValueError):
    """A setting is invalid; has its name and the problem."""

    def __init__(self, setting: str, problem: str) -> None:
        super().__init__(f"{setting} {problem}")
        self.setting = setting
        self.problem = problem


class _Kind(NamedTuple):
    test: Callable[[Any], bool]
    words: str


def _matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and bool(pattern.fullmatch(value))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST


def _is_line(value: Any) -> bool:
    """Whether it is text of one line, without control characters but tabs."""
    if not isinstance(value, str) or not value.strip():
        return False
    return all(c == "\t" or unicodedata.category(c) not in _NO_TEXT for c in value)


def _is_lines(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_line, value))


def _is_shell_path(value: Any) -> bool:
    return _is_line(value) and not re.search(r"[$`]", _VARIABLE.sub("", value))


_WORD = _Kind(
    _matches(_WORD_CHARACTERS),
    "a word of letters, digits and , + @ : = / . - _ in quotes if it looks like a number",
)
_INTERFACE_NAME = _Kind(_matches(_INTERFACE), "the name of a network interface, as ib0")
_COUNT = _Kind(_is_count, f"a whole number from 1 to {_MOST:,}")
_LINES = _Kind(_is_lines, "a list of lines without control characters")
_LIMIT = _Kind(
    lambda v: isinstance(v, str) and bool(_TIME.fullmatch(v)),
    "a time of SLURM in quotes, as '4:00:00' or '1-12:00:00'",
)

_KINDS = {
    "gres": _Kind(
        lambda v: isinstance(v, str) and bool(_ONE_GPU.fullmatch(v)),
        "one GPU, as gpu:1 or gpu:a100:1 (a worker uses one), or null for none",
    ),
    "gpus": _Kind(
        lambda v: isinstance(v, str) and bool(_ONE_OF_A_TYPE.fullmatch(v)),
        "one GPU in quotes, as '1' or 'a100:1' (a worker uses one)",
    ),
    "constraint": _Kind(_matches(_CONSTRAINT), "features of nodes, as 'a100&ib'"),
    "time": _LIMIT,
    "master_time": _LIMIT,
    "notice": _COUNT,
    "cpus": _COUNT,
    "max_pending": _COUNT,
    "skip_directives": _LINES,
    "extra_directives": _LINES,
    "prologue": _LINES,
    "exclude_failing_nodes": _Kind(lambda v: isinstance(v, bool), "true or false"),
    "scheduler_interface": _INTERFACE_NAME,
    "worker_interface": _INTERFACE_NAME,
    "log_folder": _Kind(_is_line, "the path of a folder"),
    "scratch_folder": _Kind(
        _is_shell_path,
        "the path of a folder, in which a $ stands for nothing but a variable, as $TMPDIR or "
        "${TMPDIR}",
    ),
}
"""The kind of each setting that is not None; settings that are not listed are words."""

_NEVER_NONE = (
    *("notice", "cpus", "max_pending", "exclude_failing_nodes"),
    *("skip_directives", "extra_directives", "prologue"),
)


@dataclass(frozen=True, kw_only=True)
class SlurmSettings:
    """One job is one worker with one GPU. None means SLURM's default.

    Raises SlurmSettingsError.
    """

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    gres: str | None = "gpu:1"
    """The GPU, as --gres; None for workers that compute on processors."""
    gpus: str | None = None
    """The GPU as --gpus, at sites that want it so; `gres` is then left out."""
    constraint: str | None = None
    time: str | None = None
    """Time limit of a worker's job. None: the partition's own."""
    notice: int = 120
    """Seconds before the time limit at which a trial has to save and stop.

    SLURM's clock has minutes: it may be up to 60 s more.
    """
    cpus: int = 2
    """Processors of a worker."""
    memory: str | None = None
    """Memory of a worker's node share, as "16G". None: the partition's own."""
    skip_directives: list[str] | tuple[()] = ()
    """#SBATCH lines of the script that hold one of these texts are left out, as "--mem"."""
    extra_directives: list[str] | tuple[()] = ()
    """Options that are added to the script as #SBATCH lines, as "--mem-per-gpu=32G"."""
    prologue: list[str] | tuple[()] = ()
    """Shell commands before the worker, as "module load cuda"; one that fails ends the job."""
    scheduler_interface: str | None = None
    """Network interface of the master, as "ib0". None: that of the default route."""
    worker_interface: str | None = None
    """Network interface of a worker. None: the one by which it reaches the master."""
    log_folder: str | None = None
    """Where the jobs' output goes, on a file system that the nodes share."""
    scratch_folder: str | None = None
    """A folder on the workers' nodes; $VARIABLES are those of the job. None: $TMPDIR or /tmp."""
    max_pending: int = 100
    """Most jobs that wait in SLURM's queue at once."""
    exclude_failing_nodes: bool = True
    """Whether a node on which trials fail, one after the other, gets no more jobs of the study."""
    master_partition: str | None = None
    """Partition of the master's own job. None: that of the workers."""
    master_time: str | None = None
    """Time limit of the master's own job. None: the partition's own."""
    master_memory: str | None = None
    """Memory of the master's own job. None: the partition's own."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value == ():
                object.__setattr__(self, field.name, [])
                continue
            kind = _KINDS.get(field.name, _WORD)
            if value is None and field.name not in _NEVER_NONE:
                continue
            if not kind.test(value):
                raise SlurmSettingsError(field.name, f"must be {kind.words}, not {value!r}")
