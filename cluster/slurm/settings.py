"""The SLURM settings of a study: resources of a worker's job, and folders."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from oneshot_hpo.checks import TRUTH, Kind, check_settings, optional, setting, whole
from oneshot_hpo.cluster.errors import ClusterError

_TIME = re.compile(r"\d+(:[0-5]?\d){0,2}|\d+-\d+(:[0-5]?\d){0,2}|UNLIMITED|infinite")
_ONE_GPU = re.compile(r"gpu(:[A-Za-z][\w.-]*)?(:1)?|(shard|mps)(:[A-Za-z][\w.-]*)?:[1-9]\d{0,5}")
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


class SlurmSettingsError(ClusterError, ValueError):
    """A setting is invalid; has its name and the problem."""

    def __init__(self, setting: str, problem: str) -> None:
        super().__init__(f"{setting} {problem}")
        self.setting = setting
        self.problem = problem


def _matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and bool(pattern.fullmatch(value))


def _is_line(value: Any) -> bool:
    """Whether it is text of one line, without control characters but tabs."""
    if not isinstance(value, str) or not value.strip():
        return False
    return all(c == "\t" or unicodedata.category(c) not in _NO_TEXT for c in value)


def _is_lines(value: Any) -> bool:
    return value == () or (isinstance(value, list) and all(map(_is_line, value)))


def _is_shell_path(value: Any) -> bool:
    return _is_line(value) and not re.search(r"[$`]", _VARIABLE.sub("", value))


_WORD = optional(
    Kind(
        _matches(_WORD_CHARACTERS),
        "a word of letters, digits and , + @ : = / . - _ in quotes if it looks like a number",
    )
)
_INTERFACE_NAME = optional(Kind(_matches(_INTERFACE), "the name of a network interface, as ib0"))
_LIMIT = optional(Kind(_matches(_TIME), "a time of SLURM in quotes, as '4:00:00' or '1-12:00:00'"))
_GRES = optional(
    Kind(
        _matches(_ONE_GPU),
        "one GPU, as gpu:1 or gpu:a100:1 (a worker uses one), a share of one, as mps:25 or "
        "shard:1, or null for none",
    )
)
_GPUS = optional(
    Kind(_matches(_ONE_OF_A_TYPE), "one GPU in quotes, as '1' or 'a100:1' (a worker uses one)")
)
_FEATURES = optional(Kind(_matches(_CONSTRAINT), "features of nodes, as 'a100&ib'"))
_FOLDER = optional(Kind(_is_line, "the path of a folder"))
_NODE_FOLDER = optional(
    Kind(
        _is_shell_path,
        "the path of a folder, in which a $ stands for nothing but a variable, as $TMPDIR or "
        "${TMPDIR}",
    )
)
_COUNT = whole(1, _MOST)
_LINES = Kind(_is_lines, "a list of lines without control characters", list)


@dataclass(frozen=True, kw_only=True)
class SlurmSettings:
    """One job is one worker with one GPU. None means SLURM's default.

    Raises SlurmSettingsError.
    """

    partition: str | None = setting(None, _WORD)
    account: str | None = setting(None, _WORD)
    qos: str | None = setting(None, _WORD)
    gres: str | None = setting("gpu:1", _GRES)
    """The GPU or a share of one, as --gres; None for workers that compute on processors."""
    gpus: str | None = setting(None, _GPUS)
    """The GPU as --gpus, at sites that want it so; `gres` is then left out."""
    constraint: str | None = setting(None, _FEATURES)
    time: str | None = setting(None, _LIMIT)
    """Time limit of a worker's job. None: the partition's own."""
    notice: int = setting(120, _COUNT)
    """Seconds before the time limit at which a trial has to save and stop.

    SLURM's clock has minutes: it may be up to 60 s more.
    """
    cpus: int = setting(2, _COUNT)
    """Processors of a worker."""
    memory: str | None = setting(None, _WORD)
    """Memory of a worker's node share, as "16G". None: the partition's own."""
    skip_directives: list[str] | tuple[()] = setting((), _LINES)
    """#SBATCH lines of the script that hold one of these texts are left out, as "--mem"."""
    extra_directives: list[str] | tuple[()] = setting((), _LINES)
    """Options that are added to the script as #SBATCH lines, as "--mem-per-gpu=32G"."""
    prologue: list[str] | tuple[()] = setting((), _LINES)
    """Shell commands before the worker, as "module load cuda"; one that fails ends the job."""
    scheduler_interface: str | None = setting(None, _INTERFACE_NAME)
    """Network interface of the master, as "ib0". None: that of the default route."""
    worker_interface: str | None = setting(None, _INTERFACE_NAME)
    """Network interface of a worker. None: the one by which it reaches the master."""
    log_folder: str | None = setting(None, _FOLDER)
    """Where the jobs' output goes, on a file system that the nodes share."""
    scratch_folder: str | None = setting(None, _NODE_FOLDER)
    """A folder on the workers' nodes; $VARIABLES are those of the job. None: $TMPDIR or /tmp."""
    max_pending: int = setting(100, _COUNT)
    """Most jobs that wait in SLURM's queue at once."""
    exclude_failing_nodes: bool = setting(True, TRUTH)
    """Whether a node on which trials fail, one after the other, gets no more jobs of the study."""
    master_partition: str | None = setting(None, _WORD)
    """Partition of the master's own job. None: that of the workers."""
    master_time: str | None = setting(None, _LIMIT)
    """Time limit of the master's own job. None: the partition's own."""
    master_memory: str | None = setting(None, _WORD)
    """Memory of the master's own job. None: the partition's own."""

    def __post_init__(self) -> None:
        check_settings(self, SlurmSettingsError)


def limit_seconds(limit: str) -> float | None:
    """A time limit of SLURM in seconds: "30", "4:00:00", "1-12"; None: there is no limit."""
    if limit.lower() in ("unlimited", "infinite"):
        return None
    days, dash, rest = limit.rpartition("-")
    parts = [int(part) for part in rest.split(":")]
    if dash:  # days-hours[:minutes[:seconds]]
        hours, minutes, seconds = (*parts, 0, 0)[:3]
    elif len(parts) == 3:
        hours, minutes, seconds = parts
    else:  # minutes[:seconds]
        hours, (minutes, seconds) = 0, (*parts, 0)[:2]
    return float(((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds)
