"""How lines are printed, and the commands that they advise a user to run next."""

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


def say(console: Console, line: str, style: str = "") -> None:
    """Print a line as it is: not broken over lines, so that it can be copied, and no markup."""
    from rich.text import Text  # rich takes a while, and not every command prints

    console.print(Text(line, style), soft_wrap=True)


def say_paragraph(console: Console, text: str) -> None:
    """Print sentences to be read, broken between words where a line of the terminal ends."""
    from rich.text import Text

    console.print(Text(text))


def _word(word: object) -> str:
    text = str(word)
    return f"./{text}" if isinstance(word, Path) and text.startswith("-") else text
