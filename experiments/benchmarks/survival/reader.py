"""The duty of a reader of files: accept any input, or refuse it in one clear line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from oneshot_hpo.experiments.benchmarks.survival.mutation import Mutate
from oneshot_hpo.experiments.errors import is_user_error, one_line

_LONGEST = 2000
"""Characters of a message: a line that a terminal can still show."""


class Broken(AssertionError):
    """A forbidden reaction of a reader."""


@dataclass(frozen=True)
class Reader:
    """A kind of input, and what is done with it."""

    name: str
    """The kind of input: "study files"."""
    samples: Callable[[], list[bytes]]
    """Whole inputs to begin with."""
    mutate: Mutate
    """An input that is nearly whole."""
    read: Callable[[bytes, Path], None]
    """Puts an input into an empty folder, reads it, and checks that what was read goes round.

    Raises the project's error, or Broken.
    """
    names: str
    """What every refusal must name, if not the folder: the file, or the option."""
    weight: float = 1.0
    """Executions, relative to other readers: fewer where one takes long."""

    def accepts(self, content: bytes, folder: Path) -> bool:
        """Whether an input is taken; Broken where it is neither taken nor refused as promised."""
        try:
            self.read(content, folder)
        except Broken:
            raise
        except Exception as error:
            if not is_user_error(error):
                raise Broken(f"{self.name}: {type(error).__name__}: {error}"[:_LONGEST]) from error
            message = one_line(error)
            if self.names not in message and folder.name not in message:
                raise Broken(f"{self.name}: no {self.names} in: {message}") from error
            return False
        return True


def require(holds: bool, what: str) -> None:
    """Broken unless it holds."""
    if not holds:
        raise Broken(what)
