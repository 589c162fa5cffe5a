"""Commands that a user is advised to run next: the one place where they are put together."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def command(*words: object) -> str:
    """The command `oneshot-hpo WORDS`, which a shell reads as these words whatever they hold."""
    return quoted("oneshot-hpo", *words)


def quoted(*words: object) -> str:
    """Words as a shell reads them back; a path never looks like an option."""
    return shlex.join(_word(word) for word in words)


def say(console: Console, line: str) -> None:
    """Print a line that is for copying: not broken over lines, and nothing in it is markup."""
    from rich.text import Text  # rich takes a while, and not every command prints

    console.print(Text(line), soft_wrap=True)


def _word(word: object) -> str:
    text = str(word)
    return f"./{text}" if isinstance(word, Path) and text.startswith("-") else text
