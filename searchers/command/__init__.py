"""A search that exists as somebody's program: it is run as it is, and its files are read.

This package loads no torch, and nothing of the program.
"""

from oneshot_hpo.searchers.command.program import (
    Command,
    CommandFailed,
    CommandLost,
    CommandStopped,
    run_command,
)
from oneshot_hpo.searchers.command.result import CommandResult

__all__ = [
    "Command",
    "CommandFailed",
    "CommandLost",
    "CommandResult",
    "CommandStopped",
    "run_command",
]
